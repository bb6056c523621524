import { type Matrix, zeros } from './matrix.ts';

export type Category = string | number | boolean;

export interface OneHotOptions {
  /** What a value outside the list does: throw (default), or become a row of zeros. */
  readonly unknown?: 'error' | 'zero';
}

/**
 * Indicator columns of one categorical column: [n, categories]. The list is declared, never taken from
 * the rows: both the shape and the order of columns are part of the contract. All categories keep a
 * column; whitening sets aside the one that depends on the others when nothing else resolves it.
 */
export function oneHot(
  column: readonly (Category | null)[],
  categories: readonly Category[],
  options: OneHotOptions = {},
): Matrix {
  const positions = new Map(categories.map((category, index) => [category, index]));
  if (positions.size !== categories.length) {
    throw new RangeError('"categories" expected distinct values, got a duplicate');
  }
  const result = zeros(column.length, categories.length);
  column.forEach((value, row) => {
    const position = value === null ? undefined : positions.get(value);
    if (position !== undefined) result.values[row * categories.length + position] = 1;
    else if (options.unknown !== 'zero') {
      throw new RangeError(`"column" expected a declared category in row ${row}`);
    }
  });
  return result;
}

/** Names of the indicator columns, in their order: `EDUCATION=2`. */
export function oneHotNames(column: string, categories: readonly Category[]): string[] {
  return categories.map((category) => `${column}=${category}`);
}

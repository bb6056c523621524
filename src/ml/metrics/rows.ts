/** What every metric asks of its rows: labels and outputs side by side. */

/** Throws RangeError unless there is a row, and as many outputs as labels. */
export function assertParallel(y: Float64Array, other: Float64Array): void {
  if (y.length === 0) throw new RangeError('"y" expected at least one row, got 0');
  if (other.length !== y.length) {
    throw new RangeError(
      `predictions expected ${y.length} entries, one a label, got ${other.length}`,
    );
  }
}

/** The mean of `term` over the rows. */
export function meanOver(
  y: Float64Array,
  other: Float64Array,
  term: (label: number, other: number) => number,
): number {
  assertParallel(y, other);
  let sum = 0;
  for (let row = 0; row < y.length; row++) sum += term(y[row]!, other[row]!);
  return sum / y.length;
}

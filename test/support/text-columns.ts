/** Text columns as strings, to compare. */
import { columnLength, type TextColumn, textAt } from '../../src/protocols/psi/text-column.ts';

export function stringsOf(column: TextColumn): string[] {
  return Array.from({ length: columnLength(column) }, (_, i) => textAt(column, i));
}

/** Of a dataset with one key column; null without keys. */
export function onlyKeys({
  keys,
}: {
  readonly keys: readonly TextColumn[] | null;
}): string[] | null {
  if (keys && keys.length !== 1) throw new Error(`${keys.length} key columns`);
  return keys && stringsOf(keys[0]!);
}

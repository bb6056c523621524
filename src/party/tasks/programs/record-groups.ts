import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import type { RowGroups } from '../../../protocols/psi/deduplicate.ts';

/** Which of a table's records share a key, as far as its keys have been looked at. */
export interface RecordGroups {
  /** The first row with the row's key; n. */
  readonly firstOf: Uint32Array<ArrayBuffer>;
  /** At the first row of a key how many rows have it, at the others 0; n. */
  readonly sizes: Uint32Array<ArrayBuffer>;
}

/** Every record with a key of its own, until told otherwise. */
export function recordGroups(rows: number): RecordGroups {
  return {
    firstOf: rowNumbers(rows),
    sizes: new Uint32Array(rows).fill(1),
  };
}

/** Notes groups of some of the records; `rows` says which row of the table each of these is. */
export function noteGroups(
  { firstOf, sizes }: RecordGroups,
  groups: RowGroups,
  rows: Uint32Array,
): void {
  for (let group = 0; group + 1 < groups.starts.length; group++) {
    const [from, to] = [groups.starts[group]!, groups.starts[group + 1]!];
    const first = rows[groups.rows[from]!]!;
    sizes[first] = to - from;
    for (let at = from + 1; at < to; at++) {
      const row = rows[groups.rows[at]!]!;
      firstOf[row] = first;
      sizes[row] = 0;
    }
  }
}

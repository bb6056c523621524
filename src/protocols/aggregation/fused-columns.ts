/**
 * Columns of bins, several in one: a row's bins in a group of columns are one number, so that sums over a group take one
 * addition a row. Sums over a column's own bins follow from them.
 */
import type { BinnedColumns } from './hint.ts';

/** Combinations of bins in a group at most: their sums stay in the first cache. */
const MOST_COMBINATIONS = 2 ** 12;

/** Neighbouring columns as one. */
export interface FusedColumns {
  /** Its first column, and how many bins each has. */
  readonly first: number;
  readonly counts: readonly number[];
  /** By row the combination of bins: that of the first column counts once. */
  readonly bins: Uint16Array;
  readonly combinations: number;
}

/** All columns in groups. */
export function fuseColumns({ bins, counts, rows }: BinnedColumns): FusedColumns[] {
  const groups: FusedColumns[] = [];
  for (let first = 0; first < bins.length; ) {
    let [end, combinations] = [first + 1, counts[first]!];
    while (end < bins.length && combinations * counts[end]! <= MOST_COMBINATIONS) {
      combinations *= counts[end++]!;
    }
    const group = { first, counts: counts.slice(first, end), combinations };
    const members = bins.slice(first, end);
    groups.push({
      ...group,
      bins: members.length === 1 ? members[0]! : fuse(group, members, rows),
    });
    first = end;
  }
  return groups;
}

function fuse(
  { counts }: Pick<FusedColumns, 'counts'>,
  members: readonly Uint16Array[],
  rows: number,
): Uint16Array {
  const fused = new Uint16Array(rows);
  let weight = 1;
  for (const [f, column] of members.entries()) {
    for (let i = 0; i < rows; i++) fused[i]! += weight * column[i]!;
    weight *= counts[f]!;
  }
  return fused;
}

/**
 * Adds sums over a group's combinations to those over its columns' bins, modulo 2^32.
 *
 * @param sums - by column of the group.
 */
export function addCombinations(
  { counts }: FusedColumns,
  combinations: Uint32Array,
  sums: readonly Uint32Array[],
): void {
  let weight = 1;
  for (const [f, count] of counts.entries()) {
    const own = sums[f]!;
    for (let from = 0, bin = 0; from < combinations.length; from += weight) {
      let sum = 0;
      for (let c = from; c < from + weight; c++) sum = (sum + combinations[c]!) | 0;
      own[bin]! += sum;
      bin = bin + 1 === count ? 0 : bin + 1;
    }
    weight *= count;
  }
}

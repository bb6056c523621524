import type { BinnedMatrix } from './bins.ts';
import type { Gradients } from './objective.ts';

/** Sums of g and h by bin of every column, the bin of missing values last. */
export interface Histogram {
  /** By column, [bins + 1]. */
  readonly G: readonly Float64Array[];
  readonly H: readonly Float64Array[];
}

/** Columns that are counted at a time: what is read of a row serves all of them. */
const LANES = 4;
const NONE: Float64Array = new Float64Array(0);

/** The histogram of some rows over some columns; the other columns' arrays are empty. */
export function histogramOf(
  data: BinnedMatrix,
  gradients: Gradients,
  rows: Uint32Array,
  columns: readonly number[],
): Histogram {
  const G = data.columns.map(() => NONE);
  const H = data.columns.map(() => NONE);
  const [g, h] = [gather(gradients.g, rows), gather(gradients.h, rows)];
  for (let first = 0; first < columns.length; first += LANES) {
    // Where fewer columns are left, the last one is counted again, into sums that are dropped.
    const lanes = four((lane) => columns[first + lane] ?? columns.at(-1)!);
    const sums = four(
      (lane) => new Float64Array(2 * (data.columns[lanes[lane]!]!.cuts.length + 1)),
    );
    const bins = four((lane) => data.bins[lanes[lane]!]!);
    count(rows, g, h, bins, sums);
    for (let lane = 0; lane < LANES && first + lane < columns.length; lane++) {
      [G[lanes[lane]!], H[lanes[lane]!]] = unzip(sums[lane]!);
    }
  }
  return { G, H };
}

type Four<T> = readonly [T, T, T, T];

function four<T>(of: (lane: number) => T): Four<T> {
  return [of(0), of(1), of(2), of(3)];
}

/** Adds g and h of every row to its bins: sums hold G and H side by side. */
function count(
  rows: Uint32Array,
  g: Float64Array,
  h: Float64Array,
  [bins0, bins1, bins2, bins3]: Four<Uint16Array>,
  [sums0, sums1, sums2, sums3]: Four<Float64Array>,
): void {
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]!;
    const gk = g[k]!;
    const hk = h[k]!;
    const at0 = 2 * bins0[row]!;
    sums0[at0]! += gk;
    sums0[at0 + 1]! += hk;
    const at1 = 2 * bins1[row]!;
    sums1[at1]! += gk;
    sums1[at1 + 1]! += hk;
    const at2 = 2 * bins2[row]!;
    sums2[at2]! += gk;
    sums2[at2 + 1]! += hk;
    const at3 = 2 * bins3[row]!;
    sums3[at3]! += gk;
    sums3[at3 + 1]! += hk;
  }
}

/** The entries at even and at odd places. */
function unzip(both: Float64Array): [Float64Array, Float64Array] {
  const even = new Float64Array(both.length / 2);
  const odd = new Float64Array(both.length / 2);
  for (let at = 0; at < even.length; at++) {
    even[at] = both[2 * at]!;
    odd[at] = both[2 * at + 1]!;
  }
  return [even, odd];
}

function gather(values: Float64Array, rows: Uint32Array): Float64Array {
  if (rows.length === values.length) return values; // all rows, in their order
  const found = new Float64Array(rows.length);
  for (let k = 0; k < rows.length; k++) found[k] = values[rows[k]!]!;
  return found;
}

/** The histogram of the rows of `all` that `part` does not count. */
export function subtractHistogram(all: Histogram, part: Histogram): Histogram {
  return {
    G: all.G.map((G, j) => minus(G, part.G[j]!)),
    H: all.H.map((H, j) => minus(H, part.H[j]!)),
  };
}

function minus(a: Float64Array, b: Float64Array): Float64Array {
  const difference = new Float64Array(a.length);
  for (let bin = 0; bin < a.length; bin++) difference[bin] = a[bin]! - b[bin]!;
  return difference;
}

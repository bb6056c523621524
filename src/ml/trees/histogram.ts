import type { BinnedMatrix } from './bins.ts';
import type { Gradients } from './objective.ts';

/** Sums of g and h by bin of every column, the bin of missing values last. */
export interface Histogram {
  /** By column, [bins + 1]. */
  readonly G: readonly Float64Array[];
  readonly H: readonly Float64Array[];
}

/** The histogram of some rows over some columns; the other columns' arrays are empty. */
export function histogramOf(
  data: BinnedMatrix,
  { g, h }: Gradients,
  rows: Uint32Array,
  columns: readonly number[],
): Histogram {
  const G = data.columns.map(() => new Float64Array(0));
  const H = data.columns.map(() => new Float64Array(0));
  for (const j of columns) {
    const bins = data.bins[j]!;
    const width = data.columns[j]!.cuts.length + 1;
    const [sumG, sumH] = [new Float64Array(width), new Float64Array(width)];
    for (let k = 0; k < rows.length; k++) {
      const row = rows[k]!;
      const bin = bins[row]!;
      sumG[bin]! += g[row]!;
      sumH[bin]! += h[row]!;
    }
    [G[j], H[j]] = [sumG, sumH];
  }
  return { G, H };
}

/** The histogram of the rows of `all` that `part` does not count. */
export function subtractHistogram(all: Histogram, part: Histogram): Histogram {
  const minus = (a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] =>
    a.map((column, j) => column.map((sum, bin) => sum - b[j]![bin]!));
  return { G: minus(all.G, part.G), H: minus(all.H, part.H) };
}

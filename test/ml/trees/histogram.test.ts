import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { type BinnedMatrix, binMatrix, fitBins } from '../../../src/ml/trees/bins.ts';
import { histogramOf, subtractHistogram } from '../../../src/ml/trees/histogram.ts';

/** Sums in eighths, so that every order of adding gives the same. */
function example(n: number, d: number): { data: BinnedMatrix; g: Float64Array; h: Float64Array } {
  const cell = (i: number, j: number) =>
    (i * 7 + j * 3) % 11 === 0 ? Number.NaN : (i * (j + 1)) % 6;
  const values = Array.from({ length: n * d }, (_, k) => cell(Math.floor(k / d), k % d));
  const X = matrix(Float64Array.from(values), n, d);
  const g = Float64Array.from({ length: n }, (_, i) => (((i * 37) % 17) - 8) / 8);
  const h = Float64Array.from({ length: n }, (_, i) => (((i * 13) % 7) + 1) / 8);
  return { data: binMatrix(X, fitBins(X, 4)), g, h };
}

describe('histograms', () => {
  it('are the sums of the definition, for any rows and columns', () => {
    const d = 9;
    const { data, g, h } = example(60, d);
    const choice = fc.tuple(
      fc.subarray(Array.from({ length: 60 }, (_, i) => i)),
      fc.subarray(Array.from({ length: d }, (_, j) => j)),
    );
    fc.assert(
      fc.property(choice, ([rows, columns]) => {
        const { G, H } = histogramOf(data, { g, h }, Uint32Array.from(rows), columns);
        equal(G.length, d);
        for (let j = 0; j < d; j++) {
          const width = columns.includes(j) ? data.columns[j]!.cuts.length + 1 : 0;
          const [sumG, sumH] = [new Float64Array(width), new Float64Array(width)];
          for (const row of width > 0 ? rows : []) {
            sumG[data.bins[j]![row]!]! += g[row]!;
            sumH[data.bins[j]![row]!]! += h[row]!;
          }
          deepEqual([G[j], H[j]], [sumG, sumH], `column ${j}`);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('of a side and of the rest add up to that of all', () => {
    const { data, g, h } = example(200, 5);
    const all = Uint32Array.from({ length: 200 }, (_, i) => i);
    const columns = [0, 2, 3, 4];
    const [left, right] = [all.filter((i) => i % 3 > 0), all.filter((i) => i % 3 === 0)];
    const whole = histogramOf(data, { g, h }, all, columns);
    const part = histogramOf(data, { g, h }, left, columns);
    deepEqual(subtractHistogram(whole, part), histogramOf(data, { g, h }, right, columns));
    ok(whole.G[1]!.length === 0);
  });
});

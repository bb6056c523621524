import { deepEqual, equal, ok } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { DEFAULT_PARAMETERS } from '../../../../src/ml/trees/parameters.ts';
import {
  candidateNoise,
  drawNoise,
  NOISE_DENOMINATOR,
  varianceOf,
} from '../../../../src/ml/vertical/trees/candidate-noise.ts';
import { drawCandidates, offerOf, sumsOf } from '../../../../src/ml/vertical/trees/candidates.ts';
import { placeColumns } from '../../../../src/ml/vertical/trees/columns.ts';
import { ROW_VARIANCE } from '../../../../src/protocols/aggregation/parameters.ts';
import { noNoise } from '../../../support/boosting-run.ts';
import { seededRng } from '../../../support/seeded-rng.ts';

const sum = (column: number, bins: number, andLast = false) => ({ column, bins, andLast });

describe('own noise of candidates', () => {
  it('is drawn by bin of the columns that are brought, and once more by candidate', () => {
    const binRows = [Uint32Array.of(5, 6), Uint32Array.of(1, 0, 30, 4), Uint32Array.of(9)];
    const sums = [sum(1, 3), sum(1, 1, true), sum(2, 0), sum(1, 2)];
    const { variances } = candidateNoise(sums, binRows, 4);
    const rows = [0, 0, 1, 0, 30, 4, 9, 31, 5, 0, 1];
    deepEqual(
      variances,
      Float64Array.from(rows, (n) => varianceOf(n, 4)),
    );
    equal(varianceOf(3, 4) / NOISE_DENOMINATOR, ROW_VARIANCE * 3 * 16);
    ok(Number.isInteger(varianceOf(1, 1)), 'the sampler takes integers');
  });

  it('adds up samples of the bins that are in a sum, modulo 2^32', () => {
    const samples = Int32Array.of(1, 20, 300, 2 ** 31 - 1, 5, 70_000, 80_000, 90_000, -1);
    const sums = [sum(1, 2), sum(1, 1, true), sum(0, 1), sum(1, 0)];
    const binRows = [Uint32Array.of(1, 1), Uint32Array.of(1, 1, 1)];
    const noise = candidateNoise(sums, binRows, 1, () => samples);
    const drawn = drawNoise(noise, seededRng(1));
    deepEqual(drawn, Int32Array.of((300 + 2 ** 31 - 1 + 70_000) | 0, 80_305, 90_001, -1));
    deepEqual(
      drawNoise(candidateNoise(sums, binRows, 1, noNoise), seededRng(1)),
      new Int32Array(4),
    );
  });

  it('has the covariance of the errors in the sums, and their variances once more', () => {
    // Two columns of 60 rows that train and 40 that do not, one with missing values and a rare one.
    const [n, trained] = [100, 60];
    const values = Float64Array.from({ length: 2 * n }, (_, at) => {
      const row = at >> 1;
      if (at % 2 === 0) return row % 7;
      return row % 2 === 0 ? Number.NaN : row === 31 ? 2 : row % 3 === 0 ? 1 : 3;
    });
    const [train, others] = [0, 1].map((k) =>
      Uint32Array.from({ length: k ? n - trained : trained }, (_, i) => (k ? trained + i : i)),
    );
    const placed = placeColumns(matrix(values, n, 2), { train: train!, others: others! }, 8);
    const parameters = { ...DEFAULT_PARAMETERS, minChildWeight: 0 };
    const offer = offerOf(placed, trained, parameters);
    const candidates = drawCandidates(offer, parameters, seededRng('order'));
    const C = candidates.length;
    equal(C, 6 + 5);
    const rowsOf = candidates.map((candidate) => {
      const { feature, bin, defaultLeft } = candidate!;
      const cut = placed.columns[feature]!.cuts[bin]!;
      return Array.from(train!, (row) => {
        const value = values[2 * row + feature]!;
        return Number.isNaN(value) ? defaultLeft : value < cut;
      });
    });

    const T = 4000;
    const noise = candidateNoise(sumsOf(candidates), offer.binRows, 1);
    const rng = seededRng('noise');
    const moments = Array.from({ length: C }, () => new Float64Array(C));
    for (let t = 0; t < T; t++) {
      const drawn = drawNoise(noise, rng);
      for (let c = 0; c < C; c++) {
        for (let d = 0; d < C; d++) moments[c]![d]! += (drawn[c]! * drawn[d]!) / T;
      }
    }
    const expected = candidates.map((a, c) =>
      candidates.map((b, d) => {
        const common = rowsOf[c]!.filter((isLeft, i) => isLeft && rowsOf[d]![i]).length;
        const shared = a!.feature === b!.feature ? common : 0;
        return ROW_VARIANCE * (c === d ? 2 * common : shared);
      }),
    );
    expected.forEach((row, c) => {
      row.forEach((covariance, d) => {
        const deviation = Math.sqrt((row[c]! * expected[d]![d]! + covariance ** 2) / T);
        const away = (moments[c]![d]! - covariance) / deviation;
        ok(Math.abs(away) < 4, `${c}, ${d}: ${moments[c]![d]} for ${covariance}`);
      });
    });
  });

  it('leaves less to learn of the errors than either part alone', () => {
    // Of each sum the bins that are in it; 32 bins alike, or the half of all rows in them and the others without value.
    const prefixes = Array.from({ length: 31 }, (_, c) => c + 1);
    const alike = covariance(prefixes.map((bins) => ({ bins, missing: 0 })));
    const halfEmpty = covariance([
      ...[...prefixes, 32].map((bins) => ({ bins, missing: 0 })),
      ...prefixes.map((bins) => ({ bins, missing: 32 })),
    ]);
    deepEqual([alike, halfEmpty].map(bitsToLearn), [
      { independent: 6.2, shared: 15.5, both: 2.9 },
      { independent: 9.3, shared: 16.5, both: 3.7 },
    ]);
    deepEqual([alike, halfEmpty].map(bestRatio), [22, 38]);
  });
});

type Square = readonly (readonly number[])[];

/** Of the errors in sums over first bins of one row each, and over those without a value. */
const covariance = (sums: readonly { bins: number; missing: number }[]): Square =>
  sums.map((a) => sums.map((b) => Math.min(a.bins, b.bins) + Math.min(a.missing, b.missing)));

/** 1/2 log2 det(I + K N^-1) for each covariance N of noise. */
function bitsToLearn(K: Square) {
  const noise = (shared: number, own: number): Square =>
    K.map((row, c) => row.map((k, d) => shared * k + (c === d ? own * k : 0)));
  const bits = (shared: number, own: number): number =>
    Math.round(5 * (logDet(noise(shared + 1, own)) - logDet(noise(shared, own)))) / 10;
  return { independent: bits(0, 1), shared: bits(1, 1e-9), both: bits(1, 1) };
}

/** log2 det of a positive definite matrix. */
function logDet(K: Square): number {
  const rows = K.map((row) => [...row]);
  return rows.reduce((sum, pivot, i) => {
    for (const row of rows.slice(i + 1)) {
      const factor = row[i]! / pivot[i]!;
      for (let j = i; j < row.length; j++) row[j]! -= factor * pivot[j]!;
    }
    return sum + Math.log2(pivot[i]!);
  }, 0);
}

/** The most that a combination's errors have of its noise where that is independent, in variances. */
function bestRatio(K: Square): number {
  let v = K.map(() => 1);
  let ratio = 0;
  for (let round = 0; round < 100; round++) {
    const w = K.map((row, c) => row.reduce((sum, k, d) => sum + k * v[d]!, 0) / row[c]!);
    ratio = Math.max(...w);
    v = w.map((each) => each / ratio);
  }
  return Math.round(ratio);
}

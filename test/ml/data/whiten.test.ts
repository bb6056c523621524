import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { gram, type Matrix, matrix, multiply, takeRows } from '../../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../../src/ml/data/random.ts';
import { applyScaler } from '../../../src/ml/data/standardise.ts';
import {
  applyWhitening,
  fitWhitening,
  rawMap,
  toRawWeights,
  toStandardisedWeights,
  type WhitenOptions,
} from '../../../src/ml/data/whiten.ts';

/** Columns of very different scales; optionally a constant, a copy and a sum among them. */
function sampleBlock(n: number, degenerate: boolean): Matrix {
  const next = seededGenerator(11);
  const uniform = (): number => next() / 2 ** 32;
  const values: number[] = [];
  for (let i = 0; i < n; i++) {
    const [a, b, c] = [1e3 * uniform(), 5 + uniform(), uniform() ** 3];
    values.push(...(degenerate ? [a, 7, b, 3 * a - 1, c, a + b] : [a, b, c]));
  }
  return matrix(Float64Array.from(values), n, degenerate ? 6 : 3);
}

const CASES: [string, boolean, WhitenOptions][] = [
  ['logistic', false, { curvature: 1 / 4, l2: 1, intercept: true }],
  ['linear without penalty', false, { curvature: 1, l2: 0, intercept: false }],
  ['rank-deficient', true, { curvature: 1 / 4, l2: 0, intercept: true }],
  ['rank-deficient with penalty', true, { curvature: 1, l2: 0.5, intercept: true }],
];

describe('whiten', () => {
  for (const [name, degenerate, options] of CASES) {
    const X = sampleBlock(60, degenerate);
    const whitening = fitWhitening(X, options);
    const U = applyWhitening(whitening, X);

    it(`makes the Hessian bound the identity: ${name}`, () => {
      const D = X.columns + (options.intercept ? 1 : 0);
      deepEqual([U.rows, U.columns], [60, D]);
      const H = gram(U).values.map(
        (value, at) => (options.curvature * value) / 60 + whitening.ridge.values[at]!,
      );
      for (let i = 0; i < D; i++) {
        for (let j = 0; j < D; j++) {
          const expected = i === j && !whitening.dependent[i] ? 1 : 0;
          ok(Math.abs(H[i * D + j]! - expected) < 1e-9, `H[${i}][${j}] = ${H[i * D + j]}`);
        }
      }
    });

    it(`maps whitened weights back: ${name}`, () => {
      const next = seededGenerator(3);
      const v = Float64Array.from({ length: U.columns }, () => next() / 2 ** 31 - 1);
      const z = multiply(U, v);
      const raw = toRawWeights(whitening, v);
      const standardised = toStandardisedWeights(whitening, v);
      const fromRaw = multiply(X, raw.weights);
      const fromStandardised = multiply(applyScaler(whitening.scaler, X), standardised.weights);
      z.forEach((value, row) => {
        ok(Math.abs(value - fromRaw[row]! - raw.intercept) < 1e-9, `raw, row ${row}`);
        const other = fromStandardised[row]! + standardised.intercept;
        ok(Math.abs(value - other) < 1e-9, `standardised, row ${row}`);
      });
      // The penalty is the one on standardised weights.
      const penalty = standardised.weights.reduce((sum, w) => sum + w * w, 0) * options.l2;
      const quadratic = multiply(whitening.ridge, v).reduce((sum, g, j) => sum + g * v[j]!, 0);
      ok(Math.abs(penalty / 60 - quadratic) < 1e-12, 'penalty');
      deepEqual([rawMap(whitening).rows, rawMap(whitening).columns], [X.columns + 1, U.columns]);
    });
  }

  it('gives the intercept the value 2 for logistic, 1 for linear', () => {
    const X = sampleBlock(5, false);
    equal(fitWhitening(X, { curvature: 1 / 4, l2: 1, intercept: true }).interceptValue, 2);
    equal(fitWhitening(X, { curvature: 1, l2: 1, intercept: true }).interceptValue, 1);
    equal(fitWhitening(X, { curvature: 1, l2: 1, intercept: false }).interceptValue, 0);
  });

  it('sets constant and dependent columns aside: zero in U, in w and in the ridge', () => {
    const X = sampleBlock(60, true);
    const bare = fitWhitening(X, { curvature: 1, l2: 0, intercept: true });
    deepEqual([...bare.dependent], [0, 1, 0, 1, 0, 1]);
    // A penalty decides between collinear columns; the constant stays out.
    const ridge = fitWhitening(X, { curvature: 1, l2: 0.5, intercept: true });
    deepEqual([...ridge.dependent], [0, 1, 0, 0, 0, 0]);
    const U = applyWhitening(bare, X);
    for (let i = 0; i < U.rows; i++) {
      for (const j of [1, 3, 5]) equal(U.values[i * 7 + j], 0, `row ${i}, column ${j}`);
    }
    const { weights } = toRawWeights(bare, new Float64Array(7).fill(1));
    deepEqual([weights[1], weights[3], weights[5]], [0, 0, 0]);
  });

  it('applies training statistics to other rows', () => {
    const X = sampleBlock(60, false);
    const rows = Uint32Array.from({ length: 40 }, (_, i) => i);
    const whitening = fitWhitening(takeRows(X, rows), { curvature: 1, l2: 1, intercept: true });
    const all = applyWhitening(whitening, X);
    const some = applyWhitening(whitening, takeRows(X, rows));
    deepEqual(all.values.slice(0, some.values.length), some.values);
  });

  it('works for a block of no columns', () => {
    const X = matrix(new Float64Array(), 4, 0);
    const whitening = fitWhitening(X, { curvature: 1 / 4, l2: 1, intercept: true });
    deepEqual([...applyWhitening(whitening, X).values], [2, 2, 2, 2]);
    equal(toRawWeights(whitening, Float64Array.of(3)).intercept, 6);
  });

  it('refuses options out of range', () => {
    const X = sampleBlock(5, false);
    throws(() => fitWhitening(X, { curvature: 0, l2: 1, intercept: true }), /curvature/);
    throws(() => fitWhitening(X, { curvature: 1, l2: -1, intercept: true }), /l2/);
  });
});

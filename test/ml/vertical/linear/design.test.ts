import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { applyWhitening, fitWhitening } from '../../../../src/ml/data/whiten.ts';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import {
  clearMatrix,
  coordinates,
  designRows,
  exponentOf,
  fullBatch,
  largestClassWeight,
  miniBatches,
  rowWeights,
  splitRows,
  targetScale,
} from '../../../../src/ml/vertical/linear/design.ts';
import { MAX_ROWS } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { contextPair, DEFAULTS, syntheticTable } from '../../../support/vertical-run.ts';

const SGD = { ...DEFAULTS, solver: 'sgd' as const };

describe('design of the linear models', () => {
  let context: TrainingContext;
  before(async () => {
    [context] = (await contextPair()).contexts;
  });

  it('holds rows out, or scores those that train', () => {
    const { train, validation } = splitRows(10, DEFAULTS);
    equal(validation.length, 2);
    deepEqual(
      [...train, ...validation].sort((a, b) => a - b),
      Array.from({ length: 10 }, (_, i) => i),
    );
    const all = splitRows(3, { ...DEFAULTS, use_validation_set: false });
    deepEqual(
      [[...all.train], [...all.validation]],
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    );
    throws(() => splitRows(MAX_ROWS + 1, DEFAULTS), /"n"/);
    throws(() => splitRows(1, DEFAULTS), /"n"/);
  });

  it('takes the power of two above a deviation', () => {
    deepEqual([1, 1.01, 2, 0.5, 0.3, 1000].map(exponentOf), [0, 1, 1, -1, -1, 10]);
  });

  it('scales the target by its deviation, or by its size when nothing takes up its centre', () => {
    const y = Float64Array.of(98, 100, 102, 100);
    const withIntercept = targetScale(y, true);
    equal(withIntercept.centre, 100);
    equal(withIntercept.exponent, exponentOf(Math.sqrt(2)));
    deepEqual(targetScale(y, false), { centre: 0, exponent: 7 });
    deepEqual(targetScale(new Float64Array(3), false), { centre: 0, exponent: 0 });
    deepEqual(targetScale(Float64Array.of(5, 5), true), { centre: 5, exponent: 0 });
  });

  it('weighs classes relative to the larger weight', () => {
    const y = Float64Array.of(0, 1, 0, 0);
    equal(rowWeights(y, 'none'), undefined);
    deepEqual([...rowWeights(y, 'balanced')!], [1 / 3, 1, 1 / 3, 1 / 3]);
    deepEqual([...rowWeights(y, { '0': 4, '1': 1 })!], [1, 1 / 4, 1, 1]);
    equal(largestClassWeight({ '0': 4, '1': 1 }), 4);
    equal(largestClassWeight('balanced'), 1, 'the counts stay with the label holder');
  });

  it('puts rows to fixed point in pieces as at once, and clips what no training row reaches', () => {
    const { guest } = syntheticTable(20_000, 2, 1, 'binary');
    const whitening = fitWhitening(guest, { curvature: 1 / 4, l2: 1, intercept: true });
    const rows = designRows(whitening, guest);
    const U = applyWhitening(whitening, guest).values;
    equal(rows.length, U.length);
    for (let i = 0; i < U.length; i++) {
      if (rows[i] !== Math.round(U[i]! * 2 ** 13)) equal(rows[i], U[i]! * 2 ** 13, `entry ${i}`);
    }
    const [far] = designRows(whitening, matrix(Float64Array.of(1e12, 0), 1, 2));
    equal(Math.abs(far!), 2 ** 26);
    throws(() => designRows(whitening, matrix(Float64Array.of(Number.NaN, 0), 1, 2)), RangeError);
  });

  it('keeps the columns of sgd apart, constant ones zero', () => {
    const X = matrix(Float64Array.of(1, 5, 3, 5, 5, 5, 7, 5), 4, 2);
    const whitening = coordinates(X, SGD, 1 / 4, true);
    deepEqual([...whitening.W.values], [1, 0, 0, 0]);
    deepEqual([...whitening.dependent], [0, 1]);
    const rows = designRows(whitening, X);
    for (let i = 0; i < 4; i++) deepEqual([rows[3 * i + 1], rows[3 * i + 2]], [0, 2 ** 13]);
    const first = [0, 1, 2, 3].map((i) => rows[3 * i]!);
    equal(
      first.reduce((a, b) => a + b),
      0,
      'centred',
    );
    ok(Math.abs(first.reduce((a, b) => a + b * b, 0) / 4 / 4 ** 13 - 1) < 1e-3, 'of unit variance');
  });

  it('stacks the ridge under the rows', () => {
    const { guest } = syntheticTable(50, 2, 3, 'binary');
    const whitening = fitWhitening(guest, { curvature: 1 / 4, l2: 10, intercept: true });
    const { matrix: M, peer, rows } = fullBatch(context, whitening, guest, 3);
    deepEqual([M.rows, M.columns, rows], [53, 3, 50]);
    deepEqual(peer, { rows: 53, columns: 3 });
    const ridge = [...M.entries.subarray(150)].map((v) => v / 2 ** 20);
    ridge.forEach((v, i) => {
      ok(Math.abs(v - whitening.ridge.values[i]!) <= 2 ** -21, `${i}`);
    });
    deepEqual(
      [ridge[2], ridge[5], ridge[6], ridge[7], ridge[8]],
      [0, 0, 0, 0, 0],
      'none on the intercept',
    );
    M.encoded.free();
  });

  it('parts rows into batches, the last one shorter', () => {
    const { guest } = syntheticTable(23, 2, 1, 'binary');
    const batches = miniBatches(context, coordinates(guest, SGD, 1 / 4, false), guest, 1, 10, 7);
    deepEqual(
      batches.map(({ batch }) => batch.rows),
      [10, 10, 3],
    );
    deepEqual(
      batches.map(({ batch }) => batch.peer.rows),
      [10, 10, 3],
    );
    const seen = batches.flatMap(({ rows }) => [...rows]).sort((a, b) => a - b);
    deepEqual(
      seen,
      Array.from({ length: 23 }, (_, i) => i),
    );
    for (const { batch } of batches) batch.matrix.encoded.free();
  });

  it('encodes a matrix with its shape', () => {
    const M = clearMatrix(context, Int32Array.of(1, 2, 3, 4, 5, 6), 2);
    deepEqual([M.rows, M.columns], [2, 3]);
    M.encoded.free();
    throws(() => clearMatrix(context, new Int32Array(0), 0), RangeError);
  });
});

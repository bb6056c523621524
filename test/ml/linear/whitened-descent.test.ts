import { deepEqual, ok, throws } from 'node:assert/strict';
import { concatColumns, type Matrix, matrix, multiply } from '../../../src/ml/data/matrix.ts';
import { applyWhitening, fitWhitening } from '../../../src/ml/data/whiten.ts';
import { CURVATURE, logLoss, logLossGradient } from '../../../src/ml/linear/link.ts';
import {
  linearPredictor,
  type WhitenedBlock,
  whitenedIterates,
} from '../../../src/ml/linear/whitened-descent.ts';
import { loadTask } from '../../support/tables.ts';

const { blocks: raw, y } = loadTask('breast', 'id', 'y');
const L2 = 1;
const blocks: readonly WhitenedBlock[] = raw.map((X, p) => {
  const options = { curvature: CURVATURE.logLoss, l2: L2, intercept: p === 0 };
  const whitening = fitWhitening(X, options);
  return { U: applyWhitening(whitening, X), ridge: whitening.ridge };
});

/** The mean objective at v. */
function objective(v: readonly Float64Array[]): number {
  const z = linearPredictor(blocks, v);
  const loss = z.reduce((sum, z_i, i) => sum + logLoss(z_i, y[i]!), 0) / y.length;
  const penalty = blocks.map(({ ridge }, p) =>
    multiply(ridge, v[p]!).reduce((sum, g, j) => sum + (g * v[p]![j]!) / 2, 0),
  );
  return loss + penalty.reduce((sum, one) => sum + one, 0);
}

function iterate(count: number): readonly Float64Array[][] {
  const iterates = whitenedIterates(blocks, (z, row) => logLossGradient(z, y[row]!));
  return Array.from({ length: count }, () => [...iterates.next().value]);
}

describe('whitened descent', () => {
  it('takes a first step along the gradient, checked by finite differences', () => {
    const [first] = iterate(1);
    const zero = blocks.map(({ U }) => new Float64Array(U.columns));
    blocks.forEach(({ U }, p) => {
      for (let j = 0; j < U.columns; j++) {
        const at = (h: number): number =>
          objective(zero.map((v, b) => v.map((_, i) => (b === p && i === j ? h : 0))));
        const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        ok(Math.abs(first![p]![j]! + slope / blocks.length) < 1e-9, `block ${p}, column ${j}`);
      }
    });
  });

  it('decreases the objective to the optimum', () => {
    const values = iterate(600).map(objective);
    ok(values[9]! < values[0]! && values[39]! < values[9]!);
    ok(values[599]! <= Math.min(...values) + 1e-12);
    ok(values[39]! - values[599]! < 0.003, `after 40: ${values[39]! - values[599]!}`);
  });

  it('is reproducible bit for bit and leaves yielded arrays alone', () => {
    const all = iterate(20);
    deepEqual(all[4], iterate(5)[4]);
    deepEqual(all, iterate(20));
  });

  it('keeps a dependent column at zero', () => {
    const X: Matrix = concatColumns([raw[0]!, raw[0]!]);
    const whitening = fitWhitening(X, { curvature: 1 / 4, l2: 0, intercept: true });
    const block = { U: applyWhitening(whitening, X), ridge: whitening.ridge };
    const iterates = whitenedIterates([block], (z, row) => logLossGradient(z, y[row]!));
    for (let k = 0; k < 5; k++) iterates.next();
    const v = iterates.next().value[0]!;
    deepEqual([...v.slice(10, 20)], new Array(10).fill(0));
    ok(v.slice(0, 10).every((value) => value !== 0));
  });

  it('refuses blocks of different rows and no blocks', () => {
    const ragged = [matrix(new Float64Array(2), 2, 1), matrix(new Float64Array(3), 3, 1)];
    const square = matrix(new Float64Array(1), 1, 1);
    const bad = ragged.map((U) => ({ U, ridge: square }));
    throws(() => whitenedIterates(bad, (z) => z).next(), /same rows/);
    throws(() => whitenedIterates([], (z) => z).next(), /at least one block/);
  });
});

import { equal, ok } from 'node:assert/strict';
import {
  brierLoss,
  brierLossGradient,
  CURVATURE,
  logLoss,
  logLossGradient,
  sigmoid,
  squaredError,
  squaredErrorGradient,
} from '../../../src/ml/linear/link.ts';

const LOSSES = [
  ['logLoss', logLoss, logLossGradient],
  ['brierLoss', brierLoss, brierLossGradient],
  ['squaredError', squaredError, squaredErrorGradient],
] as const;

describe('link', () => {
  it('gradients match finite differences', () => {
    for (const [name, loss, gradient] of LOSSES) {
      for (const y of [0, 1]) {
        for (let z = -6; z <= 6; z += 0.37) {
          const h = 1e-5;
          const numeric = (loss(z + h, y) - loss(z - h, y)) / (2 * h);
          ok(Math.abs(numeric - gradient(z, y)) < 1e-8, `${name} at ${z}, ${y}`);
        }
      }
    }
  });

  it('curvature bounds are attained and not exceeded', () => {
    for (const [name, , gradient] of LOSSES) {
      let largest = 0;
      for (let z = -12; z <= 12; z += 0.001) {
        const h = 1e-4;
        largest = Math.max(largest, Math.abs(gradient(z + h, 1) - gradient(z - h, 1)) / (2 * h));
      }
      const bound = CURVATURE[name];
      ok(largest <= bound + 1e-9 && largest > 0.998 * bound, `${name}: ${largest}, ${bound}`);
    }
  });

  it('stays finite far out', () => {
    equal(sigmoid(-1000), 0);
    equal(sigmoid(1000), 1);
    ok(sigmoid(-700) > 0);
    equal(logLoss(1000, 0), 1000);
    equal(logLoss(-1000, 0), 0);
  });
});

import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { classify, type JoinedRow, predict } from '../../../src/party/models/predict.ts';
import { MODEL } from './sample.ts';

const ROW: JoinedRow = { bank: { x: 1 }, shop: { x: 4, city: 1 } };

describe('predict', () => {
  it('adds weights, keeps parties apart and takes the level of the row', () => {
    const linear = { ...MODEL, algorithm: 'linear_regression', threshold: null } as const;
    const rows: JoinedRow[] = [
      ROW,
      { bank: { x: -1 }, shop: { x: 0, city: 0, unused: 7 } },
      { bank: { x: 0 }, shop: { x: 0, city: null } },
    ];
    deepEqual([...predict(linear, rows)], [-1 + 2 - 2 + 0.25, -1 - 2 + 1, -1]);
    deepEqual([...predict(linear, [])], []);
  });

  it('gives probabilities, also far out', () => {
    const rows = [0, 1e4, -1e4].map((x) => ({ bank: { x }, shop: { x: -2, city: 0 } }));
    const probabilities = predict(MODEL, rows);
    ok(Math.abs(probabilities[0]! - 1 / (1 + Math.exp(-1))) < 1e-15);
    deepEqual([...probabilities.subarray(1)], [1, 0]);
    deepEqual([...classify(MODEL, probabilities)], [1, 1, 0]);
  });

  it('calls a row at the threshold positive', () => {
    deepEqual([...classify({ ...MODEL, threshold: 0.5 }, Float64Array.of(0.5, 0.4999))], [1, 0]);
    throws(() => classify({ ...MODEL, threshold: null }, Float64Array.of(1)), TypeError);
  });

  it('names row and column of what it cannot use, never the value', () => {
    const wrong: [JoinedRow, string][] = [
      [{ shop: ROW.shop! }, 'row 1: bank.x is missing'],
      [{ ...ROW, bank: {} }, 'row 1: bank.x is missing'],
      [{ ...ROW, bank: { x: null } }, 'row 1: bank.x expected a finite number'],
      [{ ...ROW, bank: { x: Number.NaN } }, 'row 1: bank.x expected a finite number'],
      [
        { ...ROW, shop: { x: 1, city: 2 } },
        'row 1: shop.city expected a level of the model, or null',
      ],
    ];
    for (const [row, message] of wrong) {
      throws(
        () => predict(MODEL, [ROW, row]),
        (error) => {
          ok(error instanceof RangeError);
          equal(error.message, message);
          return true;
        },
      );
    }
  });

  it('does not mistake what every object has for a column', () => {
    const model = { ...MODEL, features: [{ party: 'bank', column: 'toString', weight: 1 }] };
    throws(() => predict(model, [{ bank: {} }]), /row 0: bank\.toString is missing/);
  });
});

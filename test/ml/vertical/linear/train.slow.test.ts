import { ok } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { fitLogisticRegression } from '../../../../src/ml/linear/logistic-regression.ts';
import type { LinearParameters } from '../../../../src/ml/vertical/linear/parameters.ts';
import { agreesWithPlain, agreesWithPlainSgd } from '../../../support/plain-comparison.ts';
import {
  DEFAULTS,
  joined,
  outlierTable,
  type SplitTable,
  syntheticTable,
  trainInMemory,
} from '../../../support/vertical-run.ts';

type Algorithm = 'logistic_regression' | 'linear_regression';

const LONG = { ...DEFAULTS, epochs: 80 };
const SGD = { ...DEFAULTS, solver: 'sgd', epochs: 5, learning_rate: 0.1, open_bits: 14 } as const;

/** Adds to the guest a constant column and one that is a combination, to the host a copy in other units. */
function deficient(table: SplitTable): SplitTable {
  const extend = (block: SplitTable['guest'], more: (row: Float64Array) => number[]) => {
    const rows = Array.from({ length: block.rows }, (_, i) => {
      const row = block.values.slice(i * block.columns, (i + 1) * block.columns);
      return [...row, ...more(row)];
    });
    return matrix(Float64Array.from(rows.flat()), block.rows, rows[0]!.length);
  };
  return {
    ...table,
    guest: extend(table.guest, ([a, b]) => [5, 3 * a! - b!]),
    host: extend(table.host, ([a]) => [1e6 * a! + 1e9]),
  };
}

/** The columns in other units and far from zero. */
function rescaled(table: SplitTable): SplitTable {
  const units = [1e-9, 1e12, 1, 1e3];
  const change = (block: SplitTable['guest']) => {
    const values = block.values.map((x, at) => {
      const unit = units[(at % block.columns) % 4]!;
      return unit * (x + 1e4);
    });
    return matrix(values, block.rows, block.columns);
  };
  return { ...table, guest: change(table.guest), host: change(table.host) };
}

describe('vertical training, all ways', function () {
  this.timeout(120_000);

  const binary = syntheticTable(400, 3, 2, 'binary');
  const regression = syntheticTable(400, 3, 2, 'regression');
  const least = { ...LONG, loss: 'mse' } as const;
  const cases: Record<string, [SplitTable, Algorithm, LinearParameters]> = {
    'no penalty': [binary, 'logistic_regression', { ...LONG, l2: 0 }],
    'a strong penalty': [binary, 'logistic_regression', { ...LONG, l2: 100 }],
    'squared error of probabilities': [binary, 'logistic_regression', { ...LONG, loss: 'mse' }],
    'no intercept': [binary, 'logistic_regression', { ...LONG, use_intercept: false }],
    'many digits': [binary, 'logistic_regression', { ...LONG, open_bits: 16 }],
    'units and means far apart': [rescaled(binary), 'logistic_regression', LONG],
    'dependent columns': [deficient(binary), 'logistic_regression', LONG],
    'dependent columns, no penalty': [
      deficient(regression),
      'linear_regression',
      { ...least, l2: 0 },
    ],
    'unbalanced widths': [syntheticTable(300, 1, 30, 'binary'), 'logistic_regression', LONG],
    'a label holder without columns': [
      syntheticTable(200, 0, 3, 'binary'),
      'logistic_regression',
      LONG,
    ],
    'regression with a strong penalty': [regression, 'linear_regression', { ...least, l2: 100 }],
    'regression without intercept': [
      regression,
      'linear_regression',
      { ...least, use_intercept: false },
    ],
    'regression on far units': [rescaled(regression), 'linear_regression', least],
  };
  for (const [name, [table, algorithm, parameters]] of Object.entries(cases)) {
    it(`gives the plain model: ${name}`, async () => {
      agreesWithPlain(
        await trainInMemory(table, algorithm, parameters),
        table,
        algorithm,
        parameters,
      );
    });
  }

  const sgd: Record<string, [SplitTable, Algorithm, LinearParameters]> = {
    'batches of one row left over': [
      syntheticTable(161, 2, 2, 'binary'),
      'logistic_regression',
      { ...SGD, batch_size: 128 },
    ],
    'momentum near one': [
      binary,
      'logistic_regression',
      { ...SGD, batch_size: 64, momentum: 0.995, learning_rate: 0.01 },
    ],
    'class weights': [
      binary,
      'logistic_regression',
      { ...SGD, batch_size: 100, class_weight: { '0': 2, '1': 0.5 } },
    ],
    'full batches': [binary, 'logistic_regression', { ...SGD, batch_size: 400, epochs: 20 }],
    regression: [regression, 'linear_regression', { ...SGD, loss: 'mse', batch_size: 32, l2: 5 }],
    'regression without intercept': [
      regression,
      'linear_regression',
      { ...SGD, loss: 'mse', batch_size: 64, use_intercept: false },
    ],
  };
  for (const [name, [table, algorithm, parameters]] of Object.entries(sgd)) {
    it(`gives the plain mini-batch model: ${name}`, async () => {
      agreesWithPlainSgd(
        await trainInMemory(table, algorithm, parameters),
        table,
        algorithm,
        parameters,
      );
    });
  }

  it('balances classes: the plain model with the penalty relative to the larger weight', async () => {
    const ones = binary.labels.reduce((a, b) => a + b);
    const parameters: LinearParameters = {
      ...LONG,
      use_validation_set: false,
      class_weight: 'balanced',
      l2: 20,
    };
    const run = await trainInMemory(binary, 'logistic_regression', parameters);
    const largest = 400 / (2 * Math.min(ones, 400 - ones));
    agreesWithPlain(run, binary, 'logistic_regression', {
      ...parameters,
      class_weight: { '0': 200 / (400 - ones), '1': 200 / ones },
      l2: 20 * largest,
    });
  });

  it('is right or says so whatever a single outlier does to the logits', async () => {
    const ended = { right: 0, refused: 0 };
    for (const outlier of [20, 45, 60, 100]) {
      for (const slope of [0.5, 1, 2]) {
        for (const label of [0, 1]) {
          const table = outlierTable(1000, outlier, slope, label);
          const parameters = { ...DEFAULTS, epochs: 80, use_validation_set: false };
          // After 40 iterations the plain solver itself is .12 from the optimum of the widest tables.
          const exact = fitLogisticRegression(joined(table), table.labels);
          try {
            const { model } = await trainInMemory(table, 'logistic_regression', parameters);
            exact.weights.forEach((weight, j) => {
              const off = Math.abs(model!.weights[j]! - weight);
              ok(
                off < 0.05,
                `outlier ${outlier}, slope ${slope}, label ${label}: weight ${j} off by ${off}`,
              );
            });
            ended.right += 1;
          } catch (error) {
            if ((error as { code?: string }).code !== 'OUT_OF_DOMAIN') throw error;
            ended.refused += 1;
          }
        }
      }
    }
    ok(ended.right >= 20, `${ended.right} right, ${ended.refused} refused`);
  });
});

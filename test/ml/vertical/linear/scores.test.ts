import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { OpenedShare } from '../../../../proto/gen/sharing.ts';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { sigmoid } from '../../../../src/ml/linear/link.ts';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import { clearMatrix } from '../../../../src/ml/vertical/linear/design.ts';
import { toFixed, WEIGHT_BITS } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { metricsOf, openScores } from '../../../../src/ml/vertical/linear/scores.ts';
import { share } from '../../../../src/protocols/sharing/share.ts';
import { memoryLedger } from '../../../support/ledger.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { both, contextPair } from '../../../support/vertical-run.ts';

const BINARY = {
  ...({ names: ['auc', 'loss'], loss: 'logloss', threshold: 0.5, target: null } as const),
  ...{ openBits: 20, leaveLabelHolder: false },
};

describe('scores', () => {
  const ledger = memoryLedger('validation_scores');
  const opened = [0, 0];
  let contexts: readonly [TrainingContext, TrainingContext];
  before(async () => {
    const count = (sender: 0 | 1) => (_: string, type: string) => {
      if (type === OpenedShare.$type) opened[sender]! += 1;
    };
    ({ contexts } = await contextPair({ ledger, tapFirst: count(0), tapSecond: count(1) }));
  });

  const next = seededGenerator(3);
  const rows = 57;
  const columns = [2, 3] as const;
  const X = columns.map((d) =>
    Int32Array.from({ length: rows * d }, () => (next() % 65536) - 32768),
  );
  const w = columns.map((d) => Float64Array.from({ length: d }, () => next() / 2 ** 30 - 2));

  async function run(openBits: number, scoreClass: 'validation_scores' | 'training_scores') {
    const shares = w.map((each, p) => share(toFixed(each, WEIGHT_BITS), seededRng(`w${p}`)));
    return both(async (role) => {
      const own = clearMatrix(contexts[role], X[role]!, rows);
      const weights = { own: shares[role]![role]!, peer: shares[1 - role]![role]! };
      try {
        return await openScores(contexts[role], own, weights, openBits, scoreClass);
      } finally {
        own.encoded.free();
      }
    });
  }

  it('are opened to the label holder, rounded', async () => {
    for (const openBits of [4, 10, 20]) {
      const [scores, nothing] = await run(openBits, 'validation_scores');
      equal(nothing, null);
      scores!.forEach((score, i) => {
        const z = columns.reduce(
          (sum, d, p) => sum + w[p]!.reduce((s, v, j) => s + (v * X[p]![i * d + j]!) / 2 ** 13, 0),
          0,
        );
        const off = Math.abs(score - z);
        ok(off < 2 ** -openBits + 2 ** -20, `row ${i} at ${openBits} bits is off by ${off}`);
        equal(Number.isInteger(score * 2 ** openBits), true, 'nothing below open_bits');
      });
    }
    deepEqual(opened, [0, 3], 'shares go to the label holder only');
    const entry = { class: 'validation_scores', to: ['guest'], elements: rows };
    deepEqual(
      ledger.recorded,
      Array.from({ length: 6 }, () => entry),
    );
  });

  it('are not opened when the contract does not say so', async () => {
    const before = [...opened];
    await rejects(run(10, 'training_scores'), { code: 'NOT_DECLARED' });
    deepEqual(opened, before);
  });

  it('give metrics of so many significant bits', () => {
    const scores = Float64Array.from({ length: 100 }, (_, i) => Math.sin(i));
    const labels = Float64Array.from(scores, (_, i) => i % 2);
    const exact = metricsOf(scores, labels, { ...BINARY, openBits: 50 }).metrics;
    for (const openBits of [4, 10]) {
      const { metrics } = metricsOf(scores, labels, { ...BINARY, openBits });
      for (const name of ['auc', 'loss'] as const) {
        const value = metrics[name];
        ok(Math.abs(value! / exact[name]! - 1) <= 2 ** -openBits, `${name} at ${openBits}`);
        const unit = 2 ** (Math.floor(Math.log2(value!)) + 1 - openBits);
        equal(Number.isInteger(value! / unit), true, `${name} has no more bits`);
      }
    }
  });

  it('give others no metrics that would tell labels', () => {
    const metrics = (
      n: number,
      ones: number,
      leaveLabelHolder = true,
      loss: 'logloss' | null = 'logloss',
    ) =>
      metricsOf(
        Float64Array.from({ length: n }, (_, i) => Math.cos(i)),
        Float64Array.from({ length: n }, (_, i) => Number(i < ones)),
        {
          ...BINARY,
          names: ['loss'],
          loss,
          leaveLabelHolder,
          target: { centre: 0, exponent: 0 },
        },
      );
    for (const [n, ones, told] of [
      [49, 20, false],
      [50, 4, false],
      [50, 46, false],
      [50, 5, true],
      [50, 45, true],
    ] as const) {
      const { metrics: values, reasons } = metrics(n, ones);
      equal(values.loss !== null, told, `${n} rows, ${ones} ones`);
      equal(reasons.loss === undefined, told);
      ok(metrics(n, ones, false).metrics.loss !== null, 'the label holder sees its own');
    }
    ok(metrics(50, 0, true, null).metrics.loss !== null, 'of values there are no classes');
    equal(metrics(49, 25, true, null).metrics.loss, null);
  });

  it('give the metrics of probabilities or of values in the label’s unit', () => {
    const scores = Float64Array.of(-2, 1, 3, -1);
    const labels = Float64Array.of(0, 1, 1, 1);
    const { metrics } = metricsOf(scores, labels, BINARY);
    const loss =
      -scores.reduce((s, z, i) => s + Math.log(labels[i] ? sigmoid(z) : sigmoid(-z)), 0) / 4;
    equal(metrics.auc, 1);
    ok(Math.abs(metrics.loss! - loss) < 2 ** -20);
    const target = { centre: 10, exponent: 2 };
    const regression = metricsOf(Float64Array.of(1, -1), Float64Array.of(15, 6), {
      ...BINARY,
      names: ['rmse'],
      loss: null,
      target,
    });
    ok(Math.abs(regression.metrics.rmse! - Math.sqrt(1 / 2)) < 2 ** -20);
  });
});

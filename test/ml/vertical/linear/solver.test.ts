import { equal, ok, throws } from 'node:assert/strict';
import { GRADIENT_BITS, TRUNCATION_BITS } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { sgdStep } from '../../../../src/ml/vertical/linear/solver.ts';
import { matrixLayout } from '../../../../src/protocols/he/matrix-layout.ts';
import {
  CIPHERTEXT_BYTES,
  RING_ANSWER_BYTES,
  SLOT_ANSWER_BYTES,
} from '../../../../src/protocols/he/parameters.ts';
import { slotLayout } from '../../../../src/protocols/he/slot-layout.ts';
import { DEFAULTS, syntheticTable, trainInMemory } from '../../../support/vertical-run.ts';

/** A message's protobuf tags and lengths: two bytes fields, or one. */
const CIPHERTEXT = CIPHERTEXT_BYTES + 6;
const RING_ANSWER = RING_ANSWER_BYTES + 6;
const SLOT_ANSWER = SLOT_ANSWER_BYTES + 8;
const bytesField = (length: number): number =>
  length + 1 + (length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : 4);
const columns = (m: number): number => bytesField(128 * Math.ceil(m / 8));
const masks = (m: number): number => bytesField(8 * m);

describe('solvers', () => {
  for (const [name, n, widths, task, guarded] of [
    ['logistic', 300, [4, 2], 'binary', false],
    ['logistic with guard, two blocks of rows', 4200, [1, 12], 'binary', true],
    ['linear', 700, [2, 30], 'regression', false],
  ] as const) {
    it(`cost what their header says a step: ${name}`, async () => {
      const sent: number[][] = [[], []];
      const messages: number[][] = [[], []];
      await trainInMemory(
        syntheticTable(n, widths[0], widths[1], task),
        task === 'binary' ? 'logistic_regression' : 'linear_regression',
        { ...DEFAULTS, epochs: 6, use_validation_set: false, model_release: 'split' },
        {
          onStep: (role, _step, _steps, ch) => {
            sent[role]!.push(ch.stats.bytesSent);
            messages[role]!.push(ch.stats.messagesSent);
          },
        },
      );
      // The guard is due at steps 2, 4 and 5. Between marks 3 and 4 lies step 4, between 2 and 3 step 3.
      const step = guarded ? 4 : 3;
      const D = [widths[0] + 1, widths[1]];
      const S = D.map((d) => {
        const { columnBlocks, rowBlocks } = matrixLayout(n + d, d);
        return columnBlocks + rowBlocks;
      });
      const outputs = guarded ? 2 : 1;
      const link = slotLayout(guarded ? 30 : 16, n, outputs);
      const logistic = task === 'binary';
      const truncated = 2 * (D[0]! + D[1]!);
      const first =
        S[1]! * CIPHERTEXT +
        S[0]! * RING_ANSWER +
        (logistic ? link.blocks * outputs * SLOT_ANSWER : 0) +
        columns(n * outputs) +
        columns(truncated) +
        (guarded ? columns(1) + masks(1) : 0);
      const second =
        S[0]! * CIPHERTEXT +
        S[1]! * RING_ANSWER +
        (logistic ? link.blocks * link.ciphertexts * CIPHERTEXT : 0) +
        masks(n * outputs) +
        masks(truncated) +
        (guarded ? 2 * masks(1) : 0);
      equal(sent[0]![step]! - sent[0]![step - 1]!, first, 'label holder');
      equal(sent[1]![step]! - sent[1]![step - 1]!, second, 'feature holder');
      const extra = guarded ? 2 : 0;
      equal(
        messages[0]![step]! - messages[0]![step - 1]!,
        S[0]! + S[1]! + (logistic ? link.blocks * outputs : 0) + 2 + extra,
      );
    });
  }

  describe('steps of sgd', () => {
    const options = { learningRate: 0.1, ridge: 1e-4, trainingRows: 30_000, intercept: true };

    it('leave room for the largest gradient of unit columns', () => {
      for (const learningRate of [1e-6, 1e-3, 0.1, 3]) {
        for (const rows of [1, 37, 256, 30_000]) {
          const { bits, data } = sgdStep({ ...options, learningRate }, rows, 4);
          const gradient = 2 ** GRADIENT_BITS * Math.sqrt(30_000 * rows); // |X_b^T e| with |e| <= 1
          ok(
            data * gradient * 4 < 2 ** TRUNCATION_BITS,
            `${learningRate}, ${rows} rows, ${bits} bits`,
          );
        }
      }
    });

    it('are the learning rate to one part in sixteen, the ridge in proportion to what they are', () => {
      for (const rows of [1, 256, 5000, 30_000]) {
        const { bits, data, ridge } = sgdStep(options, rows, 16);
        const step = (data * rows) / 2 ** (bits - GRADIENT_BITS);
        ok(Math.abs(step / 0.1 - 1) <= 1 / 16, `${rows}: ${step}`);
        ok(Math.abs(ridge / 2 ** (bits - 26) / (step * 1e-4) - 1) < 1e-3, `${rows}: ridge`);
      }
    });

    it('are refused for batches too large to be right', () => {
      throws(() => sgdStep({ ...options, trainingRows: 2 ** 22 }, 2 ** 22, 16), /"batch_size"/);
    });
  });
});

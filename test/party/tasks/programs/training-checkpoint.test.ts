import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import type { TrainingCheckpoint } from '../../../../src/ml/vertical/linear/checkpoint.ts';
import {
  type CheckpointShape,
  checkpointEncoder,
  decodeCheckpoint,
} from '../../../../src/party/tasks/programs/training-checkpoint.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';

const TASK = 'ab'.repeat(32);
const ORIGIN = Uint8Array.from({ length: 32 }, (_, i) => i);
const ROWS = Uint32Array.of(4, 0, 9, 7);
const SHAPE: CheckpointShape = {
  taskId: TASK,
  tableRows: 10,
  own: 3,
  peer: 2,
  released: null,
  isLabelHolder: false,
};
const WORDS = BigUint64Array.of(2n ** 64n - 1n, 1n, 2n ** 63n);

const STEP: TrainingCheckpoint = {
  phase: 'training',
  step: 2 ** 40 + 3,
  weights: { own: WORDS, peer: WORDS.slice(0, 2) },
  momentum: { own: WORDS.slice().reverse(), peer: WORDS.slice(1) },
  guard: { level: 3, runUntil: 17, pending: { edge: 2n ** 64n - 5n, rows: 40 } },
};
const EVALUATED: TrainingCheckpoint = {
  phase: 'evaluated',
  step: 31,
  weights: { own: WORDS, peer: WORDS.slice(0, 2) },
  evaluation: { metrics: { auc: 0.75, ks: null }, reasons: { ks: 'größer' } },
  release: BigUint64Array.of(7n, 8n, 9n, 10n),
};
const HOST_EVALUATED: TrainingCheckpoint = { ...EVALUATED, evaluation: null, release: null };

const encode = checkpointEncoder(TASK, ORIGIN, ROWS);
const FULL = { ...SHAPE, released: 4, isLabelHolder: true };
const CASES: readonly (readonly [string, TrainingCheckpoint | null, CheckpointShape])[] = [
  ['aligned', null, SHAPE],
  ['training', STEP, SHAPE],
  ['evaluated, released', EVALUATED, FULL],
  ['evaluated, split, feature holder', HOST_EVALUATED, SHAPE],
];

function refused(bytes: Uint8Array, shape: CheckpointShape, step: number, what: string): void {
  throws(
    () => decodeCheckpoint({ step, bytes }, shape),
    (error) => {
      ok(error instanceof TaskError, `${what}: ${String(error)}`);
      equal(error.code, 'CHECKPOINT_UNUSABLE', what);
      ok(error.message.endsWith('start the task again'), error.message);
      return true;
    },
    what,
  );
}

/** The bytes with a digest that fits. */
function sealed(body: Uint8Array): Uint8Array {
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

describe('training checkpoint', () => {
  for (const [name, training, shape] of CASES) {
    it(`survives its bytes: ${name}`, () => {
      const checkpoint = encode(training);
      equal(checkpoint.step, training?.step ?? 0);
      deepEqual(decodeCheckpoint(checkpoint, shape), { rows: ROWS, origin: ORIGIN, training });
    });

    it(`is refused when any byte of it changed, or is missing: ${name}`, () => {
      const { step, bytes } = encode(training);
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice();
        changed[at]! ^= 1 << (at % 8);
        refused(changed, shape, step, `byte ${at}`);
      }
      for (const length of [0, 1, 31, 32, 100, bytes.length - 1]) {
        refused(bytes.subarray(0, length), shape, step, `${length} bytes`);
      }
      refused(Buffer.concat([bytes, Uint8Array.of(0)]), shape, step, 'one more');
    });

    it(`is refused where it does not fit the contract: ${name}`, () => {
      const { step, bytes } = encode(training);
      refused(bytes, { ...shape, taskId: 'cd'.repeat(32) }, step, 'another task');
      refused(bytes, { ...shape, tableRows: 9 }, step, 'a smaller table');
      refused(bytes, shape, step + 1, 'another step');
      if (!training) return;
      refused(bytes, { ...shape, own: 4 }, step, 'more own columns');
      refused(bytes, { ...shape, peer: 1 }, step, 'fewer columns of the peer');
      if (training.phase === 'training') return;
      refused(bytes, { ...shape, released: 3 }, step, 'another release');
      refused(bytes, { ...shape, isLabelHolder: !shape.isLabelHolder }, step, 'another role');
    });
  }

  it('is refused when a digest was made for what is wrong', () => {
    const { step, bytes } = encode(STEP);
    const body = bytes.subarray(0, bytes.length - 32);
    deepEqual(decodeCheckpoint({ step, bytes: sealed(body) }, SHAPE).rows, ROWS);
    const set = (at: number, value: number): Uint8Array => {
      const changed = body.slice();
      changed[at] = value;
      return sealed(changed);
    };
    const rowsAt = 4 + 2 + 32 + 32;
    const stepAt = rowsAt + 4 + 4 * ROWS.length;
    refused(set(0, 0), SHAPE, step, 'no checkpoint');
    refused(set(4, 2), SHAPE, step, 'another version');
    refused(set(5, 3), SHAPE, step, 'no phase');
    refused(set(5, 0), SHAPE, step, 'bytes that are left over');
    refused(set(rowsAt + 3, 255), SHAPE, step, 'more rows than there are bytes');
    refused(set(rowsAt + 4, 0), SHAPE, step, 'a row twice');
    refused(set(rowsAt + 4, 10), SHAPE, step, 'a row beyond the table');
    refused(set(stepAt + 7, 255), SHAPE, step, 'a negative step');
    refused(set(stepAt + 8, 4), SHAPE, step, 'a domain that there is not');
  });

  it('is refused when its figures are none', () => {
    for (const evaluation of [
      null,
      7,
      { metrics: {} },
      { metrics: { auc: 'high' }, reasons: {} },
      { metrics: {}, reasons: { auc: 1 } },
    ]) {
      const { step, bytes } = encode({ ...EVALUATED, evaluation: evaluation as never });
      refused(bytes, FULL, step, JSON.stringify(evaluation));
    }
  });

  it('of random bytes is refused', () => {
    const next = seededGenerator(11);
    for (let i = 0; i < 500; i++) {
      const body = Uint8Array.from({ length: next() % 300 }, () => next());
      body.set([69, 78, 84, 67, 1, next() % 3].slice(0, body.length)); // "ENTC", 1
      refused(i % 2 === 0 ? body : sealed(body), SHAPE, 0, `random bytes ${i}`);
    }
  });
});

import { deepEqual, equal, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  decodeMatching,
  encodeMatching,
  isMatching,
  type MatchingPoint,
  type MatchingShape,
} from '../../../../src/party/tasks/programs/matching-checkpoint.ts';
import { checkpointEncoder } from '../../../../src/party/tasks/programs/training-checkpoint.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { TASK_ID } from '../../../support/training-pair.ts';

const rng = seededRng('points');
const SHAPE: MatchingShape = {
  taskId: TASK_ID,
  tableRows: 10,
  buckets: 4,
  learns: true,
  maxLabelBytes: 8,
};
const POINT: MatchingPoint = {
  salt: rng(32),
  keys: rng(32),
  done: 3,
  common: { rows: Uint32Array.of(7, 0, 9), labels: new Uint8Array(rng(9)), labelBytes: 3 },
};

/** The checkpoint with a field changed, whole again. */
function changed(edit: (bytes: Buffer) => void): Uint8Array {
  const bytes = Buffer.from(encodeMatching(POINT, SHAPE).bytes);
  edit(bytes);
  const body = bytes.subarray(0, -32);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

describe('checkpoint of a matching', () => {
  it('is the point again, for learners and others', () => {
    const blank = { rows: new Uint32Array(0), labels: new Uint8Array(0), labelBytes: 0 };
    for (const common of [POINT.common, blank, null]) {
      const point = { ...POINT, common };
      const saved = encodeMatching(point, SHAPE);
      equal(saved.step, 3);
      deepEqual(decodeMatching(saved, { ...SHAPE, learns: common !== null }), point);
      equal(isMatching(saved), true);
    }
    const training = checkpointEncoder(TASK_ID, rng(32), Uint32Array.of(1))(null);
    equal(isMatching(training), false);
    equal(isMatching({ step: 0, bytes: new Uint8Array(0) }), false);
  });

  it('is refused by another task, table, contract or step, and when it is damaged', () => {
    const saved = encodeMatching(POINT, SHAPE);
    const refuse = (shape: Partial<MatchingShape>, bytes = saved.bytes, step = 3): void =>
      throws(
        () => decodeMatching({ step, bytes }, { ...SHAPE, ...shape }),
        { name: 'TaskError', code: 'CHECKPOINT_UNUSABLE' },
        JSON.stringify(shape),
      );
    refuse({ taskId: 'cd'.repeat(32) });
    refuse({ tableRows: 9 });
    refuse({ buckets: 5 });
    refuse({ learns: false });
    refuse({ maxLabelBytes: 2 });
    refuse({}, saved.bytes, 2);
    for (let at = 0; at < saved.bytes.length; at++) {
      refuse({}, saved.bytes.with(at, saved.bytes[at]! ^ 1));
    }
    for (const length of [0, 31, 40, saved.bytes.length - 1]) {
      refuse({}, saved.bytes.slice(0, length));
    }
  });

  it('is refused when its fields contradict each other', () => {
    const fields = { version: 4, buckets: 101, done: 105, learns: 109, count: 110, rows: 114 };
    const edits: readonly ((bytes: Buffer) => void)[] = [
      (bytes) => void bytes.writeUInt8(2, fields.version),
      (bytes) => void bytes.writeUInt32LE(2, fields.buckets),
      (bytes) => void bytes.writeUInt32LE(0, fields.done),
      (bytes) => void bytes.writeUInt8(2, fields.learns),
      (bytes) => void bytes.writeUInt32LE(0xffff_ffff, fields.count),
      (bytes) => void bytes.writeUInt32LE(9, fields.rows), // twice
      (bytes) => void bytes.writeUInt32LE(10, fields.rows),
      (bytes) => void bytes.writeUInt32LE(2, fields.rows + 12), // shorter labels
    ];
    decodeMatching({ step: 3, bytes: changed(() => {}) }, SHAPE);
    for (const [i, edit] of edits.entries()) {
      throws(
        () => decodeMatching({ step: 3, bytes: changed(edit) }, SHAPE),
        { code: 'CHECKPOINT_UNUSABLE' },
        `edit ${i}`,
      );
    }
  });
});

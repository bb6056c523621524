import { deepEqual, equal, notDeepEqual, throws } from 'node:assert/strict';
import { State } from '../../../proto/gen/task.ts';
import {
  type CheckpointId,
  checkpointDigest,
  decide,
  decodeStanding,
  encodeStanding,
  type Standing,
} from '../../../src/party/tasks/standing.ts';

const TASK = 'ab'.repeat(32);
const id = (attempt: number, step: number): CheckpointId => ({ attempt, step });
const standing = (changes: Partial<Standing> = {}): Standing => ({
  taskId: TASK,
  nextAttempt: 1,
  state: 'READY',
  checkpoints: [],
  ...changes,
});

describe('standing', () => {
  it('of all parties decides the attempt and the newest checkpoint that all have', () => {
    const a = standing({ nextAttempt: 4, checkpoints: [id(3, 50), id(3, 40), id(1, 60)] });
    const b = standing({ nextAttempt: 3, checkpoints: [id(3, 60), id(3, 40), id(1, 60)] });
    const c = standing({ nextAttempt: 4, checkpoints: [id(1, 60), id(3, 40)] });
    const start = { next: 'attempt', attempt: 1, checkpoint: null };
    deepEqual(decide([standing(), standing()]), start);
    for (const all of [
      [a, b, c],
      [b, c, a],
      [c, a, b],
    ]) {
      deepEqual(decide(all), { next: 'attempt', attempt: 4, checkpoint: id(3, 40) });
    }
    // The same step of another attempt does not fit.
    const apart = [id(1, 5), id(2, 5)].map((one) =>
      standing({ nextAttempt: 3, checkpoints: [one] }),
    );
    deepEqual(decide(apart), { next: 'attempt', attempt: 3, checkpoint: null });
  });

  it('publishes when all are prepared by the same attempt, or anybody has published', () => {
    const prepared = standing({ nextAttempt: 2, state: 'PREPARED' });
    deepEqual(decide([prepared, prepared]), { next: 'publish' });
    deepEqual(decide([prepared, standing({ nextAttempt: 2, state: 'COMPLETED' })]), {
      next: 'publish',
    });
    const apart = { next: 'attempt', attempt: 3, checkpoint: null };
    deepEqual(decide([prepared, standing({ nextAttempt: 3, state: 'PREPARED' })]), apart);
    deepEqual(decide([prepared, standing({ nextAttempt: 3 })]), apart);
  });

  it('crosses the wire, and nothing else does', () => {
    const sent = standing({
      nextAttempt: 9,
      state: 'QUEUED',
      checkpoints: [id(8, 2 ** 40), id(1, 0)],
    });
    const wire = encodeStanding(sent);
    deepEqual(decodeStanding(wire, 'orgB'), sent);
    const bad = [
      { taskId: new Uint8Array(31) },
      { nextAttempt: 0 },
      { nextAttempt: 2 ** 32 },
      { state: State.UNSPECIFIED },
      { state: 17 as typeof wire.state },
      { checkpoints: Array.from({ length: 9 }, (_, i) => ({ attempt: 1, step: BigInt(i) })) },
      { checkpoints: [{ attempt: 0, step: 0n }] },
      { checkpoints: [{ attempt: 9, step: 0n }] },
      { checkpoints: [{ attempt: 1, step: 2n ** 60n }] },
    ];
    for (const change of bad) {
      throws(() => decodeStanding({ ...wire, ...change }, 'orgB'), { code: 'MALFORMED' });
    }
  });

  it('binds a session to where it resumes', () => {
    deepEqual(checkpointDigest(TASK, null), new Uint8Array(32));
    const digests = [
      checkpointDigest(TASK, id(1, 2)),
      checkpointDigest(TASK, id(12, 2)),
      checkpointDigest(TASK, id(1, 22)),
      checkpointDigest('cd'.repeat(32), id(1, 2)),
    ].map((digest) => Buffer.from(digest).toString('hex'));
    equal(new Set(digests).size, 4);
    notDeepEqual(checkpointDigest(TASK, id(1, 2)), new Uint8Array(32));
  });
});

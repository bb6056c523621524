/**
 * Where a party stands with a task between two attempts, and what all parties make of it. A standing is
 * a function of what is on the party's disk, and the decision a function of all standings: so parties
 * that were killed at any moment decide alike.
 */
import { createHash } from 'node:crypto';
import { type Standing as StandingMessage, State } from '../../../proto/gen/task.ts';
import { SessionError } from '../errors.ts';

/** Checkpoints of one attempt and step fit together; of different attempts they do not. */
export interface CheckpointId {
  /** In which it was made. */
  readonly attempt: number;
  readonly step: number;
}

export type StandingState = 'READY' | 'QUEUED' | 'PREPARED' | 'COMPLETED';

export interface Standing {
  readonly taskId: string;
  /** The lowest attempt that the party has not used. */
  readonly nextAttempt: number;
  readonly state: StandingState;
  /** Newest first. */
  readonly checkpoints: readonly CheckpointId[];
}

/** What the parties do next. */
export type Decision =
  | { readonly next: 'publish' }
  | {
      readonly next: 'attempt';
      readonly attempt: number;
      /** Where all resume; null for the start. */
      readonly checkpoint: CheckpointId | null;
    };

/**
 * Checkpoints that a party keeps, and names, of one task: a party whose disk is slow leaves some out,
 * and still both must have one in common. Own choice.
 */
export const MAX_CHECKPOINTS = 8;

const MAX_ATTEMPT = 0xffff_ffff;

/** What follows from the standings of all parties. */
export function decide(standings: readonly Standing[]): Decision {
  const attempt = Math.max(...standings.map(({ nextAttempt }) => nextAttempt));
  const [own, ...others] = standings;
  // Results fit together when they were made in the same attempt.
  const allPrepared = standings.every(
    ({ state, nextAttempt }) => state === 'PREPARED' && nextAttempt === attempt,
  );
  if (allPrepared || standings.some(({ state }) => state === 'COMPLETED')) {
    return { next: 'publish' };
  }
  const common = own?.checkpoints.filter((id) =>
    others.every(({ checkpoints }) => checkpoints.some((other) => byNewest(id, other) === 0)),
  );
  return { next: 'attempt', attempt, checkpoint: common?.toSorted(byNewest)[0] ?? null };
}

/** Orders checkpoints, the newest first. */
export function byNewest(a: CheckpointId, b: CheckpointId): number {
  return b.attempt - a.attempt || b.step - a.step;
}

/** What the session hello binds a resumed attempt to: 32 bytes; zeros for the start. */
export function checkpointDigest(taskId: string, checkpoint: CheckpointId | null): Uint8Array {
  if (!checkpoint) return new Uint8Array(32);
  const { attempt, step } = checkpoint;
  const text = `entente/resume/v1\0${taskId}\0${attempt}\0${step}`;
  return new Uint8Array(createHash('sha256').update(text).digest());
}

const STATES: ReadonlyMap<number, StandingState> = new Map([
  [State.READY, 'READY'],
  [State.QUEUED, 'QUEUED'],
  [State.PREPARED, 'PREPARED'],
  [State.COMPLETED, 'COMPLETED'],
]);

export function encodeStanding({
  taskId,
  nextAttempt,
  state,
  checkpoints,
}: Standing): StandingMessage {
  return {
    taskId: new Uint8Array(Buffer.from(taskId, 'hex')),
    nextAttempt,
    state: State[state],
    checkpoints: checkpoints.map(({ attempt, step }) => ({ attempt, step: BigInt(step) })),
  };
}

/** A peer's standing, every field checked. Throws `SessionError` `MALFORMED`. */
export function decodeStanding(message: StandingMessage, from: string): Standing {
  const { taskId, nextAttempt, checkpoints } = message;
  const state = STATES.get(message.state);
  const wrong = (field: string): never => {
    throw new SessionError('MALFORMED', `${from} sent a standing with a wrong ${field}`);
  };
  if (taskId.length !== 32) wrong('task_id');
  if (nextAttempt < 1 || nextAttempt > MAX_ATTEMPT) wrong('next_attempt');
  if (!state) return wrong('state');
  if (checkpoints.length > MAX_CHECKPOINTS) wrong('number of checkpoints');
  const ids = checkpoints.map(({ attempt, step }): CheckpointId => {
    if (attempt < 1 || attempt >= nextAttempt) wrong('checkpoint attempt');
    if (step > BigInt(Number.MAX_SAFE_INTEGER)) wrong('checkpoint step');
    return { attempt, step: Number(step) };
  });
  return { taskId: Buffer.from(taskId).toString('hex'), nextAttempt, state, checkpoints: ids };
}

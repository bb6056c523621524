/**
 * Where a training can go on from when it breaks. A checkpoint holds what its party has: its shares of the
 * weights and public counters, at the label holder also the figures that it computed. Nothing in it is a
 * mask or a key: the run that goes on sets up its own, so what it sends is as independent of what was sent
 * before as two trainings are of each other. What it repeats are openings, see `AUDIT.md`.
 */
import type { Evaluation } from '../../metrics/evaluate.ts';
import type { BlockShares } from './products.ts';
import type { SolverState } from './solver.ts';

/** After a step of the solver, the last one included. */
export interface StepCheckpoint extends SolverState {
  readonly phase: 'training';
}

/** All that is left is to deliver the model. Openings that are repeated from here give the same values. */
export interface EvaluatedCheckpoint {
  readonly phase: 'evaluated';
  /** One more than the number of steps. */
  readonly step: number;
  readonly weights: BlockShares;
  /** Label holder only. */
  readonly evaluation: Evaluation | null;
  /** Shares of the model to be opened; null when it is not released. */
  readonly release: BigUint64Array | null;
}

export type TrainingCheckpoint = StepCheckpoint | EvaluatedCheckpoint;

/** Where a training begins, and what it saves. Both parties save after the same steps. */
export interface TrainingCheckpoints {
  /** Null: at the start. Both parties resume from the same step. */
  readonly resume: TrainingCheckpoint | null;
  /** Must not keep the training waiting. */
  save(checkpoint: TrainingCheckpoint): void;
}

/** A training that breaks repeats at most one part in this many of its steps: own choice. */
const PARTS = 20;

/** Whether there is a checkpoint after `step` of `steps`, of which the contract asks for `planned`. */
export function isCheckpoint(step: number, steps: number, planned: number): boolean {
  return step === steps || step % Math.ceil(planned / PARTS) === 0;
}

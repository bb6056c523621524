/**
 * Where a training can go on from when it breaks: after any round. A checkpoint holds what its party has, the label
 * holder's the trees without others' thresholds and every row's margin, a feature holder's the splits that it was told
 * of. Nothing in it is a mask, a key, a hint or a sample of the aggregation: the run that goes on sets up its own, and
 * draws candidates and noise anew. What a break repeats are the openings of one round, see `AUDIT.md`.
 */
import type { Evaluation } from '../../metrics/evaluate.ts';
import type { JointTree, SplitRule } from './joint-tree.ts';

/** The best round so far by the loss on the validation rows. */
export interface BestRound {
  readonly loss: number;
  /** How many rounds the model then has. */
  readonly rounds: number;
  /** Margins of the validation rows after it: [classes] x [rows]. */
  readonly margins: readonly Float64Array[];
}

/** The label holder's, after a round. */
export interface LabelHolderRound {
  readonly phase: 'training';
  /** Rounds that are done. */
  readonly step: number;
  readonly rounds: readonly (readonly JointTree[])[];
  readonly rules: readonly SplitRule[];
  /** How many splits each feature holder was told of. */
  readonly told: readonly number[];
  /** Of all rows, those that train first: [classes] x [rows]. */
  readonly margins: readonly Float64Array[];
  readonly best: BestRound | null;
}

/** The label holder's, when all that is left is to deliver the model. */
export interface LabelHolderEnd {
  readonly phase: 'evaluated';
  /** One more than the rounds that were grown. */
  readonly step: number;
  readonly rounds: readonly (readonly JointTree[])[];
  readonly rules: readonly SplitRule[];
  readonly evaluation: Evaluation;
}

/** A feature holder's, after a round. */
export interface FeatureHolderRound {
  readonly phase: 'training';
  readonly step: number;
  readonly rules: readonly SplitRule[];
}

/** A feature holder's at the end, where splits that the model does not have are gone. */
export interface FeatureHolderEnd {
  readonly phase: 'evaluated';
  readonly step: number;
  readonly rules: readonly SplitRule[];
  /** How many rounds the model has. */
  readonly rounds: number;
}

export type LabelHolderCheckpoint = LabelHolderRound | LabelHolderEnd;
export type FeatureHolderCheckpoint = FeatureHolderRound | FeatureHolderEnd;

/** Where a training begins, and what it saves. All parties save after the same rounds. */
export interface Checkpoints<C> {
  /** Null: at the start. All parties resume from the same step. */
  readonly resume: C | null;
  /** Must not keep the training waiting. */
  save(checkpoint: C): void;
}

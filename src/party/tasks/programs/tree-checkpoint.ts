/**
 * Checkpoints of a training of trees as bytes on its party's disk, little-endian:
 *
 *   "ENTF" | version u8 | phase u8 | task 32 | origin 32 | m u32 | rows m x u32 | step f64 | phase's own | SHA-256 32
 *
 *   aligned    nothing
 *   training   splits | at the label holder: trees | told u32 a feature holder | margins K x m x f64
 *              | best u8: 0, or 1 | loss f64 | rounds f64 | margins K x v x f64
 *   evaluated  splits | at the label holder: trees | evaluation; at others: rounds u32
 *
 * splits and trees: their length in bytes, u32, then `encodeRules` and `encodeRounds`; K classes, v rows that are
 * held out. `task` is SHA-256("entente/tree-checkpoint/v1" | taskId). Secret: one party's splits, at the label holder
 * every record's margin, and which records the parties have in common.
 */
import type {
  BestRound,
  FeatureHolderCheckpoint,
  LabelHolderCheckpoint,
} from '../../../ml/vertical/trees/checkpoint.ts';
import type { JointTree, SplitRule } from '../../../ml/vertical/trees/joint-tree.ts';
import { splitRows, type TreeParameters } from '../../../ml/vertical/trees/parameters.ts';
import {
  countRules,
  decodeRounds,
  decodeRules,
  encodeRounds,
  encodeRules,
} from '../../../ml/vertical/trees/tree-bytes.ts';
import { bytesOf } from '../../../protocols/primitives/words.ts';
import type { Checkpoint } from '../program.ts';
import { checkpointWriter, readAligned } from './aligned-checkpoint.ts';
import { type CheckpointReader, f64, u32, unusable } from './checkpoint-bytes.ts';
import { evaluationBytes, readEvaluation } from './evaluation-bytes.ts';

const FORMAT = { magic: 'ENTF', version: 1, domain: 'entente/tree-checkpoint/v1' };

export type TreeCheckpoint = LabelHolderCheckpoint | FeatureHolderCheckpoint;

/** Where an attempt goes on. */
export interface TreeResumePoint<C extends TreeCheckpoint = TreeCheckpoint> {
  /** This party's row numbers of the common records, in the order that all parties use. */
  readonly rows: Uint32Array;
  /** Names the run that made rows' order and splits; 32 bytes. */
  readonly origin: Uint8Array;
  /** Null right after the alignment. */
  readonly training: C | null;
}

/** What the contract says of a checkpoint's sizes. */
export interface TreeCheckpointShape {
  readonly taskId: string;
  /** Rows of this party's table. */
  readonly tableRows: number;
  /** This party's columns. */
  readonly columns: number;
  readonly parameters: TreeParameters;
  /** How many parties hold features only. */
  readonly featureHolders: number;
}

/** Encodes the checkpoints of one attempt: what they have in common is written and digested once. */
export function treeCheckpointEncoder(
  taskId: string,
  origin: Uint8Array,
  rows: Uint32Array,
): (training: TreeCheckpoint | null) => Checkpoint {
  const write = checkpointWriter(FORMAT, { taskId, origin, rows });
  return (training) => {
    const step = training?.step ?? 0;
    const body = training === null ? [] : bodyOf(training);
    return write(training?.phase ?? 'aligned', step, [f64(step), ...body]);
  };
}

/** The point that a label holder's checkpoint stands for. Throws `TaskError` `CHECKPOINT_UNUSABLE`. */
export function decodeLabelHolder(
  checkpoint: Checkpoint,
  shape: TreeCheckpointShape,
): TreeResumePoint<LabelHolderCheckpoint> {
  return decode(checkpoint, shape, (reader, phase, step, m) => {
    if (phase === 'evaluated') {
      const model = readModel(reader, shape);
      const { rounds, rules } = model;
      const owners = shape.featureHolders + 1;
      const counts = Array.from({ length: owners }, (_, owner) => countRules(rounds, owner));
      const evaluation = readEvaluation(reader);
      const fits = counts[0] === rules.length && rounds.length < step;
      if (!fits || !evaluation) throw unusable('has another shape');
      return { phase, step, ...model, evaluation };
    }
    const model = readModel(reader, shape);
    const told = Array.from({ length: shape.featureHolders }, () => reader.u32());
    const margins = readMargins(reader, shape, m);
    const best = readBest(reader, shape, m);
    checkNumbers(model.rounds, [model.rules.length, ...told]);
    if (model.rounds.length !== step || (best?.rounds ?? 1) < 1 || (best?.rounds ?? 0) > step) {
      throw unusable('has another shape');
    }
    return { phase, step, ...model, told, margins, best };
  });
}

/** The same of a feature holder's. */
export function decodeFeatureHolder(
  checkpoint: Checkpoint,
  shape: TreeCheckpointShape,
): TreeResumePoint<FeatureHolderCheckpoint> {
  return decode(checkpoint, shape, (reader, phase, step) => {
    if (step > shape.parameters.num_trees + 1) throw unusable('has another shape');
    if (phase === 'training') return { phase, step, rules: readRules(reader, shape, step) };
    const rules = readRules(reader, shape, step - 1);
    const rounds = reader.u32();
    const { num_class } = shape.parameters;
    if (rounds >= step || rules.some(({ tree }) => tree >= rounds * num_class)) {
      throw unusable('has another shape');
    }
    return { phase, step, rules, rounds };
  });
}

function decode<C extends TreeCheckpoint>(
  { step, bytes }: Checkpoint,
  shape: TreeCheckpointShape,
  read: (
    reader: CheckpointReader,
    phase: 'training' | 'evaluated',
    step: number,
    rows: number,
  ) => C,
): TreeResumePoint<C> {
  const { reader, phase, origin, rows } = readAligned(bytes, FORMAT, shape);
  if (phase === undefined || reader.count() !== step) throw unusable('has another shape');
  const training =
    phase === 'aligned' ? null : checked(() => read(reader, phase, step, rows.length));
  const least = phase === 'aligned' ? 0 : phase === 'training' ? 1 : 2;
  if (!reader.isAtEnd || step < least || (training === null && step > 0)) {
    throw unusable('has another shape');
  }
  return { rows, origin, training };
}

function bodyOf(training: TreeCheckpoint): Uint8Array[] {
  const splits = withLength(encodeRules(training.rules));
  if (training.phase === 'evaluated' && 'evaluation' in training) {
    const { rounds, evaluation } = training;
    return [...splits, ...withLength(encodeRounds(rounds)), ...evaluationBytes(evaluation)];
  }
  if (training.phase === 'evaluated') return [...splits, u32(training.rounds)];
  if (!('margins' in training)) return splits;
  const { rounds, told, margins, best } = training;
  return [
    ...[...splits, ...withLength(encodeRounds(rounds))],
    ...[...told.map(u32), ...margins.map(bytesOf), Uint8Array.of(Number(best !== null))],
    ...(best ? [f64(best.loss), f64(best.rounds), ...best.margins.map(bytesOf)] : []),
  ];
}

function readModel(
  reader: CheckpointReader,
  shape: TreeCheckpointShape,
): { readonly rules: readonly SplitRule[]; readonly rounds: JointTree[][] } {
  const splits = reader.take(reader.u32());
  const trees = reader.take(reader.u32());
  const rounds = decodeRounds(trees, shape.parameters, shape.featureHolders + 1);
  return { rules: decodeRules(splits, shape.parameters, rounds.length, shape.columns), rounds };
}

function readRules(
  reader: CheckpointReader,
  { parameters, columns }: TreeCheckpointShape,
  rounds: number,
): readonly SplitRule[] {
  return decodeRules(reader.take(reader.u32()), parameters, rounds, columns);
}

function readMargins(
  reader: CheckpointReader,
  { parameters }: TreeCheckpointShape,
  rows: number,
): Float64Array[] {
  return Array.from({ length: parameters.num_class }, () => reader.doubles(rows));
}

function readBest(
  reader: CheckpointReader,
  shape: TreeCheckpointShape,
  m: number,
): BestRound | null {
  const held = splitRows(m, shape.parameters).validation.length;
  const isWatched = shape.parameters.early_stopping_rounds > 0 && held > 0;
  if (reader.u8() !== Number(isWatched)) throw unusable('has another shape');
  if (!isWatched) return null;
  const [loss] = reader.doubles(1);
  const rounds = reader.count();
  return { loss: loss!, rounds, margins: readMargins(reader, shape, held) };
}

/** Splits are some of those that each owner has. */
function checkNumbers(rounds: readonly (readonly JointTree[])[], counts: readonly number[]): void {
  for (const { split } of rounds.flat(2)) {
    if (split && split.rule >= counts[split.owner]!) throw unusable('has another shape');
  }
}

/** Trees and splits that are none say so in their own words. */
function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unusable('has another shape', cause);
  }
}

function withLength(bytes: Uint8Array): Uint8Array[] {
  return [u32(bytes.length), bytes];
}

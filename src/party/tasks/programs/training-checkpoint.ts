/**
 * Checkpoints of a training as bytes on its party's disk, little-endian:
 *
 *   "ENTC" | version u8 | phase u8 | task 32 | origin 32 | m u32 | rows m x u32 | phase's own | SHA-256 32
 *
 *   aligned    nothing
 *   training   step f64 | level u8 | until f64 | pending rows f64 | pending edge u64
 *              | own u32 | peer u32 | weights (own + peer) x u64 | momentum (own + peer) x u64
 *   evaluated  step f64 | own u32 | peer u32 | weights (own + peer) x u64
 *              | release r u32 | release r x u64 | l u32 | evaluation, l bytes of JSON
 *
 * `task` is SHA-256("entente/training-checkpoint/v1" | taskId). Secret: half of the weights, and which
 * records the parties have in common.
 */
import { FOURIER_SIZES } from '../../../ml/linear/fourier-link.ts';
import type {
  EvaluatedCheckpoint,
  StepCheckpoint,
  TrainingCheckpoint,
} from '../../../ml/vertical/linear/checkpoint.ts';
import type { BlockShares } from '../../../ml/vertical/linear/products.ts';
import { wordsToBytes } from '../../../protocols/primitives/words.ts';
import type { Checkpoint } from '../program.ts';
import { checkpointWriter, readAligned } from './aligned-checkpoint.ts';
import { type CheckpointReader, f64, u32, unusable } from './checkpoint-bytes.ts';
import { evaluationBytes, readEvaluation } from './evaluation-bytes.ts';

const FORMAT = { magic: 'ENTC', version: 1, domain: 'entente/training-checkpoint/v1' };

/** Where an attempt goes on. */
export interface ResumePoint {
  /** This party's row numbers of the common records, in the order that both parties use. */
  readonly rows: Uint32Array;
  /** Names the run that made rows' order and shares; 32 bytes. */
  readonly origin: Uint8Array;
  /** Null right after the alignment. */
  readonly training: TrainingCheckpoint | null;
}

/** What the contract says of a checkpoint's sizes. */
export interface CheckpointShape {
  readonly taskId: string;
  /** Rows of this party's table. */
  readonly tableRows: number;
  /** Weights of this party's block and of the other's, intercept included. */
  readonly own: number;
  readonly peer: number;
  /** Numbers that are released; null when the model stays split. */
  readonly released: number | null;
  readonly isLabelHolder: boolean;
}

/** Encodes the checkpoints of one attempt: what they have in common is written and digested once. */
export function checkpointEncoder(
  taskId: string,
  origin: Uint8Array,
  rows: Uint32Array,
): (training: TrainingCheckpoint | null) => Checkpoint {
  const write = checkpointWriter(FORMAT, { taskId, origin, rows });
  return (training) =>
    training === null
      ? write('aligned', 0, [])
      : write(training.phase, training.step, bodyOf(training));
}

/** The point that a checkpoint stands for. Throws `TaskError` `CHECKPOINT_UNUSABLE`. */
export function decodeCheckpoint({ step, bytes }: Checkpoint, shape: CheckpointShape): ResumePoint {
  const { reader, phase, origin, rows } = readAligned(bytes, FORMAT, shape);
  const training =
    phase === 'training'
      ? readStep(reader, shape)
      : phase === 'evaluated'
        ? readEvaluated(reader, shape)
        : null;
  if (phase === undefined || !reader.isAtEnd || (training?.step ?? 0) !== step) {
    throw unusable('has another shape');
  }
  return { rows, origin, training };
}

function bodyOf(training: TrainingCheckpoint): Uint8Array[] {
  const { step, weights } = training;
  const sizes = [u32(weights.own.length), u32(weights.peer.length)];
  if (training.phase === 'training') {
    const { guard, momentum } = training;
    const { edge, rows } = guard.pending;
    return [
      ...[f64(step), Uint8Array.of(guard.level), f64(guard.runUntil), f64(rows)],
      wordsToBytes(BigUint64Array.of(edge)),
      ...[...sizes, ...blocks(weights), ...blocks(momentum)],
    ];
  }
  const { release, evaluation } = training;
  return [
    ...[f64(step), ...sizes, ...blocks(weights)],
    ...[u32(release?.length ?? 0), wordsToBytes(release ?? new BigUint64Array())],
    ...evaluationBytes(evaluation),
  ];
}

function readStep(reader: CheckpointReader, shape: CheckpointShape): StepCheckpoint {
  const step = reader.count();
  const level = reader.u8();
  if (level >= FOURIER_SIZES.length) throw unusable('has another shape');
  const runUntil = reader.count();
  const rows = reader.count();
  const [edge] = reader.words(1);
  checkSizes(reader, shape);
  const guard = { level, runUntil, pending: { edge: edge!, rows } };
  return {
    phase: 'training',
    step,
    guard,
    weights: readBlocks(reader, shape),
    momentum: readBlocks(reader, shape),
  };
}

function readEvaluated(reader: CheckpointReader, shape: CheckpointShape): EvaluatedCheckpoint {
  const step = reader.count();
  checkSizes(reader, shape);
  const weights = readBlocks(reader, shape);
  const released = reader.u32();
  if (released !== (shape.released ?? 0)) throw unusable('has another shape');
  const words = reader.words(released);
  const evaluation = readEvaluation(reader);
  if ((evaluation !== null) !== shape.isLabelHolder) throw unusable('has another shape');
  const release = shape.released === null ? null : words;
  return { phase: 'evaluated', step, weights, evaluation, release };
}

function checkSizes(reader: CheckpointReader, { own, peer }: CheckpointShape): void {
  if (reader.u32() !== own || reader.u32() !== peer) throw unusable('has another shape');
}

function readBlocks(reader: CheckpointReader, { own, peer }: CheckpointShape): BlockShares {
  return { own: reader.words(own), peer: reader.words(peer) };
}

function blocks({ own, peer }: BlockShares): Uint8Array[] {
  return [wordsToBytes(own), wordsToBytes(peer)];
}

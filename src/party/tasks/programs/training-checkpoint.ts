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
import { createHash } from 'node:crypto';
import { FOURIER_SIZES } from '../../../ml/linear/fourier-link.ts';
import type { Evaluation } from '../../../ml/metrics/evaluate.ts';
import type {
  EvaluatedCheckpoint,
  StepCheckpoint,
  TrainingCheckpoint,
} from '../../../ml/vertical/linear/checkpoint.ts';
import type { BlockShares } from '../../../ml/vertical/linear/products.ts';
import { wordsToBytes } from '../../../protocols/primitives/words.ts';
import type { Checkpoint } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { ORIGIN_BYTES } from './shares-origin.ts';

const MAGIC = 'ENTC';
const VERSION = 1;
const DIGEST_BYTES = 32;
const PHASES = ['aligned', 'training', 'evaluated'] as const;

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
  const bytesOfRows = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const common = [taskDigest(taskId), origin, u32(rows.length), bytesOfRows];
  const heads = PHASES.map((_, phase) => {
    const head = Buffer.concat([Buffer.from(MAGIC), Uint8Array.of(VERSION, phase), ...common]);
    return { head, hash: createHash('sha256').update(head) };
  });
  return (training) => {
    const { head, hash } = heads[training === null ? 0 : PHASES.indexOf(training.phase)]!;
    const body = Buffer.concat(training === null ? [] : bodyOf(training));
    const digest = hash.copy().update(body).digest();
    return { step: training?.step ?? 0, bytes: Buffer.concat([head, body, digest]) };
  };
}

/** The point that a checkpoint stands for. Throws `TaskError` `CHECKPOINT_UNUSABLE`. */
export function decodeCheckpoint({ step, bytes }: Checkpoint, shape: CheckpointShape): ResumePoint {
  const end = bytes.length - DIGEST_BYTES;
  if (end < 0) throw unusable('is too short');
  const reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, end));
  if (reader.take(MAGIC.length).toString('latin1') !== MAGIC) throw unusable('is none');
  if (reader.u8() !== VERSION) throw unusable('is of another version');
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) throw unusable('is damaged');

  const phase = PHASES[reader.u8()];
  if (!reader.take(DIGEST_BYTES).equals(taskDigest(shape.taskId))) {
    throw unusable('is of another task');
  }
  const origin = new Uint8Array(reader.take(ORIGIN_BYTES));
  const rows = reader.rows(shape.tableRows);
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
  const text = Buffer.from(JSON.stringify(evaluation));
  return [
    ...[f64(step), ...sizes, ...blocks(weights)],
    ...[u32(release?.length ?? 0), wordsToBytes(release ?? new BigUint64Array())],
    ...[u32(text.length), text],
  ];
}

function readStep(reader: Reader, shape: CheckpointShape): StepCheckpoint {
  const step = reader.count();
  const level = reader.u8();
  if (level >= FOURIER_SIZES.length) throw unusable('has another shape');
  const runUntil = reader.count();
  const rows = reader.count();
  const [edge] = reader.words(1);
  reader.sizes(shape);
  const guard = { level, runUntil, pending: { edge: edge!, rows } };
  return {
    phase: 'training',
    step,
    guard,
    weights: reader.blocks(shape),
    momentum: reader.blocks(shape),
  };
}

function readEvaluated(reader: Reader, shape: CheckpointShape): EvaluatedCheckpoint {
  const step = reader.count();
  reader.sizes(shape);
  const weights = reader.blocks(shape);
  const released = reader.u32();
  if (released !== (shape.released ?? 0)) throw unusable('has another shape');
  const words = reader.words(released);
  const evaluation = parseEvaluation(reader.take(reader.u32()).toString(), shape.isLabelHolder);
  const release = shape.released === null ? null : words;
  return { phase: 'evaluated', step, weights, evaluation, release };
}

function parseEvaluation(text: string, isLabelHolder: boolean): Evaluation | null {
  let evaluation: unknown;
  try {
    evaluation = JSON.parse(text);
  } catch (cause) {
    throw unusable('has another shape', cause);
  }
  if (!isLabelHolder && evaluation === null) return null;
  if (isLabelHolder && isEvaluation(evaluation)) return evaluation;
  throw unusable('has another shape');
}

/** By hand: a schema's checker takes a task's thread longer to load than everything else. */
function isEvaluation(value: unknown): value is Evaluation {
  const { metrics, reasons } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isText = (each: unknown): boolean => typeof each === 'string';
  const isMetric = (each: unknown): boolean => each === null || typeof each === 'number';
  return isRecordOf(isMetric, metrics) && isRecordOf(isText, reasons);
}

function isRecordOf(is: (value: unknown) => boolean, value: unknown): boolean {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord && Object.values(value).every(is);
}

/** Reads fields one after another; throws when there are fewer bytes than a field has. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw unusable('is too short');
    return this.#bytes.subarray(from, this.#at);
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  /** A whole number that may be above 2^32. */
  count(): number {
    const count = this.take(8).readDoubleLE();
    if (!Number.isSafeInteger(count) || count < 0) throw unusable('has another shape');
    return count;
  }

  words(count: number): BigUint64Array {
    return new BigUint64Array(new Uint8Array(this.take(8 * count)).buffer);
  }

  /** Distinct row numbers of a table. */
  rows(tableRows: number): Uint32Array {
    const count = this.u32();
    const rows = new Uint32Array(new Uint8Array(this.take(4 * count)).buffer);
    const seen = new Uint8Array(tableRows);
    for (const row of rows) {
      if (row >= tableRows || seen[row]) throw unusable('is of another table');
      seen[row] = 1;
    }
    return rows;
  }

  sizes({ own, peer }: CheckpointShape): void {
    if (this.u32() !== own || this.u32() !== peer) throw unusable('has another shape');
  }

  blocks({ own, peer }: CheckpointShape): BlockShares {
    return { own: this.words(own), peer: this.words(peer) };
  }
}

function blocks({ own, peer }: BlockShares): Uint8Array[] {
  return [wordsToBytes(own), wordsToBytes(peer)];
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function f64(value: number): Uint8Array {
  return new Uint8Array(Float64Array.of(value).buffer);
}

function taskDigest(taskId: string): Buffer {
  return createHash('sha256').update('entente/training-checkpoint/v1').update(taskId).digest();
}

function unusable(what: string, cause?: unknown): TaskError {
  return new TaskError('CHECKPOINT_UNUSABLE', `the checkpoint ${what}: start the task again`, {
    cause,
  });
}

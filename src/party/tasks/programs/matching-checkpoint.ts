/**
 * Checkpoints of a matching of keys as bytes on its party's disk, little-endian, one after each bucket:
 *
 *   "ENTM" | version u8 | task 32 | salt 32 | keys 32 | buckets u32 | done u32
 *          | learns u8 | m u32 | rows m x u32 | l u32 | labels m x l | SHA-256 32
 *
 * `task` is SHA-256("entente/matching-checkpoint/v1" | taskId), `keys` that of this party's key columns.
 * Secret: which records the parties have in common, and with the salt who is tried for it.
 */
import { createHash } from 'node:crypto';
import { SALT_BYTES } from '../../../protocols/psi/item-digest.ts';
import type { Checkpoint } from '../program.ts';
import { CheckpointReader, taskDigest, u32, unusable } from './checkpoint-bytes.ts';

const MAGIC = 'ENTM';
const VERSION = 1;
const DOMAIN = 'entente/matching-checkpoint/v1';
const DIGEST_BYTES = 32;

/** Where a matching stands after some of its buckets. */
export interface MatchingPoint {
  /** Of all items of the run. */
  readonly salt: Uint8Array;
  /** SHA-256 of this party's key columns: see `keysDigest`. */
  readonly keys: Uint8Array;
  /** Buckets that are done. */
  readonly done: number;
  /** Common keys so far; null where this party does not learn. */
  readonly common: CommonKeys | null;
}

/** Common keys in the joint order. */
export interface CommonKeys {
  /** This party's first row with each; m. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** What the other party said of each; m x labelBytes. */
  readonly labels: Uint8Array<ArrayBuffer>;
  /** 0 where nothing is said. */
  readonly labelBytes: number;
}

/** What is public of a matching's checkpoints. */
export interface MatchingShape {
  readonly taskId: string;
  /** Of this party's table. */
  readonly tableRows: number;
  readonly buckets: number;
  readonly learns: boolean;
  /** Longest label that this party may learn of a key; 0 for none. */
  readonly maxLabelBytes: number;
}

export const NO_KEYS: CommonKeys = {
  rows: new Uint32Array(0),
  labels: new Uint8Array(0),
  labelBytes: 0,
};

export function encodeMatching(
  { salt, keys, done, common }: MatchingPoint,
  { taskId, buckets }: Pick<MatchingShape, 'taskId' | 'buckets'>,
): Checkpoint {
  const { rows, labels, labelBytes } = common ?? NO_KEYS;
  const fields = [
    ...[Buffer.from(MAGIC), Uint8Array.of(VERSION), taskDigest(DOMAIN, taskId), salt, keys],
    ...[u32(buckets), u32(done), Uint8Array.of(Number(common !== null)), u32(rows.length)],
    ...[new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), u32(labelBytes), labels],
  ];
  const hash = createHash('sha256');
  for (const field of fields) hash.update(field);
  return { step: done, bytes: Buffer.concat([...fields, hash.digest()]) };
}

/** Whether a checkpoint is of a matching, and not of what comes after it. */
export function isMatching({ bytes }: Checkpoint): boolean {
  return Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') === MAGIC;
}

/** The point that a checkpoint stands for. Throws `TaskError` `CHECKPOINT_UNUSABLE`. */
export function decodeMatching({ step, bytes }: Checkpoint, shape: MatchingShape): MatchingPoint {
  const { taskId, tableRows, buckets, learns, maxLabelBytes } = shape;
  const reader = CheckpointReader.open(bytes, MAGIC, VERSION);
  reader.checkTask(DOMAIN, taskId);
  const salt = new Uint8Array(reader.take(SALT_BYTES));
  const keys = new Uint8Array(reader.take(DIGEST_BYTES));
  const [of, done, flag] = [reader.u32(), reader.u32(), reader.u8()];
  const rows = reader.distinct(tableRows);
  const labelBytes = reader.u32();
  if (labelBytes > maxLabelBytes) throw unusable('has another shape');
  const labels = new Uint8Array(reader.take(rows.length * labelBytes));
  const isShape = of === buckets && done === step && done >= 1 && done <= buckets;
  if (!isShape || flag !== Number(learns) || (!learns && rows.length > 0) || !reader.isAtEnd) {
    throw unusable('has another shape');
  }
  return { salt, keys, done, common: learns ? { rows, labels, labelBytes } : null };
}

/** What the formats of checkpoints share: a magic word, a version, fields, and a digest over them all. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { TaskError } from '../task-error.ts';

const DIGEST_BYTES = 32;
const MAGIC_BYTES = 4;

/** Throws this where a checkpoint cannot be resumed from. */
export function unusable(what: string, cause?: unknown): TaskError {
  return new TaskError('CHECKPOINT_UNUSABLE', `the checkpoint ${what}: start the task again`, {
    cause,
  });
}

/** Binds a checkpoint of one kind to its task. */
export function taskDigest(domain: string, taskId: string): Buffer {
  return createHash('sha256').update(domain).update(taskId).digest();
}

/** Reads the fields of a checkpoint one after another; throws `CHECKPOINT_UNUSABLE` where one is short. */
export class CheckpointReader {
  readonly #bytes: Buffer;
  #at = 0;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The fields after magic and version, both of which must be these, over an intact digest. */
  static open(bytes: Uint8Array, magic: string, version: number): CheckpointReader {
    const end = bytes.length - DIGEST_BYTES;
    if (end < 0) throw unusable('is too short');
    const reader = new CheckpointReader(Buffer.from(bytes.buffer, bytes.byteOffset, end));
    if (reader.take(MAGIC_BYTES).toString('latin1') !== magic) throw unusable('is none');
    if (reader.u8() !== version) throw unusable('is of another version');
    const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
    if (!timingSafeEqual(digest, bytes.subarray(end))) throw unusable('is damaged');
    return reader;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** A view. */
  take(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw unusable('is too short');
    return this.#bytes.subarray(from, this.#at);
  }

  /** Throws unless the task is this one. */
  checkTask(domain: string, taskId: string): void {
    if (!this.take(DIGEST_BYTES).equals(taskDigest(domain, taskId))) {
      throw unusable('is of another task');
    }
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

  /** Finite numbers. */
  doubles(count: number): Float64Array<ArrayBuffer> {
    const values = new Float64Array(new Uint8Array(this.take(8 * count)).buffer);
    if (!values.every(Number.isFinite)) throw unusable('has another shape');
    return values;
  }

  words(count: number): BigUint64Array<ArrayBuffer> {
    return new BigUint64Array(new Uint8Array(this.take(8 * count)).buffer);
  }

  /** Their number, then distinct numbers below `limit`; m. */
  distinct(limit: number): Uint32Array<ArrayBuffer> {
    const count = this.u32();
    const numbers = new Uint32Array(new Uint8Array(this.take(4 * count)).buffer);
    const seen = new Uint8Array(limit);
    for (const each of numbers) {
      if (each >= limit || seen[each]) throw unusable('is of another table');
      seen[each] = 1;
    }
    return numbers;
  }
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function f64(value: number): Uint8Array {
  return new Uint8Array(Float64Array.of(value).buffer);
}

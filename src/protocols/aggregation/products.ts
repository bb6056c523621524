/**
 * Secrets of vectors to come and shares of their products with the hosts' hints: local queues of both sides of
 * `bucket-sums.ts`, filled a batch at a time by he/batch-product.ts. Both sides take one a vector, in the same order.
 */
import type { Channel } from '../channel.ts';
import type { BatchMatrix } from '../he/batch-matrix.ts';
import { batchEvaluator, batchKeyOwner } from '../he/batch-product.ts';
import type { HeSession } from '../he/session.ts';
import type { Rng } from '../primitives/rng.ts';
import { drawSecret, releaseSecret, secretMessage, type VectorSecret } from './samples.ts';

/** A secret for one vector, never used for another, and the owner's shares of -<h_r, s>, by host. */
export interface OwnerProduct {
  /** The taker's to release. */
  readonly secret: VectorSecret;
  readonly shares: readonly Uint32Array[];
}

/** The owner's, towards all hosts. */
export class OwnerProducts {
  readonly #links: readonly { readonly he: HeSession; readonly channel: Channel }[];
  /** R of every host. */
  readonly #buckets: readonly number[];
  readonly #batch: number;
  readonly #rng: Rng;
  readonly #queue: OwnerProduct[] = [];

  constructor(
    links: readonly { readonly he: HeSession; readonly channel: Channel }[],
    buckets: readonly number[],
    batch: number,
    rng: Rng,
  ) {
    this.#links = links;
    this.#buckets = buckets;
    this.#batch = batch;
    this.#rng = rng;
  }

  /** How many there are. */
  get ready(): number {
    return this.#queue.length;
  }

  /** Makes another batch: runs with `more` of all hosts. */
  async more(): Promise<void> {
    const secrets = Array.from({ length: this.#batch }, () =>
      drawSecret(this.#links[0]!.he.kernel, this.#rng),
    );
    const messages = secrets.map(secretMessage);
    const products = await Promise.all(
      this.#links.map(({ he, channel }, h) =>
        batchKeyOwner(channel, he, messages, this.#buckets[h]!, this.#rng),
      ),
    );
    for (const message of messages) message.fill(0n);
    secrets.forEach((secret, l) => {
      const shares = products.map((ofHost) => upperWords(ofHost[l]!).map((word) => -word));
      this.#queue.push({ secret, shares });
    });
  }

  /** The next one; there is one. */
  take(): OwnerProduct {
    return this.#queue.shift()!;
  }

  /** Erases the secrets that were not taken. */
  close(): void {
    const { kernel } = this.#links[0]!.he;
    for (const { secret } of this.#queue.splice(0)) releaseSecret(kernel, secret);
  }
}

/** A host's. */
export class HostProducts {
  readonly #channel: Channel;
  readonly #he: HeSession;
  readonly #matrix: BatchMatrix;
  readonly #rng: Rng;
  readonly #queue: Uint32Array[] = [];

  /** matrix: its to free. */
  constructor(channel: Channel, he: HeSession, matrix: BatchMatrix, rng: Rng) {
    this.#channel = channel;
    this.#he = he;
    this.#matrix = matrix;
    this.#rng = rng;
  }

  /** How many there are. */
  get ready(): number {
    return this.#queue.length;
  }

  /** Makes another batch: runs with `more` of the owner. */
  async more(): Promise<void> {
    const products = await batchEvaluator(this.#channel, this.#he, this.#matrix, this.#rng);
    this.#queue.push(...products.map(upperWords));
  }

  /** The host's shares of the next <h_r, s>: [R]. There is one. */
  take(): Uint32Array {
    return this.#queue.shift()!;
  }

  /** Gives the memory back. */
  close(): void {
    this.#matrix.free();
    this.#queue.length = 0;
  }
}

/** round(u / 2^32) modulo 2^32 of every word: a share over Z_2^64 of 2^32 m becomes one of m. */
function upperWords(u: BigUint64Array): Uint32Array {
  const halves = new Uint32Array(u.buffer, u.byteOffset, 2 * u.length);
  return Uint32Array.from(u, (_, r) => halves[2 * r + 1]! + (halves[2 * r]! >>> 31));
}

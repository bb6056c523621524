/**
 * Sums of one party's private vector over another's private buckets, shared modulo 2^32, with noise.
 *
 * The owner of x masks it by ring-LWE samples, c = a s + e + x; the holder of the buckets sums c over each and
 * has sum x + sum e + <h_r, s>, where the hint h_r is a function of the public a and of its bins. What is left
 * is a product of the clear matrix h with the small secret s: he/matrix-product.ts. Linear encryption with a
 * precomputed hint is [HHCMV23] "SimplePIR", removing the hint by a second, homomorphic layer [LMRS24] "HintlessPIR";
 * here both results stay shared. The composition as written is this project's own.
 *
 * Functionality: for every bucket r of every vector, shares of sum_{i in r} x_i + sum_{i in r} e_i + {-1, 0, 1}.
 *   Owner in: x [n] a vector, the same for all hosts   out: its shares [R], a host
 *   Host  in: a bin for every row and column           out: its shares [R]
 *   Buckets are the bins of all columns, in the order of the columns, or what the host arranges: sums over bins of a
 *   column, in an order that it keeps to itself. e: ROW_VARIANCE a row; the unit comes with probability below
 *   2^-28 (parameters.ts).
 *
 * Security: semi-honest, any set of parties corrupted; ring LWE twice, AES-128 as a PRG and, for the
 *   public a, as a random oracle.
 *   Hosts see, for every vector, c and encryptions of 2^32 s under the owner's key of each session. The keys are
 *   independent of s, so the encryptions may be replaced by such of zero, one session after the other (IND-CPA,
 *   he/parameters.ts); no key is ever encrypted, so nothing is circular. Then c is x under samples whose secret is
 *   used nowhere else: uniform by decision ring LWE, for each vector in turn, the same a notwithstanding
 *   (the other vectors' samples are made with secrets of one's own; loss: a factor of the number of vectors).
 *   c is the same bytes for every host, so hosts together see no more of it than one.
 *   The owner sees answers of he/ring-answer.ts, re-randomised and masked over all coefficients and primes: they look
 *   uniform whatever the hints, as do its shares.
 * Leaks: n and R, which both know. Opened, the sums would tell the owner more than sums of x: it knows e row by row, so
 *   that sum e is a fingerprint of the rows of a bucket. WHOEVER OPENS A SHARE ADDS NOISE OF THE HOST'S OWN
 *   FIRST, of the deviation of the noise that is in it at least (`sumDeviation`).
 * Cost: set-up, once a task: a message of 18 bytes to every host and one of at most 4 back; the host n d 2048 word
 *   additions for d columns, and memory for its hints: 8 KiB a bin, and R / 2 polynomials of 64 KiB or a few more. An
 *   arrangement: a message of at most 4 bytes, and the transforms of those polynomials. A vector:
 *   4 n bytes in ceil(n / 65536) messages, and the product X v of he/matrix-product.ts with X: [R, 2048];
 *   owner 1 transform of 2 primes in 4096 rows, host n d additions. Two vectors are on their way at a time: while the
 *   host answers one, the owner masks and sends the next. Neither side keeps more of c than a message.
 *
 * Names: a samples, s secret, e errors, c masked rows (samples.ts); h_r hint; Y_r sum of c over a bucket;
 * u shares of <h_r, s>; R buckets; n rows.
 */
import { setImmediate } from 'node:timers/promises';
import { BucketSamples, BucketShape, MaskedRows } from '../../../proto/gen/aggregation.ts';
import { HINT_DEGREE, type HintKernel } from '../../kernels/hint-kernel.ts';
import { DEGREE, type Polynomial } from '../../kernels/rlwe-kernel.ts';
import type { Channel } from '../channel.ts';
import { ProtocolError } from '../errors.ts';
import type { EncodedMatrix } from '../he/encoded-matrix.ts';
import { checkSeed } from '../he/encryption.ts';
import { matVecEvaluator, matVecKeyOwner } from '../he/matrix-product.ts';
import type { HeSession } from '../he/session.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength } from '../primitives/words.ts';
import {
  type BinnedColumns,
  bucketHints,
  bucketOffsets,
  checkRange,
  encodeHints,
  type PartialSum,
  partialSums,
} from './hint.ts';
import { MAX_BUCKETS, MAX_ROWS, MAX_SUM, PIECE_ROWS } from './parameters.ts';
import { drawSecret, encodePair, expandSamples, maskPair, releaseSecret } from './samples.ts';

/** Vectors on their way at a time, each on a fork of its own. */
const LANES = 2;

/** The owner's link to one host: a channel of their own and the session whose key it owns. */
export interface BucketLink {
  readonly channel: Channel;
  readonly he: HeSession;
}

interface Host {
  readonly he: HeSession;
  readonly channel: Channel;
  readonly lanes: readonly Channel[];
  /** R */
  buckets: number;
}

/** The owner of the vectors, towards all hosts of a task. */
export class BucketOwner {
  readonly rows: number;
  readonly #hosts: readonly Host[];
  /** The pairs of blocks of a, in the kernel of the first host's session. */
  readonly #a: Polynomial[];
  readonly #rng: Rng;

  private constructor(rows: number, hosts: readonly Host[], a: Polynomial[], rng: Rng) {
    this.rows = rows;
    this.#hosts = hosts;
    this.#a = a;
    this.#rng = rng;
  }

  /** links: one a host; rows: n. */
  static async setup(links: readonly BucketLink[], rows: number, rng: Rng): Promise<BucketOwner> {
    checkRange('rows', rows, MAX_ROWS);
    if (links.length === 0) throw new RangeError('"links" expected one host or more');
    const seed = rng(SEED_BYTES);
    const hosts = await Promise.all(
      links.map(async ({ channel, he }) => {
        const lanes = forkLanes(channel);
        await channel.send(BucketSamples, { seed });

        return { he, channel, lanes, buckets: decodeShape(await channel.receive(BucketShape)) };
      }),
    );
    const { kernel } = hosts[0]!.he;
    const a = expandSamples(seed, rows);
    const pairs: Polynomial[] = [];
    for (let j = 0; j * DEGREE < rows; j++) {
      pairs.push(encodePair(kernel, a, j));
      if (j % 16 === 15) await setImmediate();
    }
    return new BucketOwner(rows, hosts, pairs, rng);
  }

  /** R of every host. */
  get buckets(): number[] {
    return this.#hosts.map(({ buckets }) => buckets);
  }

  /** Takes note of the hosts' new arrangements: runs with `arrange` of all of them. */
  async arranged(): Promise<void> {
    await Promise.all(
      this.#hosts.map(async (host) => {
        host.buckets = decodeShape(await host.channel.receive(BucketShape));
      }),
    );
  }

  /**
   * The owner's shares, by host and vector: [R]. vectors: [n] each, taken one at a time. Throws `RangeError` before
   * anything of a vector is sent when its sums could leave the range (`MAX_SUM`).
   */
  async sums(vectors: Iterable<Int32Array>): Promise<Uint32Array[][]> {
    const shares = await inLanes(vectors, (x, lane) => this.#vector(x, lane));
    return this.#hosts.map((_, h) => shares.map((ofVector) => ofVector[h]!));
  }

  /** Gives the memory back. The sessions stay their makers' to close. */
  close(): void {
    for (const pair of this.#a.splice(0)) this.#kernel.release(pair);
  }

  get #kernel(): HeSession['kernel'] {
    return this.#hosts[0]!.he.kernel;
  }

  /** One vector to all hosts. Returns the shares by host. */
  async #vector(x: Int32Array, lane: number): Promise<Uint32Array[]> {
    checkVector(x, this.rows);
    const secret = drawSecret(this.#kernel, this.#rng);
    try {
      for (let from = 0; from < x.length; from += PIECE_ROWS) {
        const piece = x.subarray(from, from + PIECE_ROWS);
        const words = this.#mask(piece, from / DEGREE, secret);
        await Promise.all(this.#hosts.map(({ lanes }) => lanes[lane]!.send(MaskedRows, { words })));
        await setImmediate();
      }

      return await Promise.all(
        this.#hosts.map(async ({ he, lanes, buckets }) => {
          const u = await matVecKeyOwner(lanes[lane]!, he, secret.message, buckets, this.#rng);
          return upperWords(u).map((word) => -word);
        }),
      );
    } finally {
      releaseSecret(this.#kernel, secret);
    }
  }

  /** The bytes of c for the rows of a piece, which starts with pair `first`. */
  #mask(x: Int32Array, first: number, secret: ReturnType<typeof drawSecret>): Uint8Array {
    const c = new Uint32Array(x.length);
    for (let from = 0, j = first; from < x.length; from += DEGREE, j++) {
      c.set(maskPair(this.#kernel, this.#a[j]!, secret, x.subarray(from, from + DEGREE)), from);
    }
    return new Uint8Array(c.buffer);
  }
}

/** What a host answers with: the matrix of the product, and how its rows come from the buckets. */
interface Arrangement {
  readonly matrix: EncodedMatrix;
  /** Null: the buckets as they are. */
  readonly sums: readonly PartialSum[] | null;
  /** Columns that are in it. */
  readonly columns: readonly number[];
}

/** A holder of buckets, towards the owner of the vectors. */
export class BucketHost {
  /** Where the buckets of each column start, and their number at the end. */
  readonly offsets: readonly number[];
  readonly #columns: BinnedColumns;
  readonly #kernel: HintKernel;
  readonly #he: HeSession;
  readonly #channel: Channel;
  readonly #lanes: readonly Channel[];
  /** By bucket. */
  readonly #hints: Uint32Array;
  readonly #rng: Rng;
  #arrangement: Arrangement | null = null;

  private constructor(
    he: HeSession,
    kernel: HintKernel,
    channel: Channel,
    lanes: readonly Channel[],
    columns: BinnedColumns,
    hints: Uint32Array,
    rng: Rng,
  ) {
    this.offsets = bucketOffsets(columns);
    this.#columns = columns;
    this.#kernel = kernel;
    this.#he = he;
    this.#channel = channel;
    this.#lanes = lanes;
    this.#hints = hints;
    this.#rng = rng;
  }

  /** columns: kept, and read by every sum. */
  static async setup(
    ch: Channel,
    he: HeSession,
    kernel: HintKernel,
    columns: BinnedColumns,
    rng: Rng,
  ): Promise<BucketHost> {
    const buckets = bucketOffsets(columns).at(-1)!;
    const lanes = forkLanes(ch);
    await ch.send(BucketShape, { buckets });

    const { seed } = await ch.receive(BucketSamples);
    checkSeed(seed);
    const hints = await bucketHints(kernel, expandSamples(seed, columns.rows), columns);
    return new BucketHost(he, kernel, ch, lanes, columns, hints, rng);
  }

  /** R */
  get buckets(): number {
    return this.#arrangement?.sums?.length ?? this.offsets.at(-1)!;
  }

  /** From now on shares are those of these sums, in this order: runs with `arranged` of the owner. */
  async arrange(sums: readonly PartialSum[]): Promise<void> {
    const rows = partialSums(this.#hints, HINT_DEGREE, this.offsets, sums);
    await this.#channel.send(BucketShape, { buckets: sums.length });

    const columns = [...new Set(sums.map(({ column }) => column))];
    await this.#encode(rows, sums, columns);
  }

  /** The host's shares, by vector: [R]. count: how many vectors the owner sends. */
  async sums(count: number): Promise<Uint32Array[]> {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`"count" expected a number of vectors, got ${count}`);
    }
    const all = [...this.#columns.bins.keys()];
    const arrangement = this.#arrangement ?? (await this.#encode(this.#hints, null, all));
    return inLanes(Array(count).keys(), (_, lane) => this.#vector(this.#lanes[lane]!, arrangement));
  }

  /** Gives the memory back. The session stays its maker's to close. */
  close(): void {
    this.#arrangement?.matrix.free();
    this.#arrangement = null;
  }

  async #encode(
    rows: Uint32Array,
    sums: Arrangement['sums'],
    columns: readonly number[],
  ): Promise<Arrangement> {
    this.close();
    const matrix = await encodeHints(this.#he.kernel, rows);
    this.#arrangement = { matrix, sums, columns };
    return this.#arrangement;
  }

  async #vector(ch: Channel, { matrix, sums, columns }: Arrangement): Promise<Uint32Array> {
    const { rows, bins } = this.#columns;
    const words = new Uint32Array(this.offsets.at(-1)!);
    const byBin = columns.map((f) => words.subarray(this.offsets[f]!, this.offsets[f + 1]!));
    for (let from = 0; from < rows; from += PIECE_ROWS) {
      const to = Math.min(from + PIECE_ROWS, rows);
      const c = decodeRows(await ch.receive(MaskedRows), to - from);
      this.#kernel.addByBin(
        byBin,
        c,
        columns.map((f) => bins[f]!.subarray(from, to)),
      );
      await setImmediate();
    }
    const Y = sums ? partialSums(words, 1, this.offsets, sums) : words;

    const u = await matVecEvaluator(ch, this.#he, matrix, this.#rng);
    const upper = upperWords(u);
    return Y.map((y, r) => y - upper[r]!);
  }
}

function forkLanes(ch: Channel): Channel[] {
  return Array.from({ length: LANES }, (_, lane) => ch.fork(`lane ${lane}`));
}

/** Works on items in turn, each on the lane of its number; an item waits for the one before it on its lane. */
async function inLanes<T, R>(
  items: Iterable<T>,
  work: (item: T, lane: number) => Promise<R>,
): Promise<R[]> {
  const results: Promise<R>[] = [];
  for (const item of items) {
    const j = results.length;
    if (j >= LANES) {
      // The lane is free, or some lane has failed.
      await Promise.race([results[j - LANES], Promise.all(results.slice(-LANES))]);
    }
    const result = work(item, j % LANES);
    result.catch(() => undefined); // thrown above or below; here only in case `items` throws
    results.push(result);
  }
  return Promise.all(results);
}

/** round(u / 2^32) modulo 2^32 of every word: a share over Z_2^64 of 2^32 m becomes one of m. */
function upperWords(u: BigUint64Array): Uint32Array {
  const halves = new Uint32Array(u.buffer, u.byteOffset, 2 * u.length);
  return Uint32Array.from(u, (_, r) => halves[2 * r + 1]! + (halves[2 * r]! >>> 31));
}

/** Throws `RangeError` unless all sums of x over subsets of rows fit. The message tells nothing of x. */
function checkVector(x: Int32Array, rows: number): void {
  if (x.length !== rows) throw new RangeError(`"x" expected ${rows} rows, got ${x.length}`);
  let [total, absolute] = [0, 0]; // exact as far as it matters
  for (let i = 0; i < x.length; i++) {
    total += x[i]!;
    absolute += Math.abs(x[i]!);
  }
  if ((absolute + Math.abs(total)) / 2 > MAX_SUM) {
    throw new RangeError(
      `"x" expected positive and negative sums of at most ${MAX_SUM}: use fewer fractional bits`,
    );
  }
}

/** R of a host. */
function decodeShape({ buckets }: BucketShape): number {
  if (buckets < 1 || buckets > MAX_BUCKETS) {
    throw new ProtocolError(
      'MALFORMED_MESSAGE',
      `expected 1 to ${MAX_BUCKETS} buckets, got ${buckets}`,
    );
  }
  return buckets;
}

/** The words of one piece of c. */
function decodeRows({ words }: MaskedRows, rows: number): Uint32Array {
  checkLength(words, 4 * rows);
  return new Uint32Array(new Uint8Array(words).buffer);
}

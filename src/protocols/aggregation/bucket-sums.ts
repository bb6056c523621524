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
 *   Hosts see encryptions of 2^32 s under the owner's key of each session, of as many secrets at a time as a batch
 *   has, and c for every vector. The keys are independent of s, so the encryptions may be replaced by such of zero,
 *   one session after the other (IND-CPA, he/parameters.ts); no key is ever encrypted, so nothing is circular. Then c
 *   is x under samples whose secret is used nowhere else: uniform by decision ring LWE, for each vector in turn, the
 *   same a notwithstanding
 *   (the other vectors' samples are made with secrets of one's own; loss: a factor of the number of vectors).
 *   c is the same bytes for every host, so hosts together see no more of it than one.
 *   The owner sees answers of he/ring-answer.ts, re-randomised and masked over all coefficients and primes: they look
 *   uniform whatever the hints, as do its shares. Answers do not depend on x, which may be chosen after them.
 * Leaks: n and R, which both know. Opened, the sums would tell the owner more than sums of x: it knows e row by row, so
 *   that sum e is a fingerprint of the rows of a bucket. WHOEVER OPENS A SHARE ADDS NOISE OF THE HOST'S OWN
 *   FIRST, of the deviation of the noise that is in it at least (`sumDeviation`).
 * Cost: set-up, once a task: a message of 18 bytes to every host; the host n d 2048 word
 *   additions for d columns, and memory for its hints: 8 KiB a bin, and R / 2 polynomials of 64 KiB or a few more. An
 *   arrangement: a message of at most 4 bytes, the transforms of those polynomials, and a batch of products, which others
 *   follow as vectors need them: he/batch-product.ts with X: [R, 2048]. A vector: 4 n bytes in ceil(n / 65536) messages;
 *   owner 1 transform of 2 primes in 4096 rows, host n d additions. Neither side keeps more of c than a message.
 *   No vector waits for a product that is there: what an arrangement needs is done beside the vectors of the one before.
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
import { checkSeed } from '../he/encryption.ts';
import type { HeSession } from '../he/session.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { decodeUint32 } from '../primitives/words.ts';
import { addCombinations, type FusedColumns, fuseColumns } from './fused-columns.ts';
import {
  type BinnedColumns,
  bucketHints,
  bucketOffsets,
  checkRange,
  encodeHints,
  type PartialSum,
  partialSums,
} from './hint.ts';
import { batchOf, MAX_BUCKETS, MAX_ROWS, MAX_SUM, PIECE_ROWS } from './parameters.ts';
import { HostProducts, OwnerProducts } from './products.ts';
import {
  encodePair,
  expandSamples,
  maskRows,
  releaseSecret,
  type VectorSecret,
} from './samples.ts';

/** Arrangements that may be in use at a time, each on a fork of its own: one, and the next one being made. */
const LANES = 2;

/** The owner's link to one host: a channel of their own and the session whose key it owns. */
export interface BucketLink {
  readonly channel: Channel;
  readonly he: HeSession;
}

interface Host extends BucketLink {
  readonly lanes: readonly Channel[];
}

/** The owner's side of all hosts' arrangements of one time. */
export interface OwnerArrangement {
  /** R of every host. */
  readonly buckets: readonly number[];
  readonly products: OwnerProducts;
  /** Erases what was not used. The arrangement must not be used any more. */
  close(): void;
}

/** The owner of the vectors, towards all hosts of a task. */
export class BucketOwner {
  readonly rows: number;
  readonly #hosts: readonly Host[];
  /** The pairs of blocks of a, in the kernel of the first host's session. */
  readonly #a: Polynomial[];
  readonly #rng: Rng;
  #arrangements = 0;

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
    const hosts = links.map((link) => ({ ...link, lanes: forkLanes(link.channel) }));
    await Promise.all(hosts.map(({ channel }) => channel.send(BucketSamples, { seed })));

    const { kernel } = hosts[0]!.he;
    const a = expandSamples(seed, rows);
    const pairs: Polynomial[] = [];
    for (let j = 0; j * DEGREE < rows; j++) {
      pairs.push(encodePair(kernel, a, j));
      if (j % 16 === 15) await setImmediate();
    }
    return new BucketOwner(rows, hosts, pairs, rng);
  }

  /**
   * The hosts' next arrangements, for about `count` vectors: runs with `arrange` of all of them, and may run beside the
   * sums of the one before, which is closed before the one after is made.
   */
  async arranged(count: number): Promise<OwnerArrangement> {
    const lane = this.#arrangements++ % LANES;
    const links = this.#hosts.map(({ he, lanes }) => ({ he, channel: lanes[lane]! }));
    const buckets = await Promise.all(
      links.map(async ({ channel }) => decodeShape(await channel.receive(BucketShape))),
    );
    const products = new OwnerProducts(links, buckets, batchOf(count), this.#rng);
    await products.more();
    return { buckets, products, close: () => products.close() };
  }

  /**
   * The owner's shares, by host and vector: [R]. vectors: [n] each, taken one at a time. Throws `RangeError` before
   * anything of a vector is sent when its sums could leave the range (`MAX_SUM`).
   */
  async sums(
    { products }: OwnerArrangement,
    vectors: Iterable<Int32Array>,
  ): Promise<Uint32Array[][]> {
    const shares: Uint32Array[][] = this.#hosts.map(() => []);
    for (const x of vectors) {
      checkVector(x, this.rows);
      if (products.ready === 0) await products.more();
      const { secret, shares: ofVector } = products.take();
      await this.#send(x, secret);
      ofVector.forEach((share, h) => {
        shares[h]!.push(share);
      });
    }
    return shares;
  }

  /** Gives the memory back. The sessions stay their makers' to close. */
  close(): void {
    for (const pair of this.#a.splice(0)) this.#kernel.release(pair);
  }

  get #kernel(): HeSession['kernel'] {
    return this.#hosts[0]!.he.kernel;
  }

  /** c of one vector to all hosts; erases the secret. */
  async #send(x: Int32Array, secret: VectorSecret): Promise<void> {
    try {
      for (let from = 0; from < x.length; from += PIECE_ROWS) {
        const piece = x.subarray(from, from + PIECE_ROWS);
        const pairs = this.#a.slice(from / DEGREE, (from + piece.length + DEGREE - 1) / DEGREE);
        const words = new Uint8Array(maskRows(this.#kernel, pairs, secret, piece).buffer);
        await Promise.all(this.#hosts.map(({ channel }) => channel.send(MaskedRows, { words })));
        await setImmediate(); // a send that finds room lets no other work run
      }
    } finally {
      releaseSecret(this.#kernel, secret);
    }
  }
}

/** A host's side: what it sums, and what it answers with. */
export interface HostArrangement {
  /** R */
  readonly buckets: number;
  /** Null: the buckets as they are. */
  readonly sums: readonly PartialSum[] | null;
  /** Columns that are in it, and others that are fused with them. */
  readonly columns: readonly FusedColumns[];
  readonly products: HostProducts;
  /** Gives the memory back. The arrangement must not be used any more. */
  close(): void;
}

/** A holder of buckets, towards the owner of the vectors. */
export class BucketHost {
  /** Where the buckets of each column start, and their number at the end. */
  readonly offsets: readonly number[];
  readonly #rows: number;
  readonly #columns: readonly FusedColumns[];
  readonly #kernel: HintKernel;
  readonly #he: HeSession;
  readonly #channel: Channel;
  readonly #lanes: readonly Channel[];
  /** By bucket. */
  readonly #hints: Uint32Array;
  readonly #rng: Rng;
  #arrangements = 0;

  private constructor(
    he: HeSession,
    kernel: HintKernel,
    channel: Channel,
    columns: BinnedColumns,
    hints: Uint32Array,
    rng: Rng,
  ) {
    this.offsets = bucketOffsets(columns);
    this.#rows = columns.rows;
    this.#columns = fuseColumns(columns);
    this.#kernel = kernel;
    this.#he = he;
    this.#channel = channel;
    this.#lanes = forkLanes(channel);
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
    bucketOffsets(columns); // throws for columns that cannot be

    const { seed } = await ch.receive(BucketSamples);
    checkSeed(seed);
    const hints = await bucketHints(kernel, expandSamples(seed, columns.rows), columns);
    return new BucketHost(he, kernel, ch, columns, hints, rng);
  }

  /** What shares of about `count` vectors are of: these sums, in this order. Runs with `arranged` of the owner. */
  async arrange(sums: readonly PartialSum[] | null, count: number): Promise<HostArrangement> {
    const rows = sums ? partialSums(this.#hints, HINT_DEGREE, this.offsets, sums) : this.#hints;
    const used = new Set(sums?.map(({ column }) => column) ?? this.offsets.slice(1).keys());
    const columns = this.#columns.filter(({ first, counts }) =>
      counts.some((_, f) => used.has(first + f)),
    );
    const buckets = sums ? sums.length : this.offsets.at(-1)!;
    const channel = this.#lanes[this.#arrangements++ % LANES]!;
    await channel.send(BucketShape, { buckets });

    const matrix = await encodeHints(this.#he.kernel, rows, batchOf(count));
    const products = new HostProducts(channel, this.#he, matrix, this.#rng);
    await products.more();
    return { buckets, sums, columns, products, close: () => products.close() };
  }

  /** The host's shares, by vector: [R]. count: how many vectors the owner sends. */
  async sums(arrangement: HostArrangement, count: number): Promise<Uint32Array[]> {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`"count" expected a number of vectors, got ${count}`);
    }
    const { products } = arrangement;
    const shares: Uint32Array[] = [];
    for (let t = 0; t < count; t++) {
      if (products.ready === 0) await products.more();
      const u = products.take();
      const Y = await this.#receive(arrangement);
      shares.push(Y.map((y, r) => y - u[r]!));
    }
    return shares;
  }

  /** Y of one vector. */
  async #receive({ sums, columns }: HostArrangement): Promise<Uint32Array> {
    const totals = columns.map(({ combinations }) => new Uint32Array(combinations));
    for (let from = 0; from < this.#rows; from += PIECE_ROWS) {
      const to = Math.min(from + PIECE_ROWS, this.#rows);
      const c = decodeUint32((await this.#channel.receive(MaskedRows)).words, to - from);
      const piece = columns.map(({ bins }) => bins.subarray(from, to));
      this.#kernel.addByBin(totals, c, piece);
      await setImmediate(); // nor does a full mailbox
    }
    const words = new Uint32Array(this.offsets.at(-1)!);
    for (const [g, group] of columns.entries()) {
      const own = group.counts.map((_, f) =>
        words.subarray(this.offsets[group.first + f]!, this.offsets[group.first + f + 1]!),
      );
      addCombinations(group, totals[g]!, own);
    }
    return sums ? partialSums(words, 1, this.offsets, sums) : words;
  }
}

function forkLanes(ch: Channel): Channel[] {
  return Array.from({ length: LANES }, (_, lane) => ch.fork(`arrangement ${lane}`));
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

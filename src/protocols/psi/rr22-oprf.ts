/**
 * Oblivious pseudorandom function from vector OLE, [RR22] "Blazing Fast PSI from Improved OKVS and
 * Subfield VOLE". Raghuraman, Rindal. https://eprint.iacr.org/2022/320: the semi-honest construction of
 * [RS21] over the improved OKVS.
 *
 * Functionality: for a function F that an evaluation draws,
 *   Sender   in: Y, n_y items             out: F(y) for each of its items
 *   Receiver in: X, n_x distinct items    out: F(x) for each of its items
 *   `evaluateWithKeys` gives a second function as well, independent of the first.
 *
 * Security: semi-honest, one corruption; that of vole/silent-vole.ts; fixed-key AES as an
 *   ideal permutation, correlation robust for offsets Delta * z with z != 0 [GKWY20]. R gets C with
 *   C = B' + Delta * P; for y outside X the sender's value before hashing is
 *   Decode(C, y) + Delta * (H1(y) - Decode(P, y)), which Delta hides, for the second factor is zero
 *   with probability 2^-128. S sees r and A' = A + P, where A is pseudorandom.
 * Leaks:    n_x to S, in the sizes of messages. Not n_y. That a first seed failed is not told: r is
 *   uniform but for the 2^-40 of seeds that fail.
 * Cost:     m = slots(n_x), about 1.35 n_x. R -> S 16 m + 16 bytes beyond VOLE's, nothing back: the
 *   correction leaves while VOLE's C is still under way, for A is there before. Encode (R), decode
 *   (both), m + n_y products by Delta (S). With a forecast of n items VOLE's part is that of slots(n).
 *
 * Names follow the paper: X, Y = sets; r = seed of the OKVS; P = its slots; Delta, A, B, C = VOLE with
 *   C = B + Delta * A; A' = A + P; B' = B + Delta * A'; H1 = value of an item; H2 = final hash, one a
 *   function; u = Decode(C, x) or Decode(B', y) + Delta * H1(y), what H2 is taken of.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  Rr22Correction,
  Rr22ReceiverHello,
  Rr22Seed,
  Rr22SenderHello,
} from '../../../proto/gen/psi.ts';
import { binSlots, type OkvsKernel } from '../../kernels/okvs-kernel.ts';
import { loadWasmOkvsKernel } from '../../kernels/okvs-kernel.wasm.ts';
import type { MemoryBudget } from '../../kernels/wasm-memory.ts';
import type { Channel } from '../channel.ts';
import { decodeSeed, underFreshSeed } from '../okvs/fresh-seed.ts';
import { encodeBins, OkvsDecoder } from '../okvs/okvs.ts';
import { type OkvsParameters, okvsParameters } from '../okvs/parameters.ts';
import { type OkvsRows, rowsOf } from '../okvs/rows.ts';
import { Turn } from '../ot/turn.ts';
import { BLOCK_BYTES, FixedKeyHash } from '../primitives/hash.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength, xorInto } from '../primitives/words.ts';
import { silentVole } from '../vole/silent-vole.ts';
import type { VoleSender, VoleSource, VoleVectors } from '../vole/vole.ts';
import { Advance, type Forecast } from './advance.ts';
import { countItems } from './item-digest.ts';
import { malformed } from './malformed.ts';

/** Largest set that the receiver may bring: more go through in buckets. */
export const MAX_EVALUATED = 2 ** 21;

export interface Rr22Outputs {
  /** F of each item; n x 16. */
  readonly masks: Uint8Array;
  /** The second, independent function of each item; n x 16. */
  readonly keys: Uint8Array;
}

export interface Rr22Options {
  /** Where the session's correlations come from; tests put a dealer here. */
  readonly vole?: VoleSource | undefined;
  /** Pays for the memory of kernels. */
  readonly budget?: MemoryBudget | undefined;
  /** Default: a kernel of the session's own. */
  readonly okvs?: OkvsKernel;
  /** Agreed between the parties: correlations are made in advance. */
  readonly forecast?: Forecast | undefined;
}

/** The receiving role. Owns a fork of the channel; one call at a time, in the sender's order. */
export class Rr22Receiver {
  readonly #ch: Channel;
  readonly #correlations: Advance<VoleVectors>;
  readonly #kernel: OkvsKernel;
  readonly #rng: Rng;
  readonly #turn = new Turn();

  private constructor(
    ch: Channel,
    correlations: Advance<VoleVectors>,
    kernel: OkvsKernel,
    rng: Rng,
  ) {
    this.#ch = ch;
    this.#correlations = correlations;
    this.#kernel = kernel;
    this.#rng = rng;
  }

  /**
   * Runs with `Rr22Sender.setup`, once a session; `rng` serves the setup and every evaluation. Takes the
   * channel's fork "rr22". After an error the caller closes the channel, which ends what still waits.
   */
  static async setup(
    channel: Channel,
    rng: Rng,
    { vole = silentVole, budget, forecast, okvs = loadWasmOkvsKernel(budget) }: Rr22Options = {},
  ): Promise<Rr22Receiver> {
    const ch = channel.fork('rr22');

    await ch.send(Rr22ReceiverHello, {});

    await ch.receive(Rr22SenderHello);
    const ends = await vole.receiver(ch, rng, { budget });
    const correlations = new Advance((k) => ends.extend(k), forecast);
    return new Rr22Receiver(ch, correlations, okvs, rng);
  }

  /** Starts to encode n >= 1 distinct items, n x 16, which must not change until they are evaluated. */
  prepare(X: Uint8Array): Rr22Items {
    const items = new Rr22Items(X, this.#kernel, this.#rng);
    items.encoding().catch(() => {}); // their evaluation fails with that
    return items;
  }

  /** F of n >= 1 distinct items; n x 16. Throws `RangeError` on items that are not distinct. */
  async evaluate(X: Uint8Array | Rr22Items): Promise<Uint8Array> {
    const { r, u } = await this.#evaluate(X);
    return hashOf('mask', r).hash(u);
  }

  /** F of n >= 1 distinct items, and the second function. */
  async evaluateWithKeys(X: Uint8Array | Rr22Items): Promise<Rr22Outputs> {
    return bothFunctions(await this.#evaluate(X));
  }

  #evaluate(X: Uint8Array | Rr22Items): Promise<Evaluation> {
    const items = X instanceof Rr22Items ? X : new Rr22Items(X, this.#kernel, this.#rng);
    return this.#turn.take(async () => {
      const correlation = this.#correlations.take(items.parameters.slots);
      correlation.catch(() => {}); // seen below, unless the encoding fails first
      const { r, rows, P } = await items.encoding();

      await this.#ch.send(Rr22Seed, { seed: r });

      const { a: A, c } = await correlation;
      const [, u] = await Promise.all([this.#sendCorrection(A, P), decodeItems(rows, c)]);
      this.#correlations.begin();
      return { r, u };
    });
  }

  async #sendCorrection(A: Uint8Array, P: readonly Uint8Array[]): Promise<void> {
    let at = 0;
    for (const bin of P) {
      const slots = A.subarray(at, at + bin.length);
      xorInto(slots, bin); // A' = A + P
      at += bin.length;
      await this.#ch.send(Rr22Correction, { slots });
    }
  }
}

/**
 * A receiver's items for several evaluations, each with a sender of its own: they are encoded once. Every
 * sender gets P under the A of its own correlation, and the same seed r.
 */
export class Rr22Items {
  readonly parameters: OkvsParameters;
  readonly #encode: () => Promise<Encoding>;
  #encoding: Promise<Encoding> | undefined;

  /** n >= 1 distinct items, n x 16, which must not change while they are evaluated. */
  constructor(X: Uint8Array, kernel: OkvsKernel, rng: Rng) {
    const parameters = okvsParameters(checkCount('X', countItems(X)));
    this.parameters = parameters;
    this.#encode = () => encodeItems(X, parameters, kernel, rng);
  }

  /** Made when it is first asked for: while the first correlation is under way. */
  encoding(): Promise<Encoding> {
    this.#encoding ??= this.#encode();
    return this.#encoding;
  }
}

/** The sending role. Owns a fork of the channel; one call at a time, in the receiver's order. */
export class Rr22Sender {
  readonly #ch: Channel;
  readonly #vole: VoleSender;
  readonly #correlations: Advance<Uint8Array>;
  readonly #forecast: Forecast | undefined;
  readonly #kernel: OkvsKernel;
  readonly #turn = new Turn();

  private constructor(
    ch: Channel,
    vole: VoleSender,
    kernel: OkvsKernel,
    forecast: Forecast | undefined,
  ) {
    this.#ch = ch;
    this.#vole = vole;
    this.#correlations = new Advance((k) => vole.extend(k), forecast);
    this.#forecast = forecast;
    this.#kernel = kernel;
  }

  /** Runs with `Rr22Receiver.setup`; channel, `rng` and errors as there. */
  static async setup(
    channel: Channel,
    rng: Rng,
    { vole = silentVole, budget, forecast, okvs = loadWasmOkvsKernel(budget) }: Rr22Options = {},
  ): Promise<Rr22Sender> {
    const ch = channel.fork('rr22');

    await ch.send(Rr22SenderHello, {});

    await ch.receive(Rr22ReceiverHello);
    const ends = await vole.sender(ch, rng, { budget });
    return new Rr22Sender(ch, ends, okvs, forecast);
  }

  /** F of each of Y (n x 16, n >= 1), while the receiver evaluates `nX` items. Returns n x 16. */
  async evaluate(Y: Uint8Array, nX: number): Promise<Uint8Array> {
    const { r, u } = await this.#evaluate(Y, nX);
    return hashOf('mask', r).hash(u);
  }

  /** F of each of Y, and the second function. */
  async evaluateWithKeys(Y: Uint8Array, nX: number): Promise<Rr22Outputs> {
    return bothFunctions(await this.#evaluate(Y, nX));
  }

  #evaluate(Y: Uint8Array, nX: number): Promise<Evaluation> {
    checkCount('Y', countItems(Y));
    const parameters = okvsParameters(checkCount('nX', nX));
    if (this.#forecast && nX > this.#forecast.items) {
      throw malformed(`expected at most ${this.#forecast.items} items, got ${nX}`);
    }
    return this.#turn.take(async () => {
      const [B, { r, rows }] = await Promise.all([
        this.#correlations.take(parameters.slots),
        this.#receiveSeed(Y, parameters),
      ]);

      const decoder = new OkvsDecoder(rows);
      const width = binSlots(parameters) * BLOCK_BYTES;
      for (let at = 0; at < parameters.slots * BLOCK_BYTES; at += width) {
        const { slots } = await this.#ch.receive(Rr22Correction);
        checkLength(slots, width);
        const bin = B.subarray(at, at + width);
        this.#vole.multiplyAdd(bin, slots); // B' = B + Delta A'
        decoder.add(bin);
      }

      const u = decoder.finish();
      this.#vole.multiplyAdd(u, hashOf('value', r).hash(Y)); // + Delta H1(y)
      this.#correlations.begin();
      return { r, u };
    });
  }

  /** The rows of Y as soon as r is there: while the correlation is under way. */
  async #receiveSeed(
    Y: Uint8Array,
    parameters: OkvsParameters,
  ): Promise<{ r: Uint8Array; rows: OkvsRows }> {
    const r = decodeSeed(await this.#ch.receive(Rr22Seed));
    return { r, rows: rowsOf(Y, r, parameters, this.#kernel) };
  }
}

/** What an evaluation ends with: its seed, and the blocks that its hashes are taken of; n x 16. */
interface Evaluation {
  readonly r: Uint8Array;
  readonly u: Uint8Array;
}

/** A store of the receiver's items; P is one array a bin. */
interface Encoding {
  readonly r: Uint8Array;
  readonly rows: OkvsRows;
  readonly P: Uint8Array[];
}

/** R: P with Decode(P, x) = H1(x), under the first fresh seed that has one. Nothing is sent before. */
function encodeItems(
  X: Uint8Array,
  parameters: OkvsParameters,
  kernel: OkvsKernel,
  rng: Rng,
): Promise<Encoding> {
  return underFreshSeed(async (r) => {
    await setImmediate(); // what the correlation sends leaves before rows keep this thread
    const rows = rowsOf(X, r, parameters, kernel);
    const P: Uint8Array[] = [];
    for (const bin of encodeBins(rows, hashOf('value', r).hash(X), 'zero')) {
      P.push(bin);
      await setImmediate(); // nor does a bin keep its messages waiting
    }
    return { r, rows, P };
  }, rng);
}

/** R: Decode(C, x) for the rows' items; n x 16. */
async function decodeItems(rows: OkvsRows, c: VoleVectors['c']): Promise<Uint8Array> {
  await setImmediate(); // the first corrections leave before this thread is busy
  const C = await c();
  const decoder = new OkvsDecoder(rows);
  const { slots } = rows.parameters;
  const width = binSlots(rows.parameters) * BLOCK_BYTES;
  for (let at = 0; at < slots * BLOCK_BYTES; at += width) {
    await setImmediate(); // the others leave meanwhile
    decoder.add(C.subarray(at, at + width));
  }
  return decoder.finish();
}

function bothFunctions({ r, u }: Evaluation): Rr22Outputs {
  return { masks: hashOf('mask', r).hash(u), keys: hashOf('key', r).hash(u) };
}

/**
 * The hash of one purpose in the evaluation of seed r. Its key is public and drawn when all items are
 * fixed; another purpose or evaluation has another, hence an independent permutation.
 */
function hashOf(purpose: 'value' | 'mask' | 'key', r: Uint8Array): FixedKeyHash {
  const digest = createHash('sha256').update(`entente/rr22/v1 ${purpose}:`).update(r).digest();
  return new FixedKeyHash(digest.subarray(0, BLOCK_BYTES));
}

/** A number of items that can be evaluated; `okvsParameters` refuses what is no integer. */
function checkCount(name: string, n: number): number {
  if (n >= 1 && n <= MAX_EVALUATED) return n;
  throw new RangeError(`"${name}" expected 1 to ${MAX_EVALUATED} items, got ${n}`);
}

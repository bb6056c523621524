/**
 * Silent vector OLE over F = GF(2^128), [BCGI18] "Compressing Vector OLE". Boyle, Couteau, Gilboa, Ishai.
 * https://eprint.iacr.org/2019/273, Figure 3 over the punctured trees of [BCG+19], with the code of [RRT23].
 *
 * Functionality: C = B + Delta A, any number of calls after one setup.
 *   Receiver in: -   out: A, C in F^k
 *   Sender   in: -   out: B in F^k, Delta
 *
 * Security: semi-honest, one corruption. A is pseudorandom to the sender if sparse regular noise under the
 *           dual of an expand-convolute code is (parameters.ts says how t is chosen); Delta and B to the
 *           receiver by the base OTs, AES-CTR as PRG, H correlation robust, AES as ideal cipher in the trees.
 *           Delta is one for all calls, and is also the correlation of the OT extension: streams and hash
 *           keys are apart. Noise, roots, tree keys and the code's seed are fresh in every call. The receiver
 *           draws the seed, for it is its noise that the code hides: no attack prepared for one code helps.
 * Leaks:    k, which is public.
 * Cost:     setup: one base OT setup, 1 round each way, and S->R 16 bytes for the extension.
 *           call (t, d, n of parameters.ts): R->S 128 * 16 t + 16 + 128 t d / 8 bytes in 2 messages, S->R
 *           2 * 16 t d + 16 t + 16 bytes in 2 messages: one round each way. 2 n AES blocks, and 2 n rows of
 *           accumulation and k of expansion, which the receiver does for two vectors at a time.
 * Memory:   kernel 16 n bytes (sender), 16 (2 n - k) bytes (receiver), kept between calls, and 2 MiB; results
 *           16 k (sender), 32 k (receiver). For k = 2.9 million 93 + 46 and 140 + 93 MB.
 *
 * Names: as in parameters.ts; y values of the noise e, a = b + y Delta; b' all leaves, c' all leaves of the
 * receiver with c' = b' + Delta e; G the code.
 */

import { VoleNoise, VoleTrees } from '../../../proto/gen/vole.ts';
import type { ExpandConvoluteKernel } from '../../kernels/expand-convolute-kernel.ts';
import { loadWasmExpandConvoluteKernel } from '../../kernels/expand-convolute-kernel.wasm.ts';
import type { Gf128Multiplier } from '../../kernels/gf128-kernel.ts';
import { loadWasmGf128Kernel } from '../../kernels/gf128-kernel.wasm.ts';
import type { Channel } from '../channel.ts';
import { baseOtReceiver, baseOtSender, type KeyPairs } from '../ot/base-ot.ts';
import { OtReceiver, OtSender } from '../ot/ot-extension.ts';
import { Turn } from '../ot/turn.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength } from '../primitives/words.ts';
import { KAPPA } from '../security.ts';
import { addInto, element } from './elements.ts';
import { accumulateTwice, EXPAND_ROWS, expandRows } from './expand-convolute.ts';
import { correctionBytes, NoiseReceiver, NoiseSender } from './noise-vole.ts';
import { type VoleParameters, voleParameters } from './parameters.ts';
import { growPuncturedTrees, growTrees } from './punctured-prf.ts';
import { type NoiseElement, placeNoise, treeSums } from './sparse-noise.ts';
import {
  ELEMENT_BYTES,
  type VoleOptions,
  type VoleReceiver,
  type VoleSender,
  type VoleSource,
  type VoleVectors,
} from './vole.ts';

interface SilentReceiverOptions extends VoleOptions {
  /** Others may use it too: between two turns of the event loop a receiver leaves nothing in it. */
  readonly kernel?: ExpandConvoluteKernel;
}

export class SilentVoleReceiver implements VoleReceiver {
  readonly #ch: Channel;
  readonly #ot: OtReceiver;
  readonly #noise: NoiseReceiver;
  readonly #kernel: ExpandConvoluteKernel;
  readonly #rng: Rng;
  readonly #turn = new Turn();

  private constructor(
    ch: Channel,
    ot: OtReceiver,
    noise: NoiseReceiver,
    kernel: ExpandConvoluteKernel,
    rng: Rng,
  ) {
    this.#ch = ch;
    this.#ot = ot;
    this.#noise = noise;
    this.#kernel = kernel;
    this.#rng = rng;
  }

  /** Runs with `SilentVoleSender.setup`. A channel carries one VOLE: give others a fork. */
  static async setup(
    channel: Channel,
    rng: Rng,
    options: SilentReceiverOptions = {},
  ): Promise<SilentVoleReceiver> {
    const ch = channel.fork('vole');
    const keys = await baseOtSender(ch, KAPPA, rng);
    return SilentVoleReceiver.#start(ch, keys, rng, options);
  }

  /** Runs with `SilentVoleSender.over`, on the key pairs of those base OTs: 128 x 16 bytes each. */
  static over(
    channel: Channel,
    keys: KeyPairs,
    rng: Rng,
    options: SilentReceiverOptions = {},
  ): Promise<SilentVoleReceiver> {
    return SilentVoleReceiver.#start(channel.fork('vole'), keys, rng, options);
  }

  static async #start(
    ch: Channel,
    keys: KeyPairs,
    rng: Rng,
    { budget, kernel = loadWasmExpandConvoluteKernel(budget) }: SilentReceiverOptions,
  ): Promise<SilentVoleReceiver> {
    const ot = await OtReceiver.over(ch, keys);
    return new SilentVoleReceiver(ch, ot, new NoiseReceiver(keys), kernel, rng);
  }

  async extend(k: number): Promise<VoleVectors> {
    const parameters = voleParameters(k);
    return this.#turn.take(() => this.#extend(k, parameters));
  }

  async #extend(k: number, parameters: VoleParameters): Promise<VoleVectors> {
    const { t, d, n } = parameters;
    const seed = this.#rng(SEED_BYTES);
    const y = this.#rng(t * ELEMENT_BYTES);
    const { a, u } = this.#noise.multiply(y);
    await this.#ch.send(VoleNoise, { seed, u });

    const choices = this.#rng((t * d) / 8);
    const known = await this.#ot.choose(choices, t * d, ELEMENT_BYTES);
    const { key, sigma } = await this.#ch.receive(VoleTrees);
    checkLength(key, SEED_BYTES);
    checkLength(sigma, t * ELEMENT_BYTES);

    this.#kernel.clear();
    const x = this.#kernel.allocate(2 * n - parameters.k); // room for pairs from k on
    const leaves = x.subarray(0, n * ELEMENT_BYTES);
    const turns = choices.map((byte) => ~byte); // the sum of the side that the path does not take
    const trees = growPuncturedTrees(this.#kernel, leaves, { t, d }, key, turns, known);
    const noise = placeNoise(leaves, trees, sigma, a, y); // leaves are c' now
    return this.#compress(x, parameters, seed, noise, k);
  }

  /** C = G c' and A = G e. x: c', with room for n - k elements more. */
  #compress(
    x: Uint8Array,
    { k, n }: VoleParameters,
    seed: Uint8Array,
    noise: readonly NoiseElement[],
    count: number,
  ): VoleVectors {
    const folded = x.subarray(k * ELEMENT_BYTES, (2 * n - k) * ELEMENT_BYTES);
    this.#kernel.spread(folded); // pairs of c' and e
    for (const { position, value } of noise) {
      if (position >= k) element(folded, 2 * (position - k) + 1).set(value);
    }
    accumulateTwice(this.#kernel, seed, folded, 2);

    const a = new Uint8Array(count * ELEMENT_BYTES);
    const scratch = this.#kernel.allocate(EXPAND_ROWS);
    for (const { from, rows, indices } of expandRows(seed, count)) {
      const c = x.subarray(from * ELEMENT_BYTES, (from + rows) * ELEMENT_BYTES);
      const sums = scratch.subarray(0, rows * ELEMENT_BYTES).fill(0);
      this.#kernel.expand(folded, indices, [c, sums]);
      a.set(sums, from * ELEMENT_BYTES);
    }
    for (const { position, value } of noise) {
      if (position < count) addInto(element(a, position), value);
    }
    return { a, c: x.slice(0, count * ELEMENT_BYTES) };
  }
}

export class SilentVoleSender implements VoleSender {
  readonly #ch: Channel;
  readonly #ot: OtSender;
  readonly #noise: NoiseSender;
  readonly #delta: Gf128Multiplier;
  readonly #kernel: ExpandConvoluteKernel;
  readonly #rng: Rng;
  readonly #turn = new Turn();

  private constructor(
    ch: Channel,
    ot: OtSender,
    noise: NoiseSender,
    delta: Gf128Multiplier,
    kernel: ExpandConvoluteKernel,
    rng: Rng,
  ) {
    this.#ch = ch;
    this.#ot = ot;
    this.#noise = noise;
    this.#delta = delta;
    this.#kernel = kernel;
    this.#rng = rng;
  }

  /** Runs with `SilentVoleReceiver.setup`. */
  static async setup(
    channel: Channel,
    rng: Rng,
    options: VoleOptions = {},
  ): Promise<SilentVoleSender> {
    const ch = channel.fork('vole');
    const delta = rng(KAPPA / 8);
    const keys = await baseOtReceiver(ch, delta, KAPPA, rng);
    return SilentVoleSender.#start(ch, delta, keys, rng, options);
  }

  /**
   * Runs with `SilentVoleReceiver.over`, on base OTs that were run before, for this alone, with the bits of
   * delta as choices. delta: 16 uniform bytes. keys: 128 x 16 bytes, row j is k_j^Delta_j.
   */
  static over(
    channel: Channel,
    delta: Uint8Array,
    keys: Uint8Array,
    rng: Rng,
    options: VoleOptions = {},
  ): Promise<SilentVoleSender> {
    return SilentVoleSender.#start(channel.fork('vole'), delta, keys, rng, options);
  }

  static async #start(
    ch: Channel,
    delta: Uint8Array,
    keys: Uint8Array,
    rng: Rng,
    { budget }: VoleOptions,
  ): Promise<SilentVoleSender> {
    const ot = await OtSender.over(ch, delta, keys, rng);
    const noise = new NoiseSender(delta, keys);
    const multiplier = loadWasmGf128Kernel(budget).multiplier(delta);
    const kernel = loadWasmExpandConvoluteKernel(budget);
    return new SilentVoleSender(ch, ot, noise, multiplier, kernel, rng);
  }

  multiplyAdd(dst: Uint8Array, src: Uint8Array): void {
    this.#delta.multiplyAdd(dst, src);
  }

  async extend(k: number): Promise<Uint8Array> {
    const parameters = voleParameters(k);
    return this.#turn.take(() => this.#extend(k, parameters));
  }

  async #extend(count: number, { k, t, d, n }: VoleParameters): Promise<Uint8Array> {
    this.#kernel.clear();
    const x = this.#kernel.allocate(n);
    const key = this.#rng(SEED_BYTES);
    x.set(this.#rng(t * ELEMENT_BYTES)); // roots
    const sums = growTrees(this.#kernel, x, { t, d }, key); // before the receiver's message is there

    const { seed, u } = await this.#ch.receive(VoleNoise);
    checkLength(seed, SEED_BYTES);
    checkLength(u, correctionBytes(t));
    const b = this.#noise.multiply(u, t);

    await this.#ot.transfer(sums.k0, sums.k1, ELEMENT_BYTES);
    await this.#ch.send(VoleTrees, { key, sigma: treeSums(sums, b, { t, d }) });

    const folded = x.subarray(k * ELEMENT_BYTES);
    accumulateTwice(this.#kernel, seed, folded, 1);
    for (const { from, rows, indices } of expandRows(seed, count)) {
      const B = x.subarray(from * ELEMENT_BYTES, (from + rows) * ELEMENT_BYTES);
      this.#kernel.expand(folded, indices, [B]);
    }
    return x.slice(0, count * ELEMENT_BYTES);
  }
}

/** Where production code takes its correlations from. */
export const silentVole: VoleSource = {
  receiver: (channel, rng, options) => SilentVoleReceiver.setup(channel, rng, options),
  sender: (channel, rng, options) => SilentVoleSender.setup(channel, rng, options),
};

/** As `silentVole`, for a party with several peers: its receivers share the memory of one kernel. */
export function frugalSilentVole(): VoleSource {
  let kernel: ExpandConvoluteKernel | undefined;
  return {
    ...silentVole,
    receiver: (channel, rng, options) => {
      kernel ??= loadWasmExpandConvoluteKernel(options?.budget);
      return SilentVoleReceiver.setup(channel, rng, { ...options, kernel });
    },
  };
}

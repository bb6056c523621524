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
 *           2 * 16 t d + 16 t + 16 bytes in 2 messages: one round each way. 2 n AES blocks, and 2 (n - k) rows
 *           of accumulation and k of expansion, which the receiver does once for A, while it waits, and once
 *           for C.
 * Memory:   kernel 16 n bytes, kept between calls, and 2 MiB; results 16 k (sender), 32 k (receiver). For
 *           k = 2.9 million 93 + 46 and 93 + 93 MB.
 *
 * Names: as in parameters.ts; y values of the noise e, a = b + y Delta; b' all leaves, c' all leaves of the
 * receiver with c' = b' + Delta e; G the code.
 */

import { setImmediate } from 'node:timers/promises';
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
import { element } from './elements.ts';
import { encode } from './expand-convolute.ts';
import { correctionBytes, NoiseReceiver, NoiseSender } from './noise-vole.ts';
import { type VoleParameters, voleParameters } from './parameters.ts';
import { growPuncturedTrees, growTrees, pathsOf } from './punctured-prf.ts';
import { placeNoise, sparseNoise, treeSums } from './sparse-noise.ts';
import {
  ELEMENT_BYTES,
  type VoleOptions,
  type VoleReceiver,
  type VoleSender,
  type VoleSource,
  type VoleVectors,
} from './vole.ts';

/** A kernel whose memory several receivers of one party use in turn. */
class KernelTurns {
  readonly #kernel: ExpandConvoluteKernel;
  #last: Promise<unknown> = Promise.resolve();

  constructor(budget: VoleOptions['budget']) {
    this.#kernel = loadWasmExpandConvoluteKernel(budget);
  }

  /** Runs `work` when all work before has ended. It finds the memory empty, and waits for no peer. */
  async take<T>(work: (kernel: ExpandConvoluteKernel) => Promise<T>): Promise<T> {
    const before = this.#last;
    const run = before.then(() => {
      this.#kernel.clear();
      return work(this.#kernel);
    });
    this.#last = run.catch(() => {}); // its caller sees that
    return run;
  }
}

interface SilentReceiverOptions extends VoleOptions {
  /** Others may use it too. */
  readonly kernel?: KernelTurns;
}

/** What a call of the receiver keeps until C is asked for. */
interface OpenCall {
  readonly count: number;
  readonly parameters: VoleParameters;
  readonly seed: Uint8Array;
  /** Packed bits of the paths, level by level. */
  readonly turns: Uint8Array;
  /** Of the children on the other sides, level by level. */
  readonly sums: Promise<Uint8Array>;
  readonly a: Uint8Array;
  /** A of the caller. */
  readonly vector: Uint8Array;
}

export class SilentVoleReceiver implements VoleReceiver {
  readonly #ch: Channel;
  readonly #ot: OtReceiver;
  readonly #noise: NoiseReceiver;
  readonly #kernel: KernelTurns;
  readonly #rng: Rng;
  readonly #turn = new Turn();
  #isOpen = false;

  private constructor(
    ch: Channel,
    ot: OtReceiver,
    noise: NoiseReceiver,
    kernel: KernelTurns,
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
    { budget, kernel = new KernelTurns(budget) }: SilentReceiverOptions,
  ): Promise<SilentVoleReceiver> {
    const ot = await OtReceiver.over(ch, keys);
    return new SilentVoleReceiver(ch, ot, new NoiseReceiver(keys), kernel, rng);
  }

  async extend(k: number): Promise<VoleVectors> {
    const parameters = voleParameters(k);
    if (this.#isOpen) throw new TypeError('ask for C of the call before first');
    const call = await this.#turn.take(() => this.#open(k, parameters));
    this.#isOpen = true;
    return {
      a: call.vector,
      c: () => {
        this.#isOpen = false;
        return this.#turn.take(() => this.#close(call));
      },
    };
  }

  /** All that the receiver sends, and A, which depends on its noise alone. */
  async #open(count: number, parameters: VoleParameters): Promise<OpenCall> {
    const { k, t, d, n } = parameters;
    const seed = this.#rng(SEED_BYTES);
    const y = this.#rng(t * ELEMENT_BYTES);
    const { a, u } = this.#noise.multiply(y);
    await this.#ch.send(VoleNoise, { seed, u });

    const choices = this.#rng((t * d) / 8);
    const sums = this.#ot.choose(choices, t * d, ELEMENT_BYTES);
    sums.catch(() => {}); // seen when C is asked for
    const turns = choices.map((byte) => ~byte); // the sum of the side that the path does not take
    const noise = sparseNoise(pathsOf(turns, { t, d }), y);
    const vector = await this.#kernel.take((kernel) => {
      const x = kernel.allocate(n).fill(0);
      for (const { position, value } of noise) element(x, position).set(value);
      return encode(kernel, seed, x, k, count);
    });
    return { count, parameters, seed, turns, sums, a, vector };
  }

  async #close({ count, parameters, seed, turns, sums, a }: OpenCall): Promise<Uint8Array> {
    const { k, t, d, n } = parameters;
    const known = await sums;
    const { key, sigma } = await this.#ch.receive(VoleTrees);
    checkLength(key, SEED_BYTES);
    checkLength(sigma, t * ELEMENT_BYTES);

    return this.#kernel.take((kernel) => {
      const x = kernel.allocate(n);
      const trees = growPuncturedTrees(kernel, x, { t, d }, key, turns, known);
      placeNoise(x, trees, sigma, a); // x is c' now
      return encode(kernel, seed, x, k, count);
    });
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
    await setImmediate(); // what its caller sends leaves before trees keep this thread
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

    return encode(this.#kernel, seed, x, k, count);
  }
}

/** Where production code takes its correlations from. */
export const silentVole: VoleSource = {
  receiver: (channel, rng, options) => SilentVoleReceiver.setup(channel, rng, options),
  sender: (channel, rng, options) => SilentVoleSender.setup(channel, rng, options),
};

/** As `silentVole`, for a party with several peers: its receivers share the memory of one kernel. */
export function frugalSilentVole(): VoleSource {
  let kernel: KernelTurns | undefined;
  return {
    ...silentVole,
    receiver: (channel, rng, options) => {
      kernel ??= new KernelTurns(options?.budget);
      return SilentVoleReceiver.setup(channel, rng, { ...options, kernel });
    },
  };
}

import { inspect } from 'node:util';
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import { LowOrderPointError } from '../../kernels/curve25519-kernel.ts';
import { ProtocolError } from '../errors.ts';
import { malformed } from './malformed.ts';

/**
 * The secret scalar of one run, and all that is done with it.
 *
 * A run works on several streams at once, and one of them may fail while others still wait for the
 * peer. `destroy` therefore ends the key instead of merely overwriting it: a stream that wakes up
 * later throws `CLOSED`, where a zeroed scalar would mask under a key that the peer knows.
 */
export class MaskingKey {
  readonly #engine: CurveEngine;
  readonly #scalar: Uint8Array;
  #isDestroyed = false;

  /** Takes `scalar` over: 32 fresh uniform bytes. */
  constructor(engine: CurveEngine, scalar: Uint8Array) {
    this.#engine = engine;
    this.#scalar = scalar;
  }

  /** Batches that keep the engine busy while another one is sent or awaited. */
  get depth(): number {
    return this.#engine.parallelism + 1;
  }

  /** a H(x) for items x. items: n x 16; returns n x 32. */
  maskItems(items: Uint8Array): Promise<Uint8Array> {
    return this.#run(() => this.#engine.hashToCurveAndMultiply(items, this.#scalar));
  }

  /** a P for the peer's points P. points: n x 32; returns n x 32, none of them zero. */
  maskPoints(points: Uint8Array): Promise<Uint8Array> {
    return this.#run(() => this.#engine.multiply(points, this.#scalar));
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#scalar.fill(0);
  }

  async #run(work: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (this.#isDestroyed) throw new ProtocolError('CLOSED', 'the run has ended');
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof LowOrderPointError)) throw cause;
      throw malformed('a point has low order', { cause });
    }
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

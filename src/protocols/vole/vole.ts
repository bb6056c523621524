/**
 * Vector oblivious linear evaluation over F = GF(2^128) as its users see it: vectors with
 * C = B + Delta A, where one party holds A and C, the other one B and Delta. Elements are 16 bytes,
 * little-endian: bit i & 7 of byte i >> 3 is the coefficient of z^i, modulo z^128 + z^7 + z^2 + z + 1.
 */
import type { MemoryBudget } from '../../kernels/wasm-memory.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';

export const ELEMENT_BYTES = 16;

/** The receiver's vectors, k x 16 bytes each, fresh arrays. A is pseudorandom to the sender. */
export interface VoleVectors {
  /** There before the sender has answered: what it masks can leave at once. */
  readonly a: Uint8Array;
  /** Works out C. Asked for once, and before the next call of `extend`. */
  readonly c: () => Promise<Uint8Array>;
}

/** The party that learns A and C. One call at a time, in step with the sender. */
export interface VoleReceiver {
  extend(k: number): Promise<VoleVectors>;
}

/** The party that holds Delta. One call at a time, in step with the receiver. */
export interface VoleSender {
  /** Returns B: k x 16 bytes, a fresh array. */
  extend(k: number): Promise<Uint8Array>;
  /**
   * dst_i += Delta src_i, in place, for whole elements. All that is ever done with Delta, which is one
   * for all calls of `extend`. dst, src: as many bytes, not overlapping.
   */
  multiplyAdd(dst: Uint8Array, src: Uint8Array): void;
}

export interface VoleOptions {
  /** Pays for the memory that the vectors grow in; the vectors that are handed out are not counted. */
  readonly budget?: MemoryBudget | undefined;
}

/** Sets up one end over a channel, on a fork of its own. Both ends in step. */
export type SetUpVole<End> = (channel: Channel, rng: Rng, options?: VoleOptions) => Promise<End>;

/** Where a protocol takes its VOLE from. */
export interface VoleSource {
  readonly receiver: SetUpVole<VoleReceiver>;
  readonly sender: SetUpVole<VoleSender>;
}

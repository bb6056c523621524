import { SLICE_POINTS } from './curve25519-engine.ts';
import { POINT_BYTES, SCALAR_BYTES } from './curve25519-kernel.ts';

/** Memory that one thread of the pool shares with its owner: one slice of work at a time. */
export interface Slot {
  readonly memory: SharedArrayBuffer;
  /** The scalar never travels in a message, whose copies could not be wiped. */
  readonly scalar: Uint8Array;
  /** The digests or points of a slice. */
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

/** What the owner posts: `count` rows lie in `input`. */
export interface SliceTask {
  readonly operation: 'hashToCurveAndMultiply' | 'multiply';
  readonly count: number;
}

/** What the thread answers: the products lie in `output`, or the row of this index has low order. */
export type SliceAnswer = 'done' | { readonly lowOrder: number };

export const SLOT_BYTES: number = SCALAR_BYTES + 2 * SLICE_POINTS * POINT_BYTES;

export function slotOf(memory: SharedArrayBuffer): Slot {
  const rows = SLICE_POINTS * POINT_BYTES;
  return {
    memory,
    scalar: new Uint8Array(memory, 0, SCALAR_BYTES),
    input: new Uint8Array(memory, SCALAR_BYTES, rows),
    output: new Uint8Array(memory, SCALAR_BYTES + rows, rows),
  };
}

/**
 * Additive shares of Z_2^64 vectors between two parties: x = x0 + x1 mod 2^64, element by element.
 * A signed value v stands for v mod 2^64. Local: for a dealer, for sharing one's own input, for tests.
 * Protected values of a run are opened by open.ts only.
 */
import type { Rng } from '../primitives/rng.ts';
import { WORD_BYTES } from '../primitives/words.ts';

/** Splits x into a uniform vector and the rest; either alone is independent of x. */
export function share(x: BigUint64Array, rng: Rng): [x0: BigUint64Array, x1: BigUint64Array] {
  const x0 = new BigUint64Array(new Uint8Array(rng(x.length * WORD_BYTES)).buffer);
  const x1 = new BigUint64Array(x.length);
  for (let i = 0; i < x.length; i++) x1[i] = x[i]! - x0[i]!;
  return [x0, x1];
}

/** x0 + x1 mod 2^64. Returns a fresh vector. */
export function reconstruct(x0: BigUint64Array, x1: BigUint64Array): BigUint64Array {
  if (x0.length !== x1.length) {
    throw new RangeError(`shares expected one length, got ${x0.length} and ${x1.length}`);
  }
  const x = new BigUint64Array(x0.length);
  for (let i = 0; i < x.length; i++) x[i] = x0[i]! + x1[i]!;
  return x;
}

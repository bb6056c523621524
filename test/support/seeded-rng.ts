import { Prg } from '../../src/protocols/primitives/prg.ts';
import type { Rng } from '../../src/protocols/primitives/rng.ts';

/** A generator that replays: the same seed gives the same run. For tests only. */
export function seededRng(seed: string | number): Rng {
  const prg = new Prg(new TextEncoder().encode(`${seed}`.padStart(16, '0')), 'test');
  return (length) => prg.next(length);
}

/** n uniform words. */
export function randomWords(n: number, rng: Rng): BigUint64Array {
  return new BigUint64Array(new Uint8Array(rng(8 * n)).buffer);
}

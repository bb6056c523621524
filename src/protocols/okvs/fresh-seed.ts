import { ProtocolError } from '../errors.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength } from '../primitives/words.ts';
import { OkvsFailure } from './failure.ts';
import { SEED_BYTES } from './rows.ts';

/** Seeds tried before an encoding is given up; distinct items fail with probability 2^-40 each time. */
const MAX_SEEDS = 4;

/**
 * What `encode` makes of the first fresh seed that does not fail. Items are fixed by now: a seed that is
 * known before them may fail or succeed by the choice of items. Nothing of an encoding may leave before
 * it is complete.
 */
export async function underFreshSeed<T>(
  encode: (seed: Uint8Array) => Promise<T>,
  rng: Rng,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await encode(rng(SEED_BYTES));
    } catch (cause) {
      if (!(cause instanceof OkvsFailure)) throw cause;
      if (tries === MAX_SEEDS) {
        throw new RangeError(`items expected to be distinct: ${tries} seeds failed`, { cause });
      }
    }
  }
}

/** The seed of a peer's store. Zero is what a buffer holds that was never filled. */
export function decodeSeed({ seed }: { readonly seed: Uint8Array }): Uint8Array {
  checkLength(seed, SEED_BYTES);
  if (seed.every((byte) => byte === 0)) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'the seed is zero');
  }
  return seed;
}

import { createCipheriv } from 'node:crypto';
import type { OprfReceiver, OprfSender } from '../../src/protocols/psi/opprf.ts';
import { seededRng } from './seeded-rng.ts';

/**
 * The ideal functionality: both ends of one OPRF, which say nothing to each other. Evaluation k of
 * either end is of function k of the seed.
 */
export function idealOprf(seed: string): {
  readonly receiver: OprfReceiver;
  readonly sender: OprfSender;
} {
  let [received, sent] = [0, 0];
  return {
    receiver: { evaluate: async (X) => idealFunction(seed, received++, X) },
    sender: { evaluate: async (Y) => idealFunction(seed, sent++, Y) },
  };
}

/** Function `call` of the seed at n x 16 bytes of items: AES under a key of its own. */
export function idealFunction(seed: string, call: number, items: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-128-ecb', seededRng(`${seed} ${call}`)(16), null);
  return new Uint8Array(cipher.setAutoPadding(false).update(items));
}

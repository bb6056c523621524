import { randomBytes } from 'node:crypto';

/**
 * Source of uniform bytes: returns a fresh array of `length` bytes that the caller owns.
 * Always the last argument of whatever uses it, so that tests can replay a run.
 */
export type Rng = (length: number) => Uint8Array;

/** The operating system's generator. The only default that production code passes. */
export const systemRng: Rng = (length) => {
  const bytes = randomBytes(length);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};

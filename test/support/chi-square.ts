import { ok } from 'node:assert/strict';

/** Six standard deviations above the mean of chi-square with 255 degrees of freedom. */
const LIMIT = 255 + 6 * Math.sqrt(2 * 255);

/** Pearson's statistic of the byte values against the uniform distribution. */
export function byteChiSquare(bytes: Uint8Array): number {
  const counts = new Float64Array(256);
  for (const byte of bytes) counts[byte]! += 1;
  const expected = bytes.length / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Asserts that the bytes look uniform; needs some thousand bytes to be able to fail. */
export function looksUniform(bytes: Uint8Array, what: string): void {
  ok(bytes.length >= 5 * 256, `${what}: ${bytes.length} bytes are too few to judge`);
  const statistic = byteChiSquare(bytes);
  ok(statistic < LIMIT, `${what}: chi-square ${statistic.toFixed(0)} is above ${LIMIT.toFixed(0)}`);
}

/** Asserts that the bytes are visibly not uniform: the control that shows the test can fail. */
export function looksBiased(bytes: Uint8Array, what: string): void {
  const statistic = byteChiSquare(bytes);
  ok(statistic >= LIMIT, `${what}: chi-square ${statistic.toFixed(0)} looks uniform`);
}

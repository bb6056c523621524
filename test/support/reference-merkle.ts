/** The definitions of RFC 9162 §2.1 on all leaves at once, as they stand there. */
import { createHash } from 'node:crypto';

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** MTH(D), §2.1.1. */
export function referenceRoot(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0) return sha256();
  if (entries.length === 1) return sha256(Uint8Array.of(0), entries[0]!);
  const k = largestPowerBelow(entries.length);
  const [left, right] = [referenceRoot(entries.slice(0, k)), referenceRoot(entries.slice(k))];
  return sha256(Uint8Array.of(1), left, right);
}

/** PATH(m, D), §2.1.3.1. */
export function referencePath(m: number, entries: readonly Uint8Array[]): Uint8Array[] {
  if (entries.length === 1) return [];
  const k = largestPowerBelow(entries.length);
  const [left, right] = [entries.slice(0, k), entries.slice(k)];
  return m < k
    ? [...referencePath(m, left), referenceRoot(right)]
    : [...referencePath(m - k, right), referenceRoot(left)];
}

/** SUBPROOF(m, D, b), §2.1.4.1; PROOF(m, D) = SUBPROOF(m, D, true). */
export function referenceProof(m: number, entries: readonly Uint8Array[], b = true): Uint8Array[] {
  if (m === entries.length) return b ? [] : [referenceRoot(entries)];
  const k = largestPowerBelow(entries.length);
  const [left, right] = [entries.slice(0, k), entries.slice(k)];
  return m <= k
    ? [...referenceProof(m, left, b), referenceRoot(right)]
    : [...referenceProof(m - k, right, false), referenceRoot(left)];
}

function largestPowerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

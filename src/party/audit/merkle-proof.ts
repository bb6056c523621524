/**
 * Merkle inclusion and consistency proofs. B. Laurie, E. Messeri, R. Stradling. "Certificate
 * Transparency Version 2.0". https://www.rfc-editor.org/rfc/rfc9162, §2.1.3 and §2.1.4.
 *
 * Whoever proves has the hashes of complete subtrees; whoever verifies has nothing but the proof.
 */
import {
  completeSubtrees,
  EMPTY_ROOT,
  floorLog2,
  HASH_BYTES,
  joinSubtrees,
  nodeHash,
} from './merkle.ts';

/** Longest proof: a consistency proof of a tree of 2^53 leaves has at most this many hashes. */
export const MAX_PROOF_HASHES = 64;

/** The hash of the complete subtree of leaves [index * 2^level, (index + 1) * 2^level). */
export type SubtreeHash = (level: number, index: number) => Promise<Uint8Array>;

/** Leaves [start, end) that are one subtree of the tree. */
type Range = readonly [start: number, end: number];

/** MTH(D[0:size]). */
export async function treeRoot(size: number, hashOf: SubtreeHash): Promise<Uint8Array> {
  checkSize('size', size);
  return rangeHash([0, size], hashOf);
}

/** PATH(index, D[0:size]), §2.1.3.1. O(log size) calls of `hashOf` for each of O(log size) hashes. */
export async function inclusionProof(
  index: number,
  size: number,
  hashOf: SubtreeHash,
): Promise<readonly Uint8Array[]> {
  checkSize('size', size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`"index" expected 0..${size - 1}, got ${index}`);
  }
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const split = start + largestPowerBelow(end - start);
    if (index < split) {
      ranges.push([split, end]);
      end = split;
    } else {
      ranges.push([start, split]);
      start = split;
    }
  }
  return Promise.all(ranges.reverse().map((range) => rangeHash(range, hashOf)));
}

/** PROOF(first, D[0:second]), §2.1.4.1; empty when first is 0 or second. */
export async function consistencyProof(
  first: number,
  second: number,
  hashOf: SubtreeHash,
): Promise<readonly Uint8Array[]> {
  checkSize('second', second);
  if (!Number.isSafeInteger(first) || first < 0 || first > second) {
    throw new RangeError(`"first" expected 0..${second}, got ${first}`);
  }
  if (first === 0) return [];
  const ranges: Range[] = [];
  let [start, end] = [0, second];
  let isFirstKnown = true; // SUBPROOF's b
  while (first !== end) {
    const split = start + largestPowerBelow(end - start);
    if (first <= split) {
      ranges.push([split, end]);
      end = split;
    } else {
      ranges.push([start, split]);
      start = split;
      isFirstKnown = false;
    }
  }
  if (!isFirstKnown) ranges.push([start, end]);
  return Promise.all(ranges.reverse().map((range) => rangeHash(range, hashOf)));
}

/** Whether `proof` shows that the leaf is number `index` of the tree, §2.1.3.2. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(size) || !isSize(index) || index >= size) return false; // step 1
  if (!areHashes([leaf, root]) || !isProof(proof)) return false;
  let [fn, sn, r] = [index, size - 1, leaf]; // steps 2 and 3
  for (const p of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [halved(fn), halved(sn)];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [halved(fn), halved(sn)];
  }
  return sn === 0 && equal(r, root); // step 5
}

/** Whether `proof` shows that the second tree begins with all leaves of the first, §2.1.4.2. */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(first) || !isSize(second) || first > second) return false;
  if (!areHashes([firstRoot, secondRoot]) || !isProof(proof)) return false;
  // Not of the RFC, which wants 0 < first < second: every tree extends the empty one and itself.
  if (first === second) return proof.length === 0 && equal(firstRoot, secondRoot);
  if (first === 0) return proof.length === 0 && equal(firstRoot, EMPTY_ROOT);
  if (proof.length === 0) return false; // step 1
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof; // step 2
  let [fn, sn] = [first - 1, second - 1]; // step 3
  while (isOdd(fn)) [fn, sn] = [halved(fn), halved(sn)]; // step 4
  let [fr, sr] = [path[0]!, path[0]!]; // step 5
  for (const c of path.slice(1)) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [halved(fn), halved(sn)];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [halved(fn), halved(sn)];
  }
  return sn === 0 && equal(fr, firstRoot) && equal(sr, secondRoot); // step 7
}

async function rangeHash([start, end]: Range, hashOf: SubtreeHash): Promise<Uint8Array> {
  const subtrees = completeSubtrees(start, end);
  return joinSubtrees(await Promise.all(subtrees.map(({ level, index }) => hashOf(level, index))));
}

/** k of the RFC: the largest power of two smaller than n, n >= 2. */
function largestPowerBelow(n: number): number {
  return 2 ** floorLog2(n - 1);
}

function isOdd(n: number): boolean {
  return n % 2 === 1;
}

function halved(n: number): number {
  return Math.floor(n / 2);
}

function isPowerOfTwo(n: number): boolean {
  return 2 ** floorLog2(n) === n;
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function checkSize(name: string, size: number): void {
  if (!isSize(size)) throw new RangeError(`"${name}" expected an integer >= 0, got ${size}`);
}

function isProof(proof: readonly Uint8Array[]): boolean {
  return proof.length <= MAX_PROOF_HASHES && areHashes(proof);
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every(({ length }) => length === HASH_BYTES);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

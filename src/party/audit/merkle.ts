/**
 * Merkle tree hashing. B. Laurie, E. Messeri, R. Stradling. "Certificate Transparency Version 2.0".
 * https://www.rfc-editor.org/rfc/rfc9162, §2.1.1, with SHA-256 (the same as RFC 6962 §2.1).
 *
 * Sizes and indices are safe integers: no bit operations on them, which stop at 32 bits.
 */
import { hash } from 'node:crypto';

export const HASH_BYTES = 32;

/** MTH({}) = HASH(). */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array());

/** MTH({d}) = HASH(0x00 || d). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + entry.length);
  bytes.set(entry, 1);
  return sha256(bytes);
}

const NODE = new Uint8Array(1 + 2 * HASH_BYTES).fill(0x01, 0, 1);

/** HASH(0x01 || left || right). Both have `HASH_BYTES` bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  NODE.set(left, 1);
  NODE.set(right, 1 + HASH_BYTES);
  return sha256(NODE);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}

/** floor(log2(n)) of an integer n >= 1. `Math.log2` rounds up just below large powers. */
export function floorLog2(n: number): number {
  const high = Math.floor(n / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(n);
}

/** A complete subtree: the 2^level leaves from index * 2^level. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/**
 * The complete subtrees that leaves [start, end) fall into, largest first. `start` is a multiple of a
 * power of two >= end - start, as it is for every subtree of a tree.
 */
export function completeSubtrees(start: number, end: number): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end; ) {
    const level = floorLog2(end - at);
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** MTH of what the complete subtrees make together, largest first. */
export function joinSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return EMPTY_ROOT;
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The right edge of a growing tree: enough to append and to know the root, O(log n) hashes. */
export class Frontier {
  #size: number;
  /** Hashes of `completeSubtrees(0, size)`. */
  readonly #hashes: Uint8Array[];

  private constructor(size: number, hashes: readonly Uint8Array[]) {
    this.#size = size;
    this.#hashes = [...hashes];
  }

  static empty(): Frontier {
    return new Frontier(0, []);
  }

  /** @param hashes - of `completeSubtrees(0, size)`, `HASH_BYTES` each. */
  static of(size: number, hashes: readonly Uint8Array[]): Frontier {
    const expected = completeSubtrees(0, size).length;
    if (hashes.length !== expected) {
      throw new RangeError(
        `"hashes" expected ${expected} for ${size} leaves, got ${hashes.length}`,
      );
    }
    return new Frontier(size, hashes);
  }

  /** Leaves. */
  get size(): number {
    return this.#size;
  }

  /** @param leaf - `leafHash` of the entry. */
  append(leaf: Uint8Array): void {
    let joined = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      joined = nodeHash(this.#hashes.pop()!, joined);
    }
    this.#hashes.push(joined);
    this.#size += 1;
  }

  root(): Uint8Array {
    return joinSubtrees(this.#hashes);
  }
}

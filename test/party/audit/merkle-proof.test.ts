import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { Frontier, leafHash, nodeHash } from '../../../src/party/audit/merkle.ts';
import {
  consistencyProof,
  inclusionProof,
  MAX_PROOF_HASHES,
  type SubtreeHash,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../../src/party/audit/merkle-proof.ts';
import { referencePath, referenceProof } from '../../support/reference-merkle.ts';
import { CONSISTENCY, INCLUSION, LEAVES, ROOTS } from '../../vectors/merkle.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hexes = (hashes: readonly Uint8Array[]): string[] =>
  hashes.map((hash) => Buffer.from(hash).toString('hex'));

/** A tree whose complete subtrees are all hashed once. */
interface Tree {
  readonly entries: readonly Uint8Array[];
  readonly leaves: readonly Uint8Array[];
  /** By size. */
  readonly roots: readonly Uint8Array[];
  readonly hashOf: SubtreeHash;
  /** Subtrees asked for. */
  asked: number;
}

function tree(entries: readonly Uint8Array[]): Tree {
  const leaves = entries.map(leafHash);
  const levels = [leaves];
  for (let below = leaves; below.length > 1; ) {
    const half = Math.floor(below.length / 2);
    const row = Array.from({ length: half }, (_, i) => nodeHash(below[2 * i]!, below[2 * i + 1]!));
    levels.push(row);
    below = row;
  }
  const frontier = Frontier.empty();
  const roots = [frontier.root()];
  for (const leaf of leaves) {
    frontier.append(leaf);
    roots.push(frontier.root());
  }
  const built: Tree = {
    entries,
    leaves,
    roots,
    asked: 0,
    hashOf: async (level, index) => {
      built.asked += 1;
      const hash = levels[level]?.[index];
      ok(hash, `no complete subtree ${level}/${index}`);
      return hash;
    },
  };
  return built;
}

const published = tree(LEAVES.map(bytes));
const of64 = tree(Array.from({ length: 64 }, (_, i) => Buffer.from(`entry ${i}`)));
const of10000 = tree(Array.from({ length: 10_000 }, (_, i) => Buffer.from(`entry ${i}`)));

/** Every proof that differs from `proof` in one place: changed, dropped, repeated, swapped, added. */
function* tampered(proof: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  for (let i = 0; i < proof.length; i++) {
    const flipped = Uint8Array.from(proof[i]!);
    flipped[i % 32]! ^= 1 << (i % 8);
    yield proof.with(i, flipped);
    yield proof.toSpliced(i, 1);
    yield proof.toSpliced(i, 0, proof[i]!);
    if (i > 0) yield proof.with(i, proof[i - 1]!).with(i - 1, proof[i]!);
  }
  yield [...proof, new Uint8Array(32)];
  yield [new Uint8Array(32), ...proof];
  yield [...proof, new Uint8Array(31)];
  yield Array.from({ length: MAX_PROOF_HASHES + 1 }, () => new Uint8Array(32));
}

describe('merkle proofs', () => {
  it('match the published inclusion proofs', async () => {
    for (const { index, size, proof } of INCLUSION) {
      deepEqual(hexes(await inclusionProof(index, size, published.hashOf)), proof);
      const leaf = published.leaves[index]!;
      ok(verifyInclusion(index, size, leaf, bytes(ROOTS[size]!), proof.map(bytes)));
    }
  });

  it('match the published consistency proofs', async () => {
    for (const { first, second, proof } of CONSISTENCY) {
      deepEqual(hexes(await consistencyProof(first, second, published.hashOf)), proof);
      const [before, after] = [bytes(ROOTS[first]!), bytes(ROOTS[second]!)];
      ok(verifyConsistency(first, second, before, after, proof.map(bytes)));
    }
  });

  it('are those of the definition, and verify, for every size up to 64', async () => {
    for (let size = 1; size <= 64; size++) {
      deepEqual(await treeRoot(size, of64.hashOf), of64.roots[size]);
      const entries = of64.entries.slice(0, size);
      for (let i = 0; i < size; i++) {
        const proof = await inclusionProof(i, size, of64.hashOf);
        if (size % 8 === 5) deepEqual(hexes(proof), hexes(referencePath(i, entries)));
        ok(verifyInclusion(i, size, of64.leaves[i]!, of64.roots[size]!, proof), `${i}/${size}`);
        const before = await consistencyProof(i + 1, size, of64.hashOf);
        if (size % 8 === 5) deepEqual(hexes(before), hexes(referenceProof(i + 1, entries)));
        const [first, second] = [of64.roots[i + 1]!, of64.roots[size]!];
        ok(verifyConsistency(i + 1, size, first, second, before), `${i + 1} -> ${size}`);
      }
    }
  });

  it('verify for random sizes up to 10 000, from O(log^2 n) subtrees', async () => {
    const { leaves, roots, hashOf } = of10000;
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 1, max: 10_000 })
          .chain((size) =>
            fc.tuple(
              fc.constant(size),
              fc.integer({ min: 0, max: size - 1 }),
              fc.integer({ min: 0, max: size }),
            ),
          ),
        async ([size, index, first]) => {
          of10000.asked = 0;
          const inclusion = await inclusionProof(index, size, hashOf);
          ok(verifyInclusion(index, size, leaves[index]!, roots[size]!, inclusion));
          const consistency = await consistencyProof(first, size, hashOf);
          ok(verifyConsistency(first, size, roots[first]!, roots[size]!, consistency));
          ok(inclusion.length <= 14 && consistency.length <= 15);
          ok(of10000.asked <= 2 * 29, `${of10000.asked}`);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('do not verify with any of their hashes changed, dropped, swapped or added', async () => {
    const sizes: readonly (readonly [tree: Tree, size: number, index: number])[] = [
      ...[1, 2, 3, 5, 8, 21, 63, 64].flatMap((size) =>
        Array.from({ length: size }, (_, i) => [of64, size, i] as const),
      ),
      ...[1025, 4096, 9999].map((size) => [of10000, size, 1000] as const),
    ];
    for (const [{ leaves, roots, hashOf }, size, i] of sizes) {
      const inclusion = await inclusionProof(i, size, hashOf);
      for (const bad of tampered(inclusion)) {
        ok(!verifyInclusion(i, size, leaves[i]!, roots[size]!, bad), `${i}/${size}`);
      }
      const consistency = await consistencyProof(i, size, hashOf);
      for (const bad of tampered(consistency)) {
        ok(!verifyConsistency(i, size, roots[i]!, roots[size]!, bad), `${i} -> ${size}`);
      }
    }
  });

  it('do not verify for another leaf, place, size or root', async () => {
    const { leaves, roots, hashOf } = of64;
    for (let size = 2; size <= 64; size++) {
      const i = (size * 7) % size;
      const [leaf, root] = [leaves[i]!, roots[size]!];
      const proof = await inclusionProof(i, size, hashOf);
      ok(!verifyInclusion(i, size, leaves[(i + 1) % size]!, root, proof));
      ok(!verifyInclusion((i + 1) % size, size, leaf, root, proof));
      ok(!verifyInclusion(i, size, leaf, roots[size - 1]!, proof));
      ok(!verifyInclusion(size, size, leaf, root, proof));
      ok(!verifyInclusion(i - size, size, leaf, root, proof));
      ok(!verifyInclusion(i + 0.5, size, leaf, root, proof));
      for (let first = 1; first < size; first++) {
        const consistency = await consistencyProof(first, size, hashOf);
        const [before, after] = [roots[first]!, roots[size]!];
        ok(!verifyConsistency(first, size, roots[first - 1]!, after, consistency), 'other first');
        ok(!verifyConsistency(first, size, before, roots[size - 1]!, consistency), 'other second');
        ok(!verifyConsistency(first, size, after, before, consistency), 'swapped roots');
        ok(!verifyConsistency(size, first, after, before, consistency), 'shrunk');
      }
    }
  });

  it('of the empty tree and of no growth are empty, and bound to the roots', async () => {
    const { roots, hashOf } = of64;
    deepEqual(await consistencyProof(0, 5, hashOf), []);
    deepEqual(await consistencyProof(5, 5, hashOf), []);
    ok(verifyConsistency(0, 5, roots[0]!, roots[5]!, []));
    ok(verifyConsistency(5, 5, roots[5]!, roots[5]!, []));
    ok(!verifyConsistency(0, 5, roots[1]!, roots[5]!, []));
    ok(!verifyConsistency(5, 5, roots[4]!, roots[5]!, []));
    ok(!verifyConsistency(4, 5, roots[4]!, roots[5]!, []));
    ok(!verifyConsistency(0, 5, roots[0]!, roots[5]!, [roots[5]!]));
  });

  it('of sizes above 32 bits are right', async () => {
    // A tree of equal leaves: the hash of a complete subtree depends on its level alone.
    const levels = [leafHash(Buffer.from('same'))];
    for (let i = 1; i <= 52; i++) levels.push(nodeHash(levels[i - 1]!, levels[i - 1]!));
    const hashOf: SubtreeHash = async (level) => levels[level]!;
    for (const size of [2 ** 32 + 1, 2 ** 40 + 2 ** 33 + 7, Number.MAX_SAFE_INTEGER]) {
      const root = await treeRoot(size, hashOf);
      for (const index of [0, 2 ** 32, size - 1]) {
        const proof = await inclusionProof(index, size, hashOf);
        ok(verifyInclusion(index, size, levels[0]!, root, proof), `${index}/${size}`);
      }
      for (const first of [1, 2 ** 31 + 1, 2 ** 32, size - 1]) {
        const proof = await consistencyProof(first, size, hashOf);
        const before = await treeRoot(first, hashOf);
        ok(proof.length <= MAX_PROOF_HASHES);
        ok(verifyConsistency(first, size, before, root, proof), `${first} -> ${size}`);
      }
    }
  });

  it('refuses what has no proof', async () => {
    const { hashOf } = of64;
    for (const [index, size] of [
      [0, 0],
      [-1, 4],
      [4, 4],
      [0.5, 4],
      [0, 2 ** 53],
    ] as const) {
      await rejects(inclusionProof(index, size, hashOf), RangeError, `${index}/${size}`);
    }
    await rejects(consistencyProof(5, 4, hashOf), RangeError);
    for (const first of [-1, 0.5]) await rejects(consistencyProof(first, 4, hashOf), RangeError);
    for (const size of [-1, 0.5, 2 ** 53]) {
      await rejects(consistencyProof(0, size, hashOf), RangeError, `${size}`);
      await rejects(treeRoot(size, hashOf), RangeError, `${size}`);
    }
    equal(hexes([await treeRoot(0, hashOf)])[0], ROOTS[0]);
  });
});

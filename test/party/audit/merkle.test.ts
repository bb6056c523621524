import { deepEqual, equal, throws } from 'node:assert/strict';
import {
  completeSubtrees,
  EMPTY_ROOT,
  Frontier,
  floorLog2,
  joinSubtrees,
  leafHash,
  nodeHash,
} from '../../../src/party/audit/merkle.ts';
import { referenceRoot } from '../../support/reference-merkle.ts';
import { LEAVES, ROOTS, SUBTREES } from '../../vectors/merkle.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

describe('merkle hashing', () => {
  it('matches the published tree: leaves, nodes and the empty root', () => {
    equal(hex(EMPTY_ROOT), ROOTS[0]);
    deepEqual(
      LEAVES.map((leaf) => hex(leafHash(bytes(leaf)))),
      SUBTREES[0],
    );
    for (const [level, row] of SUBTREES.slice(1).entries()) {
      const below = SUBTREES[level]!;
      row.forEach((node, i) => {
        equal(hex(nodeHash(bytes(below[2 * i]!), bytes(below[2 * i + 1]!))), node, `${level}/${i}`);
      });
    }
  });

  it('separates leaves from nodes', () => {
    const [left, right] = [bytes(SUBTREES[0]![0]!), bytes(SUBTREES[0]![1]!)];
    const forged = Buffer.concat([left, right]);
    equal(Buffer.compare(leafHash(forged), nodeHash(left, right)) !== 0, true);
  });
});

describe('floor of the logarithm', () => {
  it('is exact up to the largest size', () => {
    for (let level = 0; level <= 52; level++) {
      equal(floorLog2(2 ** level), level, `2^${level}`);
      equal(floorLog2(2 ** (level + 1) - 1), level, `2^${level + 1} - 1`);
    }
  });
});

describe('complete subtrees', () => {
  it('are the binary digits of the size, largest first, and leave no gap', () => {
    for (const size of [1, 2, 3, 7, 8, 100, 255, 256, 70_000, 2 ** 40 + 5]) {
      let at = 0;
      for (const { level, index } of completeSubtrees(0, size)) {
        equal(index * 2 ** level, at, `${size}`);
        at += 2 ** level;
      }
      equal(at, size);
    }
    deepEqual(completeSubtrees(0, 0), []);
    deepEqual(completeSubtrees(4, 7), [
      { level: 1, index: 2 },
      { level: 0, index: 6 },
    ]);
  });
});

describe('frontier', () => {
  it('has the published roots at every size', () => {
    const frontier = Frontier.empty();
    equal(hex(frontier.root()), ROOTS[0]);
    LEAVES.forEach((leaf, i) => {
      frontier.append(leafHash(bytes(leaf)));
      equal(frontier.size, i + 1);
      equal(hex(frontier.root()), ROOTS[i + 1], `size ${i + 1}`);
    });
  });

  it('has the root of the definition for every size up to 300', () => {
    const entries = Array.from({ length: 300 }, (_, i) => Buffer.from(`entry ${i}`));
    const frontier = Frontier.empty();
    entries.forEach((entry, i) => {
      frontier.append(leafHash(entry));
      equal(hex(frontier.root()), hex(referenceRoot(entries.slice(0, i + 1))), `size ${i + 1}`);
    });
  });

  it('goes on from the hashes of its complete subtrees', () => {
    const hashes = completeSubtrees(0, 7).map(({ level, index }) =>
      bytes(SUBTREES[level]![index]!),
    );
    equal(hex(joinSubtrees(hashes)), ROOTS[7]);
    const frontier = Frontier.of(7, hashes);
    equal(hex(frontier.root()), ROOTS[7]);
    frontier.append(leafHash(bytes(LEAVES[7]!)));
    equal(hex(frontier.root()), ROOTS[8]);
    throws(() => Frontier.of(8, hashes), RangeError);
  });
});

import { deepEqual, equal, ok } from 'node:assert/strict';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import { clearMatrix } from '../../../../src/ml/vertical/linear/design.ts';
import {
  type BlockShares,
  blockProducts,
  transposedBlockProducts,
} from '../../../../src/ml/vertical/linear/products.ts';
import { share } from '../../../../src/protocols/sharing/share.ts';
import { randomWords, seededRng } from '../../../support/seeded-rng.ts';
import { both, contextPair } from '../../../support/vertical-run.ts';

const rng = seededRng('products');

/** Entries of 27 bits with sign. */
function randomEntries(length: number): Int32Array {
  const words = new Int32Array(new Uint8Array(rng(4 * length)).buffer);
  return words.map((word) => word >> 5);
}

function forward(X: Int32Array, v: BigUint64Array, n: number): bigint[] {
  const d = v.length;
  return Array.from({ length: n }, (_, i) => {
    let z = 0n;
    for (let j = 0; j < d; j++) z += BigInt(X[i * d + j]!) * v[j]!;
    return z;
  });
}

function transposed(X: Int32Array, e: BigUint64Array, d: number): bigint[] {
  return Array.from({ length: d }, (_, j) => {
    let g = 0n;
    for (let i = 0; i < e.length; i++) g += BigInt(X[i * d + j]!) * e[i]!;
    return g;
  });
}

/** The shares add up to what is expected, to one unit. */
function addsUp(a: BigUint64Array, b: BigUint64Array, expected: bigint[], what: string): void {
  equal(a.length, expected.length, what);
  equal(b.length, expected.length, what);
  expected.forEach((value, i) => {
    const difference = BigInt.asIntN(64, a[i]! + b[i]! - value);
    ok(difference >= -1n && difference <= 1n, `${what}: entry ${i} is off by ${difference}`);
  });
}

describe('block products', () => {
  let contexts: readonly [TrainingContext, TrainingContext];
  before(async () => {
    ({ contexts } = await contextPair());
  });

  for (const [rows, columns] of [
    [
      [1, 1],
      [1, 1],
    ],
    [
      [10, 10],
      [1, 3],
    ],
    [
      [40, 33],
      [2, 70],
    ],
    [
      [5000, 4200],
      [1, 5],
    ],
  ] as const) {
    it(`agree with the plain products: ${rows.join()} rows, ${columns.join()} columns`, async () => {
      const X = [0, 1].map((p) => randomEntries(rows[p]! * columns[p]!));
      const v = columns.map((d) => randomWords(d, rng));
      const vShares = v.map((each) => share(each, rng));
      const e = randomWords(Math.min(...rows), rng); // the other rows count as 0
      const eShares = share(e, rng);

      const results = await both(async (role) => {
        const context = contexts[role];
        const peer = (1 - role) as 0 | 1;
        const own = clearMatrix(context, X[role]!, rows[role]!);
        const peerShape = { rows: rows[peer], columns: columns[peer] };
        const shares: BlockShares = { own: vShares[role]![role]!, peer: vShares[peer]![role]! };
        const z = await blockProducts(context, own, peerShape, shares);
        const g = await transposedBlockProducts(context, own, peerShape, eShares[role]!);
        own.encoded.free();
        return { z, g };
      });

      for (const role of [0, 1] as const) {
        const [mine, other] = [results[role], results[1 - role]!];
        addsUp(mine.z.own, other.z.peer, forward(X[role]!, v[role]!, rows[role]!), 'X v');
        addsUp(mine.g.own, other.g.peer, transposed(X[role]!, e, columns[role]!), 'X^T e');
      }
    });
  }

  it('leave the caller’s shares as they are', async () => {
    const v = BigUint64Array.of(1n, 2n);
    const e = BigUint64Array.of(3n);
    await both(async (role) => {
      const context = contexts[role];
      const own = clearMatrix(context, Int32Array.of(1, 2), 1);
      const shape = { rows: 1, columns: 2 };
      await blockProducts(context, own, shape, { own: v, peer: v });
      await transposedBlockProducts(context, own, shape, e);
    });
    deepEqual([...v, ...e], [1n, 2n, 3n]);
  });
});

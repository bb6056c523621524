import { deepEqual, equal } from 'node:assert/strict';
import { curvePool } from '../../../src/kernels/curve25519-pool.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { openIntersection } from '../../../src/protocols/psi/intersection.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { runParties } from '../../support/memory-parties.ts';

const N = 100_000;
const COMMON = 60_001;

/** Party 0 has the numbers below N; the others have those from N - COMMON on, and as many of their own. */
function keysOf(me: number): string[] {
  const own = N - COMMON;
  return Array.from({ length: N }, (_, i) => {
    const number = me === 0 ? i : ((i * 7919) % N) + own;
    return number < N ? `customer ${number}` : `customer ${number} of ${me}`;
  });
}

describe('intersection of 100 000 rows', () => {
  for (const [engine, n] of [
    ['ecdh', 2],
    ['rr22', 2],
    ['rr22', 3],
    ['rr22', 5],
  ] as const) {
    it(`finds every common row and no other, in one order: ${engine}, ${n} parties`, async () => {
      const salt = systemRng(32);
      const found = await runParties(n, async (parties) => {
        const keys = keysOf(parties.me);
        const curve = curvePool({ threads: 1 });
        const learners = Array.from({ length: n }, (_, i) => i);
        const options = { engine, maxItems: N, leader: 0, learners, curve: () => curve };
        const session = await openIntersection(parties, options, systemRng);
        const rows = (await session.intersect(itemDigests([textColumn(keys)], salt)))!;
        await curve.close();
        return Array.from(rows, (row) => keys[row]!);
      });
      equal(found[0]!.length, COMMON);
      equal(new Set(found[0]).size, COMMON);
      for (const own of found) deepEqual(own, found[0]);
    });
  }
});

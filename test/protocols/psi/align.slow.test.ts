import { equal } from 'node:assert/strict';
import { curvePool } from '../../../src/kernels/curve25519-pool.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { alignReceiver, alignSender } from '../../../src/protocols/psi/align.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { runTwoParty } from '../../support/two-party.ts';

const N = 100_000;
const COMMON = 60_001;

describe('alignment of 100 000 rows on the curve', () => {
  it('finds every common row and no other, in one order', async () => {
    const X = Array.from({ length: N }, (_, i) => `customer ${i}`);
    const Y = Array.from({ length: N }, (_, i) => `customer ${((i * 7919) % N) + N - COMMON}`);
    const salt = systemRng(32);
    const [r, s] = [curvePool({ threads: 1 }), curvePool({ threads: 1 })];
    const { a, b } = await runTwoParty(
      (ch) =>
        alignReceiver(
          ch,
          itemDigests([textColumn(X)], salt),
          { engine: r, maxItems: N },
          systemRng,
        ),
      (ch) =>
        alignSender(ch, itemDigests([textColumn(Y)], salt), { engine: s, maxItems: N }, systemRng),
    );
    await Promise.all([r.close(), s.close()]);
    equal(a.length, COMMON);
    equal(b.length, COMMON);
    equal(new Set(a).size, COMMON);
    a.forEach((row, k) => {
      equal(X[row], Y[b[k]!], `row ${k} of the result`);
    });
  });
});

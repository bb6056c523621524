import { deepEqual, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { CommonCount, CommonItems } from '../../../proto/gen/star.ts';
import type { Channel } from '../../../src/protocols/channel.ts';
import { gatherRows } from '../../../src/protocols/primitives/rows.ts';
import { BATCH_ITEMS, receiveCommon, sendCommon } from '../../../src/protocols/psi/common-items.ts';
import { sortByItem } from '../../../src/protocols/psi/joint-order.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { runTwoParty } from '../../support/two-party.ts';

/** What the receiver with `own` items makes of the items of these rows of the sender. */
async function run(own: Uint8Array, common: Uint8Array, limit = 1 << 20): Promise<number[]> {
  const { b } = await runTwoParty(
    (ch) => sendCommon(ch, common),
    (ch) => receiveCommon(ch, own, limit),
  );
  return [...b];
}

const items = (n: number, seed = ''): Uint8Array => seededRng(`items ${seed}`)(16 * n);
const ascending = (own: Uint8Array, rows: readonly number[]): Uint32Array<ArrayBuffer> =>
  sortByItem(Uint32Array.from(rows), own);

describe('common items', () => {
  it('arrive as rows of the receiver, in the order of the items', async () => {
    const own = items(50);
    await fc.assert(
      fc.asyncProperty(fc.subarray(Array.from({ length: 50 }, (_, i) => i)), async (subset) => {
        const rows = ascending(own, subset);
        deepEqual(await run(own, gatherRows(own, 16, rows)), [...rows]);
      }),
    );
  });

  it('arrive in several messages', async () => {
    for (const n of [BATCH_ITEMS - 1, BATCH_ITEMS, BATCH_ITEMS + 1, 3 * BATCH_ITEMS]) {
      const own = items(n);
      const rows = ascending(
        own,
        Array.from({ length: n }, (_, i) => i),
      );
      deepEqual(await run(own, gatherRows(own, 16, rows)), [...rows], `${n} items`);
    }
  });

  it('are told apart by their last bytes', async () => {
    const own = new Uint8Array(16 * 256);
    for (let row = 0; row < 256; row++) own[16 * row + 15] = 255 - row;
    const rows = ascending(own, [0, 7, 8, 255]);
    deepEqual([...rows], [255, 8, 7, 0]);
    deepEqual(await run(own, gatherRows(own, 16, rows)), [...rows]);
  });

  it('are refused when one is foreign, repeated or out of order', async () => {
    const own = items(40);
    const [a, b, c] = [...ascending(own, [1, 2, 3])] as [number, number, number];
    const foreign = items(1, 'foreign');
    const rowsOf = (...rows: number[]): Uint8Array => gatherRows(own, 16, Uint32Array.from(rows));
    for (const [what, common] of [
      ['foreign', foreign],
      ['foreign after own', new Uint8Array([...rowsOf(a), ...foreign])],
      ['zeros', new Uint8Array(16)],
      ['ones', new Uint8Array(16).fill(255)],
      ['repeated', rowsOf(a, a)],
      ['out of order', rowsOf(a, c, b)],
      ['out of order at the start', rowsOf(b, a, c)],
    ] as const) {
      await rejects(run(own, common), { code: 'MALFORMED_MESSAGE' }, what);
    }
  });

  it('are refused when they are of an item but for the last bit', async () => {
    const own = items(5);
    const near = own.slice(16, 32);
    near[15]! ^= 1;
    await rejects(run(own, near), { code: 'MALFORMED_MESSAGE' });
  });

  it('are refused when they are more than can be, or not as many as announced', async () => {
    const own = items(10);
    const all = gatherRows(own, 16, ascending(own, [0, 1, 2, 3]));
    const refused = (announced: number, ...batches: Uint8Array[]) =>
      rejects(
        runTwoParty(
          async (ch: Channel) => {
            await ch.send(CommonCount, { items: announced });
            for (const batch of batches) await ch.send(CommonItems, { items: batch });
          },
          (ch) => receiveCommon(ch, own, 4),
        ),
        { code: 'MALFORMED_MESSAGE' },
      );
    await refused(5, all);
    await refused(2 ** 32 - 1);
    await refused(3, all);
    await refused(4, all.subarray(16));
    await refused(4, all.subarray(1));
    await refused(4, new Uint8Array(0), all);
    await refused(1, new Uint8Array(1 << 20));
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { routeHost, routeOwner } from '../../../../src/ml/vertical/trees/routing.ts';
import { rowsOf } from '../../../../src/protocols/ot/one-of-many.ts';
import { bitAt, packBits } from '../../../../src/protocols/primitives/bits.ts';
import { otPair } from '../../../support/ot-pair.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

/** Routes n rows through trees with V_t splits, whose sides are random. */
async function route(n: number, counts: readonly number[], seed = 'route') {
  const { sender, receiver, chSender, chReceiver } = await otPair(seed);
  const rng = seededRng(seed);
  const sides = counts.map((V) => Array.from({ length: V }, () => rng(n).map((b) => b & 1)));
  const trees = counts.map((V) => ({
    splits: V,
    indices: Uint16Array.from(rng(n), (b) => b % (V + 1)),
  }));
  const [mine, theirs] = [recordingLedger(), recordingLedger()];
  const [bits] = await Promise.all([
    routeOwner(chReceiver.fork('bits'), receiver, trees, n, { ledger: mine, labelHolder: 'guest' }),
    routeHost(
      chSender.fork('bits'),
      sender,
      sides,
      n,
      (split, from, count) => packBits(split.subarray(from, from + count)),
      { ledger: theirs, labelHolder: 'guest' },
    ),
  ]);
  trees.forEach(({ splits, indices }, t) => {
    if (splits === 0) equal(bits[t], null);
    for (const [i, v] of splits === 0 ? [] : indices.entries()) {
      equal(bitAt(bits[t]!, i), v === 0 ? 0 : sides[t]![v - 1]![i], `tree ${t}, row ${i}`);
    }
  });
  deepEqual(mine.entries, theirs.entries);
  return { recorded: mine.entries, stats: chReceiver.stats };
}

describe('routing', () => {
  for (const [n, counts] of [
    [1, [1]],
    [8, [2, 0, 3]],
    [13, [0, 0, 5, 1]],
    [100, [1, 1, 1, 1, 1]],
    [255, [31, 4]],
  ] as const) {
    it(`tells the side at one's own node: ${n} rows, ${counts.join()} splits`, async () => {
      const { recorded } = await route(n, counts);
      const some = counts.filter((V) => V > 0).length;
      deepEqual(recorded, [{ class: 'split_sides', to: ['guest'], elements: some * n }]);
    });
  }

  it('goes over the borders of trees and of chunks', async () => {
    const n = Math.ceil(rowsOf(3) / 2) + 5;
    const { stats } = await route(n, [3, 1, 2]);
    ok(stats.messagesReceived > 3, 'more than one chunk');
  });

  it('sends nothing where there is nothing to ask', async () => {
    for (const [n, counts] of [
      [5, [0, 0]],
      [0, [1]],
      [4, []],
    ] as const) {
      const { recorded, stats } = await route(n, counts);
      deepEqual(recorded, []);
      equal(stats.messagesSent, 1, 'the set-up');
    }
  });

  it('asks the ledger first', async () => {
    const { sender, receiver, chSender, chReceiver } = await otPair('refused');
    const ledger = { record: () => Promise.reject(new Error('refused')) };
    const opening = { ledger, labelHolder: 'guest' };
    const before = chSender.stats.messagesSent + chReceiver.stats.messagesSent;
    const trees = [{ splits: 1, indices: new Uint16Array(3) }];
    await rejects(routeOwner(chReceiver, receiver, trees, 3, opening), /refused/);
    const bitsOf = (): Uint8Array => new Uint8Array(1);
    await rejects(routeHost(chSender, sender, [[0]], 3, bitsOf, opening), /refused/);
    equal(chSender.stats.messagesSent + chReceiver.stats.messagesSent, before);
  });
});

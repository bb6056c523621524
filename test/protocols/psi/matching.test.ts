import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { MatchCount, MatchedPositions } from '../../../proto/gen/psi.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { rowNumbers } from '../../../src/protocols/primitives/rows.ts';
import { bucketCapacity, bucketCount } from '../../../src/protocols/psi/item-buckets.ts';
import {
  BATCH_POSITIONS,
  collectMatches,
  matchPrefixes,
  prefixBytes,
  receiveMatchedRows,
  sendPositions,
} from '../../../src/protocols/psi/matching.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { runTwoParty } from '../../support/two-party.ts';

describe('prefixBytes', () => {
  it('is ceil((40 + ceil(log2 n_x) + ceil(log2 n_y) + ceil(log2 runs)) / 8)', () => {
    const table = [
      [1, 1, 1, 5],
      [1, 2, 1, 6],
      [16, 16, 1, 6],
      [16, 16, 2, 7],
      [16, 17, 1, 7],
      [2 ** 16, 2 ** 16, 1, 9],
      [2 ** 20, 2 ** 20, 1, 10],
      [1_006_991, 1_006_991, 10, 11],
      [2 ** 24, 2 ** 24, 1, 11],
      [2 ** 24, 2 ** 24, 2 ** 7, 12],
      [100_000, 100_000, 1, 10],
    ] as const;
    for (const [nX, nY, runs, l] of table) {
      equal(prefixBytes(nX, nY, runs), l, `${runs} runs of ${nX} x ${nY}`);
    }
    equal(prefixBytes(16, 17), prefixBytes(16, 17, 1));
  });

  it('keeps a whole task below 2^-40, whatever its rows', () => {
    for (let rows = 1000; rows < 2 ** 31; rows = Math.ceil(rows * 1.37)) {
      for (const other of [rows, Math.ceil(rows / 7), Math.ceil(rows / 1000)]) {
        const buckets = bucketCount(rows);
        const [nX, nY] = [rows, other].map((n) => bucketCapacity(n, buckets)) as [number, number];
        const chance = (l: number) => Math.log2(buckets) + Math.log2(nX) + Math.log2(nY) - 8 * l;
        ok(chance(prefixBytes(nX, nY, buckets)) <= -40, `${rows} x ${other}: all pairs`);
        const star = Math.log2(buckets) + Math.log2(nX) - 8 * prefixBytes(nX, 1, buckets);
        ok(star <= -40, `${rows}: a star`);
      }
    }
    // One bucket's length would not do for ten: 2^-36.8 for ten million rows.
    const n = bucketCapacity(10_000_000, 10);
    ok(10 * n ** 2 * 2 ** (-8 * prefixBytes(n, n)) > 2 ** -37);
  });
});

describe('matchPrefixes', () => {
  it('matches at random as often as the prefix is short', () => {
    const rng = seededRng('false positives');
    const n = 2000;
    const [points, others] = [rng(32 * n), rng(32 * n)];
    const cut = (l: number): Uint8Array =>
      Uint8Array.from({ length: n * l }, (_, k) => others[32 * Math.floor(k / l) + (k % l)]!);
    const matches = (l: number): number =>
      matchPrefixes(cut(l), points, l).filter((j) => j >= 0).length;
    const expected = (n * n) / 2 ** 16; // 61 pairs, standard deviation 8
    ok(
      Math.abs(matches(2) - expected) < 40,
      `${matches(2)} of ${expected} false matches at 2 bytes`,
    );
    equal(matches(prefixBytes(n, n)), 0);
  });

  it('finds each prefix where it is', () => {
    const points = seededRng('find')(32 * 50);
    const row = (j: number): Uint8Array => points.slice(32 * j, 32 * j + 6);
    const prefixes = new Uint8Array(Buffer.concat([row(49), new Uint8Array(6), row(0), row(17)]));
    deepEqual(matchPrefixes(prefixes, points, 6), Int32Array.of(49, -1, 0, 17));
  });
});

describe('collectMatches', () => {
  it('sorts rows and positions apart', () => {
    const found = Int32Array.of(5, -1, 2, 9);
    const { rows, positions } = collectMatches(found, Uint32Array.of(3, 0, 2, 1));
    deepEqual([...rows], [1, 2, 3]);
    deepEqual([...positions], [2, 5, 9]);
  });

  it('refuses two items that matched one position', () => {
    throws(() => collectMatches(Int32Array.of(4, 4), Uint32Array.of(0, 1)), {
      code: 'MALFORMED_MESSAGE',
    });
  });
});

describe('positions', () => {
  const n = 3 * BATCH_POSITIONS;

  it('arrive as they were sent, at every batch size', async () => {
    for (const count of [0, 1, BATCH_POSITIONS - 1, BATCH_POSITIONS, BATCH_POSITIONS + 1]) {
      const positions = Uint32Array.from({ length: count }, (_, k) => 2 * k + 1);
      const { b, chA } = await runTwoParty(
        (ch) => sendPositions(ch, positions),
        (ch) => receiveMatchedRows(ch, rowNumbers(n), count),
      );
      deepEqual(b, positions, `${count}`);
      equal(chA.stats.messagesSent, 1 + Math.ceil(count / BATCH_POSITIONS));
    }
  });

  it('give the rows at them, ascending', async () => {
    const order = Uint32Array.of(7, 0, 5, 1, 6, 4, 2, 3);
    const { b } = await runTwoParty(
      (ch) => sendPositions(ch, Uint32Array.of(0, 2, 3, 7)),
      (ch) => receiveMatchedRows(ch, order, 4),
    );
    deepEqual(b, Uint32Array.of(1, 3, 5, 7));
  });

  const cases: readonly (readonly [what: string, matches: number, ...batches: number[][]])[] = [
    ['more matches than items', 11],
    ['too few positions', 2, [1]],
    ['too many positions', 2, [1, 2, 3]],
    ['a repeated position', 2, [5, 5]],
    ['a falling position', 3, [1, 6, 5]],
    ['a position out of range', 2, [1, n]],
  ];
  for (const [what, matches, ...batches] of cases) {
    it(`are refused with ${what}`, async () => {
      await refuses(10, matches, batches);
    });
  }

  it('are refused where a batch does not rise above the last one', async () => {
    const first = Array.from({ length: BATCH_POSITIONS }, (_, k) => k);
    await refuses(BATCH_POSITIONS + 1, BATCH_POSITIONS + 1, [first, [BATCH_POSITIONS - 1]]);
  });

  it('are refused with a part of a position', async () => {
    const [peer, ch] = memoryChannelPair();
    await peer.send(MatchCount, { matches: 1 });
    await peer.send(MatchedPositions, { positions: new Uint8Array(3) });
    await rejects(receiveMatchedRows(ch, rowNumbers(n), 10), { code: 'MALFORMED_MESSAGE' });
  });

  async function refuses(limit: number, matches: number, batches: number[][]): Promise<void> {
    const [peer, ch] = memoryChannelPair();
    await peer.send(MatchCount, { matches });
    for (const batch of batches) {
      const positions = new Uint8Array(Uint32Array.from(batch).buffer);
      await peer.send(MatchedPositions, { positions });
    }
    await rejects(receiveMatchedRows(ch, rowNumbers(n), limit), { code: 'MALFORMED_MESSAGE' });
  }
});

import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { DistinctKeys, Multiplicities } from '../../../../proto/gen/matching.ts';
import {
  exchangeMultiplicities,
  readCounts,
  receiveDistinctKeys,
  sendDistinctKeys,
} from '../../../../src/party/tasks/programs/multiplicities.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import { uint32Bytes } from '../../../../src/protocols/primitives/words.ts';

const malformed = { code: 'MALFORMED_MESSAGE' };

describe('multiplicities', () => {
  it('cross both ways, in messages of 16384', async () => {
    for (const n of [0, 1, 16_384, 16_385, 40_000]) {
      const own = Uint32Array.from({ length: n }, (_, i) => 1 + (i % 5));
      const other = Uint32Array.from({ length: n }, (_, i) => 1 + (i % 3));
      const [a, b] = memoryChannelPair();
      const [atA, atB] = await Promise.all([
        exchangeMultiplicities(a, own, 3 * n),
        exchangeMultiplicities(b, other, 5 * n),
      ]);
      deepEqual([atA, atB], [other, own]);
      equal(a.stats.messagesSent, Math.ceil(n / 16_384));
    }
  });

  it('are at least one each, and no more in all than the other party has records', async () => {
    for (const [counts, rows] of [
      [[1, 0], 9],
      [[5, 5], 9],
      [[0xffff_ffff, 1], 9],
      [[1], 9],
      [[1, 1, 1], 9],
    ] as const) {
      const [a, b] = memoryChannelPair();
      const received = exchangeMultiplicities(a, Uint32Array.of(1, 1), rows);
      await b.send(Multiplicities, { counts: uint32Bytes(Uint32Array.from(counts)) });
      await rejects(received, malformed, counts.join());
    }
    const [a, b] = memoryChannelPair();
    const many = exchangeMultiplicities(a, new Uint32Array(20_000).fill(1), 20_000);
    await b.send(Multiplicities, { counts: uint32Bytes(new Uint32Array(16_384).fill(1)) });
    await b.send(Multiplicities, { counts: uint32Bytes(new Uint32Array(3616).fill(2)) });
    await rejects(many, malformed, 'over all messages');
    deepEqual([...readCounts(uint32Bytes(Uint32Array.of(4, 5)), 2, 9)], [4, 5]);
    throws(() => readCounts(uint32Bytes(Uint32Array.of(4, 6)), 2, 9), malformed);
    for (const bytes of [0, 4, 7, 9, 12]) {
      throws(() => readCounts(new Uint8Array(bytes).fill(1), 2, 2 ** 31), malformed, `${bytes}`);
    }
  });

  it('numbers of distinct keys are between those that are common and all rows', async () => {
    for (const [keys, fits] of [
      [3, true],
      [9, true],
      [2, false],
      [10, false],
    ] as const) {
      const [a, b] = memoryChannelPair();
      const received = receiveDistinctKeys(a, 3, 9);
      await sendDistinctKeys(b, keys);
      if (fits) equal(await received, keys);
      else await rejects(received, malformed);
    }
    const [a, b] = memoryChannelPair();
    await b.send(Multiplicities, { counts: new Uint8Array(4) });
    await rejects(receiveDistinctKeys(a, 0, 1), { code: 'UNEXPECTED_MESSAGE' });
    equal(DistinctKeys.$type, 'entente.matching.v1.DistinctKeys');
  });
});

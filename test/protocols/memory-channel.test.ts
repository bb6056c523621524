import { deepEqual } from 'node:assert/strict';
import { memoryChannelPair } from '../../src/protocols/memory-channel.ts';
import { channelSuite, rawType } from '../contract/channel-suite.ts';

describe('memory channel', () => {
  channelSuite(async (signal) => ({
    channels: memoryChannelPair({ signal }),
    close: async () => {},
  }));

  it('shows each direction to its tap, by label', async () => {
    const seen: [string, string, string, number][] = [];
    const tap = (end: string) => (label: string, type: string, bytes: Uint8Array) =>
      seen.push([end, label, type, bytes.length]);
    const [a, b] = memoryChannelPair({ tapFirst: tap('first'), tapSecond: tap('second') });
    const Raw = rawType('raw');
    await a.fork('f').send(Raw, new Uint8Array(3));
    await b.send(Raw, new Uint8Array(5));
    deepEqual(seen, [
      ['first', '/f', 'raw', 3],
      ['second', '', 'raw', 5],
    ]);
  });

  it('shares no memory between its ends', async () => {
    const [a, b] = memoryChannelPair();
    const Raw = rawType('raw');
    const bytes = Uint8Array.of(1, 2, 3);
    await a.send(Raw, bytes);
    bytes.fill(9);
    deepEqual([...(await b.receive(Raw))], [1, 2, 3]);
  });
});

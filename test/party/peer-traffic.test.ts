import { deepEqual, rejects } from 'node:assert/strict';
import { peerTraffic } from '../../src/party/peer-traffic.ts';
import type { Session } from '../../src/party/transport/session.ts';

function sessionWith(peer: string, close: () => Promise<void> = async () => {}) {
  const bytes = { sent: 0, received: 0 };
  const direction = (count: number) => ({ hash: new Uint8Array(32), frames: 1, bytes: count });
  const session = {
    peer,
    receipt: () => ({ sent: direction(bytes.sent), received: direction(bytes.received) }),
    close,
  } as unknown as Session;
  return { session, bytes };
}

describe('peer traffic', () => {
  it('adds up sessions by peer, those that were closed included, each once', async () => {
    const traffic = peerTraffic();
    const [a, again, other] = [
      sessionWith('orgB'),
      sessionWith('orgB', () => Promise.reject(new Error('broke'))),
      sessionWith('orgC'),
    ];
    const [first, second] = [a, again, other].map(({ session }) => traffic.count(session));
    Object.assign(a.bytes, { sent: 10, received: 1 });
    await first!.close();
    await first!.close();
    Object.assign(again.bytes, { sent: 5, received: 2 });
    await rejects(second!.close(), /broke/);
    Object.assign(other.bytes, { sent: 0, received: 7 });
    deepEqual(traffic.bytes(), [
      { peer: 'orgB', sent: 15, received: 3 },
      { peer: 'orgC', sent: 0, received: 7 },
    ]);
  });
});

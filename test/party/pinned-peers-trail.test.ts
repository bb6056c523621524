import { deepEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { createIdentity } from '../../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../../src/party/peers.ts';
import { pinnedPeersTrail } from '../../src/party/pinned-peers-trail.ts';
import { Store } from '../../src/party/store.ts';
import { memoryTrail } from '../support/memory-trail.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const ACTOR = { via: 'node', id: 'node' } as const;

async function record(name: string): Promise<PeerRecord> {
  const { certificatePem, fingerprint } = await createIdentity(name);
  return { name, address: `${name}:1`, certificatePem, fingerprint };
}

describe('pinned peers in the audit log', () => {
  it('are those that came, changed their key or went, over restarts', () =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      try {
        const [b, c, other] = [await record('orgB'), await record('orgC'), await record('orgB')];
        const trail = memoryTrail();
        for (const peers of [[b], [b, c], [b, c], [other, c], [c], []]) {
          // Each as by another process: what it knows is in the store.
          await pinnedPeersTrail(store, trail)(peerBook(peers), ACTOR);
        }
        deepEqual(
          trail
            .of('administration')
            .map(({ body: { action, subject, digest } }) => [action, subject, digest]),
          [
            ['peer_pinned', 'orgB', b.fingerprint],
            ['peer_pinned', 'orgC', c.fingerprint],
            ['peer_pinned', 'orgB', other.fingerprint],
            ['peer_removed', 'orgB', other.fingerprint],
            ['peer_removed', 'orgC', c.fingerprint],
          ],
        );
      } finally {
        await store.close();
      }
    }));
});

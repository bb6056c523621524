import { deepEqual } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { fingerprintOf } from '../../src/party/audit/evidence/keys.ts';
import { rawPublicKey } from '../../src/party/audit/note-key.ts';
import { COSIGNATURE_V1, formatVerifierKey } from '../../src/party/audit/signed-note.ts';
import type { WitnessConfig } from '../../src/party/config-values.ts';
import { createIdentity } from '../../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../../src/party/peers.ts';
import { pinnedPeersTrail, pinnedWitnessesTrail } from '../../src/party/pinned-keys-trail.ts';
import { Store } from '../../src/party/store.ts';
import { memoryTrail } from '../support/memory-trail.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const ACTOR = { via: 'node', id: 'node' } as const;

async function record(name: string): Promise<PeerRecord> {
  const { certificatePem, fingerprint } = await createIdentity(name);
  return { name, address: `${name}:1`, certificatePem, fingerprint };
}

function witness(name: string): WitnessConfig & { readonly fingerprint: string } {
  const publicKey = rawPublicKey(generateKeyPairSync('ed25519').publicKey);
  const key = formatVerifierKey({ name: `example.org/${name}`, type: COSIGNATURE_V1, publicKey });
  return { name, key, fingerprint: fingerprintOf(Buffer.from(publicKey).toString('hex')) };
}

describe('pinned keys in the audit log', () => {
  it('peers are those that came, changed their key or went, over restarts', () =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      try {
        const [b, c, other] = [await record('orgB'), await record('orgC'), await record('orgB')];
        const trail = memoryTrail(() => 0, store);
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

  it('witnesses likewise, apart from the peers', () =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      try {
        const [first, second] = [witness('regulator'), witness('regulator')];
        const trail = memoryTrail(() => 0, store);
        for (const witnesses of [[], [first], [first], [second], [second], []]) {
          await pinnedPeersTrail(store, trail)(peerBook([]), ACTOR);
          await pinnedWitnessesTrail(store, trail)(witnesses, ACTOR);
        }
        deepEqual(
          trail
            .of('administration')
            .map(({ body: { action, subject, digest } }) => [action, subject, digest]),
          [
            ['witness_pinned', 'regulator', first.fingerprint],
            ['witness_pinned', 'regulator', second.fingerprint],
            ['witness_removed', 'regulator', second.fingerprint],
          ],
        );
      } finally {
        await store.close();
      }
    }));
});

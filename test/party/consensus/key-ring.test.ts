import { equal } from 'node:assert/strict';
import { keyRingOf } from '../../../src/party/consensus/key-ring.ts';
import type { Signer } from '../../../src/party/consensus/signature.ts';
import { createIdentity } from '../../../src/party/identity.ts';
import { type PeerBook, peerBook } from '../../../src/party/peers.ts';
import { recordOf } from '../../support/transports.ts';

describe('key ring', () => {
  it('verifies this node and its pinned peers, as pinned now', async () => {
    const [a, b, impostor] = await Promise.all(['orgA', 'orgB', 'orgB'].map(createIdentity));
    let peers: PeerBook = peerBook([]);
    const keys = keyRingOf(a!, () => peers);
    const signer: Signer = b!;
    const message = new Uint8Array([1, 2, 3]);
    const signature = signer.sign('entente/vote/v1', message);

    equal(keys.find('orgB'), undefined);
    peers = peerBook([recordOf(b!, 1)]);
    const key = keys.find('orgB')!;
    equal(key.fingerprint, b!.fingerprint);
    equal(key.verify('entente/vote/v1', message, signature), true);
    equal(key.verify('entente/receipt/v1', message, signature), false);
    equal(key.verify('entente/vote/v1', new Uint8Array([1, 2]), signature), false);
    equal(key.verify('entente/vote/v1', message, new Uint8Array(64)), false);
    equal(key.verify('entente/vote/v1', message, new Uint8Array(0)), false);
    peers = peerBook([recordOf(impostor!, 1)]);
    equal(keys.find('orgB')!.verify('entente/vote/v1', message, signature), false);

    const own = a!.sign('entente/vote/v1', message);
    equal(keys.find('orgA')!.verify('entente/vote/v1', message, own), true);
    equal(keys.find('orgC'), undefined);
  });
});

import { type Identity, verifySignature } from '../identity.ts';
import type { PeerBook } from '../peers.ts';
import type { KeyRing } from './signature.ts';

/** The node's own identity and its pinned peers, as they are at each look-up. */
export function keyRingOf(
  identity: Pick<Identity, 'name' | 'fingerprint' | 'certificatePem'>,
  peers: () => PeerBook,
): KeyRing {
  return {
    find: (name) => {
      const record = name === identity.name ? identity : peers().byName(name);
      if (!record) return undefined;
      const { certificatePem, fingerprint } = record;
      return {
        fingerprint,
        verify: (domain, message, signature) =>
          verifySignature(certificatePem, domain, message, signature),
      };
    },
  };
}

import { equal, ok, throws } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { formatCheckpoint, openCheckpoint } from '../../../src/party/audit/checkpoint.ts';
import {
  type LogKeyCertificate,
  logKey,
  logOrigin,
  verifyLogKey,
} from '../../../src/party/audit/log-key.ts';
import { EMPTY_ROOT } from '../../../src/party/audit/merkle.ts';
import { cosignatureTime } from '../../../src/party/audit/note-key.ts';
import { signatureBy, signNote, withSignature } from '../../../src/party/audit/signed-note.ts';
import type { PinnedKey } from '../../../src/party/consensus/signature.ts';
import { createIdentity, type Identity, verifySignature } from '../../../src/party/identity.ts';

const pinned = ({ fingerprint, certificatePem }: Identity): PinnedKey => ({
  fingerprint,
  verify: (domain, message, signature) =>
    verifySignature(certificatePem, domain, message, signature),
});

describe('log key', () => {
  let alice: Identity;
  let bob: Identity;
  before(async () => {
    [alice, bob] = [await createIdentity('alice'), await createIdentity('bob')];
  });
  const { privateKey } = generateKeyPairSync('ed25519');

  it('signs and cosigns as what its identity certified', () => {
    const key = logKey(alice, privateKey, () => 7_999);
    const { origin, checkpoints, cosignatures } = verifyLogKey(
      'alice',
      pinned(alice),
      key.certificate,
    );
    equal(origin, logOrigin('alice'));
    const text = formatCheckpoint({ origin, size: 0, root: EMPTY_ROOT });
    const note = withSignature(
      signNote(text, key.checkpoints),
      signatureBy(key.cosignatures, text),
    );
    const { verified } = openCheckpoint(note, origin, [checkpoints, cosignatures]);
    equal(verified.length, 2);
    equal(cosignatureTime(verified[1]!.bytes), 7);
  });

  it('refuses certificates of another party, key, identity, or of another form', () => {
    const { certificate } = logKey(alice, privateKey, () => 0);
    const other = logKey(alice, generateKeyPairSync('ed25519').privateKey, () => 0).certificate;
    const refuses = (party: string, identity: Identity, changed: Partial<LogKeyCertificate>) =>
      throws(
        () => verifyLogKey(party, pinned(identity), { ...certificate, ...changed }),
        { name: 'AuditError', code: 'bad_log_key' },
        JSON.stringify(changed),
      );
    refuses('bob', alice, {});
    refuses('bob', bob, { name: 'bob' });
    refuses('alice', bob, {});
    refuses('alice', alice, { publicKey: other.publicKey });
    refuses('alice', alice, { signature: other.signature });
    refuses('alice', alice, { publicKey: certificate.publicKey.toUpperCase() });
    refuses('alice', alice, { publicKey: '' });
    refuses('alice', alice, { signature: certificate.signature.slice(2) });
    // Certified, yet no key: an identity that says so does not make it one.
    const zero = '00'.repeat(32);
    const statement = Buffer.from(JSON.stringify({ name: 'alice', publicKey: zero }));
    const signature = Buffer.from(alice.sign('entente/log-key/v1', statement)).toString('hex');
    ok(verifyLogKey('alice', pinned(alice), certificate));
    refuses('alice', alice, { publicKey: zero, signature });
  });
});

import { equal, throws } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  keyFingerprint,
  readCertificate,
  selfSignedCertificate,
  tlsServerName,
} from '../../src/party/certificate.ts';

describe('certificate', () => {
  it('tells its party and key, from PEM and from DER alike', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = await selfSignedCertificate('Org-1', privateKey);
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    for (const certificate of [pem, der]) {
      const facts = readCertificate(certificate);
      equal(facts.name, 'Org-1');
      equal(facts.fingerprint, keyFingerprint(publicKey));
    }
  });

  it('depends on the name alone for TLS', () => {
    equal(tlsServerName('Org-1'), 'org-1.entente.internal');
  });

  it('refuses what is no certificate', () => {
    for (const bytes of ['', 'no PEM', Uint8Array.of(0x30, 0x80), new Uint8Array(1000)]) {
      throws(() => readCertificate(bytes), TypeError);
    }
  });
});

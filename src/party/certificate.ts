import { createHash, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';

/** A certificate must outlive its pinning, not its owner's patience: own choice. */
const VALID_YEARS = 20;

/** Peers' clocks may be this far behind: own choice. */
const CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

/** A party's name is also a DNS label, so that it can stand in a certificate. */
const PARTY_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

const NAME_URI = 'entente:party:';

/** Whether `name` can name a party: 1-63 letters, digits and inner hyphens. */
export function isPartyName(name: string): boolean {
  return PARTY_NAME.test(name);
}

/** The server name in TLS. It depends on the party alone, so any address works. */
export function tlsServerName(name: string): string {
  return `${name}.entente.internal`.toLowerCase();
}

/**
 * A self-signed certificate of an Ed25519 key, PEM. Names the party twice: as URI
 * `entente:party:NAME`, which peers check, and as DNS name, which TLS checks. Not a CA.
 */
export async function selfSignedCertificate(name: string, privateKey: KeyObject): Promise<string> {
  if (!isPartyName(name)) {
    throw new TypeError('"name" expected 1-63 letters, digits and inner hyphens');
  }
  // Only here: it takes longer to load than most commands run, and needs the polyfill first.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as Crypto);
  const keys = await ed25519KeyPair(privateKey);
  const now = Date.now();
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + VALID_YEARS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: new Date(now - CLOCK_SKEW_MS),
    notAfter,
    keys,
    signingAlgorithm: { name: 'Ed25519' },
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: `${NAME_URI}${name}` },
        { type: 'dns', value: tlsServerName(name) },
      ]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

async function ed25519KeyPair(key: KeyObject): Promise<CryptoKeyPair> {
  const { subtle } = webcrypto;
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const jwk = key.export({ format: 'jwk' });
  const { kty, crv, x } = jwk;
  return {
    privateKey: await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']),
    publicKey: await subtle.importKey('jwk', { kty, crv, x } as JsonWebKey, 'Ed25519', true, [
      'verify',
    ]),
  } as CryptoKeyPair;
}

/** What a certificate says of its owner. */
export interface CertificateFacts {
  /** The party it names, or undefined when it names none or several. */
  readonly name: string | undefined;
  /** SHA-256 of the public key (SPKI, DER), lower-case hex: what peers pin. */
  readonly fingerprint: string;
  /** SHA-256 of the whole certificate (DER): what sessions are bound to. */
  readonly digest: Uint8Array;
  readonly publicKey: KeyObject;
}

/** Reads a certificate, PEM or DER. Throws `TypeError` when it is none. Checks no signature. */
export function readCertificate(certificate: string | Uint8Array): CertificateFacts {
  const facts = tryReadCertificate(certificate);
  if (!facts) throw new TypeError('"certificate" expected an X.509 certificate');
  return facts;
}

/** As `readCertificate`, but undefined when it is none. */
export function tryReadCertificate(certificate: string | Uint8Array): CertificateFacts | undefined {
  try {
    const { publicKey, raw, subjectAltName } = new X509Certificate(certificate);
    return {
      name: partyName(subjectAltName),
      fingerprint: keyFingerprint(publicKey),
      digest: new Uint8Array(createHash('sha256').update(raw).digest()),
      publicKey,
    };
  } catch {
    return undefined;
  }
}

/** SHA-256 of a public key (SPKI, DER), lower-case hex. */
export function keyFingerprint(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/**
 * `altNames` as node:crypto prints them: "URI:entente:party:orgB, DNS:orgb.entente.internal". It
 * quotes values with separators inside; a party's certificate has none.
 */
function partyName(altNames: string | undefined): string | undefined {
  if (altNames?.includes('"')) return undefined;
  const names = (altNames ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith(`URI:${NAME_URI}`))
    .map((entry) => entry.slice(`URI:${NAME_URI}`.length));
  const [name] = names;
  return names.length === 1 && isPartyName(name!) ? name : undefined;
}

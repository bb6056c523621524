import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
  X509Certificate,
} from 'node:crypto';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { readCertificate, selfSignedCertificate } from './certificate.ts';
import { signedBytes } from './signed-bytes.ts';

const KEY_FILE = 'identity.key';
const CERTIFICATE_FILE = 'identity.crt';

/**
 * A party's long-lived identity: one Ed25519 key, for signatures and for TLS, and the certificate
 * that binds it to the party's name. Prints as '[secret]'.
 */
export class Identity {
  readonly name: string;
  readonly certificatePem: string;
  /** SHA-256 of the public key (SPKI, DER), lower-case hex. */
  readonly fingerprint: string;
  readonly #key: KeyObject;

  /** Throws `TypeError` unless the certificate names a party and belongs to the key. */
  constructor(privateKey: KeyObject, certificatePem: string) {
    const { name, fingerprint } = readCertificate(certificatePem);
    if (name === undefined) throw new TypeError('"certificatePem" names no party');
    if (!new X509Certificate(certificatePem).checkPrivateKey(privateKey)) {
      throw new TypeError('"certificatePem" belongs to another key');
    }
    if (privateKey.asymmetricKeyType !== 'ed25519') {
      throw new TypeError('"privateKey" expected an Ed25519 key');
    }
    this.name = name;
    this.certificatePem = certificatePem;
    this.fingerprint = fingerprint;
    this.#key = privateKey;
  }

  /** Ed25519 over the domain tag and the message, both length-prefixed. */
  sign(domain: string, message: Uint8Array): Uint8Array {
    return new Uint8Array(signBytes(null, signedBytes(domain, message), this.#key));
  }

  /** The private key, PKCS #8 PEM, for TLS and for the key file. With a passphrase, encrypted. */
  privateKeyPem(passphrase?: string): string {
    const format = { type: 'pkcs8', format: 'pem' } as const;
    const sealed = passphrase === undefined ? format : { ...format, cipher: CIPHER, passphrase };
    return this.#key.export(sealed).toString();
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** Of a sealed key file. OpenSSL derives its key with PBKDF2. */
const CIPHER = 'aes-256-cbc';

/** Whether the key of `certificate` (PEM or DER) signed `message` under `domain`. */
export function verifySignature(
  certificate: string | Uint8Array,
  domain: string,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { publicKey } = readCertificate(certificate);
  if (publicKey.asymmetricKeyType !== 'ed25519') return false;
  return verifyBytes(null, signedBytes(domain, message), publicKey, signature);
}

/** A new key with its certificate, in memory only. */
export async function createIdentity(name: string): Promise<Identity> {
  const { privateKey } = generateKeyPairSync('ed25519');
  return new Identity(privateKey, await selfSignedCertificate(name, privateKey));
}

/** Options of the key file. */
export interface SealOptions {
  /** Seals the key file. Without it, only the file's mode protects the key. */
  readonly passphrase?: string;
}

/** Writes key and certificate into `dir`, the key readable by its owner alone. Overwrites nothing. */
export async function saveIdentity(
  dir: string,
  identity: Identity,
  { passphrase }: SealOptions = {},
): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const pem = identity.privateKeyPem(passphrase);
  await writeFile(join(dir, KEY_FILE), pem, { mode: 0o600, flag: 'wx' });
  await writeFile(join(dir, CERTIFICATE_FILE), identity.certificatePem, {
    mode: 0o644,
    flag: 'wx',
  });
}

/** Reads what `saveIdentity` wrote. Refuses a key file that others can read. */
export async function loadIdentity(
  dir: string,
  { passphrase }: SealOptions = {},
): Promise<Identity> {
  const path = join(dir, KEY_FILE);
  const { mode } = await lstat(path);
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path} is accessible to others than its owner: run chmod 600 on it`);
  }
  const key = parseKey(path, await readFile(path, 'utf8'), passphrase);
  return new Identity(key, await readFile(join(dir, CERTIFICATE_FILE), 'utf8'));
}

function parseKey(path: string, pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (cause) {
    throw new Error(`${path} is no private key, or sealed with another passphrase`, { cause });
  }
}

/**
 * The keys that a verifier trusts: a file that its reader keeps, and checks by another way than the one
 * on which bundles come.
 *
 *   { "format": "entente/keys/v1",
 *     "parties":   [{ "name": "orgA", "publicKey": 64 hex digits }],     Ed25519, 32 bytes
 *     "witnesses": [{ "name": "regulator", "key": "NAME+ID+BASE64" }] }   C2SP verifier key
 *
 * A party's entry may say its fingerprint as well, for people to compare; it must then be the key's.
 */
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { Check, Errors } from 'typebox/value';
import type { KeyRing, PinnedKey } from '../../consensus/signature.ts';
import { signedBytes } from '../../signed-bytes.ts';
import { AuditError } from '../errors.ts';
import { exactly, Hex32, PartyName } from '../fields.ts';
import { isLargeOrderPoint, noteVerifier, rawPublicKey } from '../note-key.ts';
import { type NoteVerifier, parseVerifierKey } from '../signed-note.ts';

export const KEYS_FORMAT = 'entente/keys/v1';

/** Largest file of keys, in UTF-16 code units. Own choice. */
const MAX_KEYS_CHARS = 1 << 20;

/** Bytes before the key in the DER of an Ed25519 public key (SPKI), RFC 8410. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const KeysSchema = Type.Object(
  {
    format: Type.Literal(KEYS_FORMAT),
    parties: Type.Array(
      Type.Object(
        { name: PartyName, publicKey: Hex32, fingerprint: Type.Optional(Hex32) },
        exactly,
      ),
      { maxItems: 1024 },
    ),
    witnesses: Type.Optional(
      Type.Array(Type.Object({ name: PartyName, key: Type.String({ maxLength: 512 }) }, exactly), {
        maxItems: 64,
      }),
    ),
  },
  exactly,
);

/** A party's entry in a file of keys. */
export interface PartyKey {
  readonly name: string;
  /** Ed25519, 32 bytes, hex. */
  readonly publicKey: string;
  readonly fingerprint: string;
}

/** Whose word counts. */
export interface TrustedKeys extends KeyRing {
  /** What verifies a witness's cosignatures that is no party. */
  readonly witnesses: ReadonlyMap<string, NoteVerifier>;
}

/** The entry of the party whose certificate this is, PEM. */
export function partyKey(name: string, certificatePem: string): PartyKey {
  const raw = rawPublicKey(new X509Certificate(certificatePem).publicKey);
  const publicKey = Buffer.from(raw).toString('hex');
  return { name, publicKey, fingerprint: fingerprintOf(publicKey) };
}

/**
 * The keys of one or more files. Throws `malformed_keys`, also when two of them name other keys for one
 * name.
 */
export function trustedKeys(texts: readonly string[]): TrustedKeys {
  const parties = new Map<string, PinnedKey>();
  const witnesses = new Map<string, NoteVerifier>();
  for (const text of texts) {
    const file = parseKeys(text);
    for (const { name, publicKey, fingerprint } of file.parties) {
      if (!isLargeOrderPoint(Buffer.from(publicKey, 'hex'))) {
        throw malformed(`the key of ${name} is no Ed25519 public key`);
      }
      const key = pinnedKey(publicKey);
      if (fingerprint !== undefined && fingerprint !== key.fingerprint) {
        throw malformed(`the fingerprint of ${name} is not that of its key`);
      }
      if ((parties.get(name) ?? key).fingerprint !== key.fingerprint) {
        throw malformed(`${name} stands there with two keys`);
      }
      parties.set(name, key);
    }
    for (const { name, key } of file.witnesses ?? []) {
      const verifier = witnessKey(name, key);
      const { keyId } = witnesses.get(name) ?? verifier;
      if (keyId !== verifier.keyId) throw malformed(`${name} stands there with two keys`);
      witnesses.set(name, verifier);
    }
  }
  return { find: (name) => parties.get(name), witnesses };
}

function parseKeys(text: string): Type.Static<typeof KeysSchema> {
  let value: unknown;
  try {
    if (text.length > MAX_KEYS_CHARS) throw new RangeError('too long');
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('it is no JSON', { cause });
  }
  if (Check(KeysSchema, value)) return value;
  const [error] = Errors(KeysSchema, value);
  throw malformed(`${error?.instancePath.slice(1, 200) || 'it'} is not as it should be`);
}

function witnessKey(name: string, text: string): NoteVerifier {
  try {
    return noteVerifier(parseVerifierKey(text));
  } catch (cause) {
    throw malformed(`the key of the witness ${name} cannot be read`, { cause });
  }
}

/** A party's identity key, by its 32 bytes in hex. */
function pinnedKey(publicKey: string): PinnedKey {
  const raw = Buffer.from(publicKey, 'hex');
  const der = Buffer.concat([SPKI_PREFIX, raw]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return {
    fingerprint: fingerprintOf(publicKey),
    verify: (domain, message, signature) =>
      signature.length === 64 && verify(null, signedBytes(domain, message), key, signature),
  };
}

/** SHA-256 of the public key (SPKI, DER), hex: as contracts and peers name it. */
export function fingerprintOf(publicKey: string): string {
  return createHash('sha256').update(SPKI_PREFIX).update(publicKey, 'hex').digest('hex');
}

function malformed(problem: string, options?: ErrorOptions): AuditError {
  return new AuditError('malformed_keys', `the file of keys cannot be used: ${problem}`, options);
}

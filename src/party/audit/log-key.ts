/**
 * The key with which a node signs its log's checkpoints and cosigns others'.
 *
 * A note is signed over its plain text, as C2SP wants it; an identity signs nothing without its
 * domain. So a log has a key of its own, which the identity certifies, and no text that somebody gets
 * a log to sign is ever a statement of the identity.
 */
import type { KeyObject } from 'node:crypto';
import { canonicalBytes } from '../consensus/canonical-json.ts';
import type { PinnedKey, Signer } from '../consensus/signature.ts';
import { AuditError } from './errors.ts';
import { cosigner, noteSigner, noteVerifier, rawPublicKey } from './note-key.ts';
import { COSIGNATURE_V1, ED25519, type NoteSigner, type NoteVerifier } from './signed-note.ts';

/** Domain of an identity's signature of its log key. */
export const LOG_KEY_DOMAIN = 'entente/log-key/v1';

/** A party's word that a key is its log's. Goes with checkpoints and into bundles. */
export interface LogKeyCertificate {
  /** The party. */
  readonly name: string;
  /** Ed25519, 32 bytes, hex. */
  readonly publicKey: string;
  /** The identity's, over name and public key in `LOG_KEY_DOMAIN`: 64 bytes, hex. */
  readonly signature: string;
}

/** A node's own log key. */
export interface LogKey {
  /** First line of its checkpoints. */
  readonly origin: string;
  readonly checkpoints: NoteSigner;
  readonly cosignatures: NoteSigner;
  readonly certificate: LogKeyCertificate;
}

/** What verifies a party's checkpoints and its cosignatures of others'. */
export interface LogVerifiers {
  readonly origin: string;
  readonly checkpoints: NoteVerifier;
  readonly cosignatures: NoteVerifier;
}

/** Origin of a party's log, which is also the name of its key. */
export function logOrigin(party: string): string {
  return `entente.internal/audit/${party}`;
}

/** Name of a party as a witness. */
export function witnessName(party: string): string {
  return `entente.internal/witness/${party}`;
}

/**
 * @param privateKey - Ed25519.
 * @param now - Unix ms, for cosignatures.
 */
export function logKey(identity: Signer, privateKey: KeyObject, now: () => number): LogKey {
  const { name } = identity;
  const publicKey = Buffer.from(rawPublicKey(privateKey)).toString('hex');
  const signature = identity.sign(LOG_KEY_DOMAIN, canonicalBytes({ name, publicKey }));
  return {
    origin: logOrigin(name),
    checkpoints: noteSigner(logOrigin(name), privateKey),
    cosignatures: cosigner(witnessName(name), privateKey, () => Math.floor(now() / 1000)),
    certificate: { name, publicKey, signature: Buffer.from(signature).toString('hex') },
  };
}

/**
 * The verifiers of `party`'s log, once its identity has certified them. The certificate may be a
 * stranger's. Throws `bad_log_key`.
 */
export function verifyLogKey(
  party: string,
  identity: PinnedKey,
  { name, publicKey, signature }: LogKeyCertificate,
): LogVerifiers {
  if (name !== party) throw badKey(party, 'is of another party');
  if (!/^[0-9a-f]{64}$/.test(publicKey) || !/^[0-9a-f]{128}$/.test(signature)) {
    throw badKey(party, 'is malformed');
  }
  const statement = canonicalBytes({ name, publicKey });
  if (!identity.verify(LOG_KEY_DOMAIN, statement, Buffer.from(signature, 'hex'))) {
    throw badKey(party, 'is not signed by the identity of that party');
  }
  const key = new Uint8Array(Buffer.from(publicKey, 'hex'));
  const origin = logOrigin(party);
  try {
    const checkpoints = noteVerifier({ name: origin, type: ED25519, publicKey: key });
    const witness = { name: witnessName(party), type: COSIGNATURE_V1, publicKey: key };
    return { origin, checkpoints, cosignatures: noteVerifier(witness) };
  } catch (cause) {
    throw badKey(party, 'holds no Ed25519 public key', { cause });
  }
}

function badKey(party: string, problem: string, options?: ErrorOptions): AuditError {
  return new AuditError('bad_log_key', `the log key certificate of ${party} ${problem}`, options);
}

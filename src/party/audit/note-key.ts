/**
 * Ed25519 keys of signed notes and of cosignatures. C2SP, "Note" and "Transparency Log Cosignatures".
 * https://c2sp.org/signed-note, https://c2sp.org/tlog-cosignature
 *
 * A note's signature is over its text alone and a cosignature's over a text that begins with
 * `cosignature/v1`, so one key serves both as long as no checkpoint of its own has that origin.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { AuditError } from './errors.ts';
import {
  COSIGNATURE_V1,
  ED25519,
  type NoteSigner,
  type NoteVerifier,
  noteKeyId,
  type VerifierKey,
} from './signed-note.ts';

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const TIMESTAMP_BYTES = 8;

/** Bytes of a cosignature: timestamp and Ed25519 signature. */
export const COSIGNATURE_BYTES: number = TIMESTAMP_BYTES + SIGNATURE_BYTES;

/** Signs texts as the key `name`. */
export function noteSigner(name: string, privateKey: KeyObject): NoteSigner {
  const keyId = noteKeyId(name, ED25519, rawPublicKey(privateKey));
  return { name, keyId, sign: (text) => new Uint8Array(sign(null, Buffer.from(text), privateKey)) };
}

/**
 * Cosigns checkpoints as the witness `name`: it states that the checkpoint is the largest it has seen
 * of that log and extends all it saw before. Whoever calls it has checked that.
 *
 * @param unixSeconds - of each cosignature.
 */
export function cosigner(
  name: string,
  privateKey: KeyObject,
  unixSeconds: () => number,
): NoteSigner {
  const keyId = noteKeyId(name, COSIGNATURE_V1, rawPublicKey(privateKey));
  return {
    name,
    keyId,
    sign(text) {
      const bytes = Buffer.alloc(COSIGNATURE_BYTES);
      const time = unixSeconds();
      bytes.writeBigUInt64BE(BigInt(time), 0);
      bytes.set(sign(null, cosignedBytes(text, time), privateKey), TIMESTAMP_BYTES);
      return new Uint8Array(bytes);
    },
  };
}

/**
 * Verifies what `key` signs: notes or, of type `COSIGNATURE_V1`, cosignatures. Throws
 * `malformed_note` for a key of another type, or one that is no point of large order.
 */
export function noteVerifier({ name, type, publicKey }: VerifierKey): NoteVerifier {
  const key = importPublicKey(publicKey);
  const keyId = noteKeyId(name, type, publicKey);
  const isBy = (message: Uint8Array, signature: Uint8Array): boolean =>
    signature.length === SIGNATURE_BYTES && verify(null, message, key, signature);
  switch (type) {
    case ED25519:
      return { name, keyId, verify: (text, bytes) => isBy(Buffer.from(text), bytes) };
    case COSIGNATURE_V1:
      return {
        name,
        keyId,
        verify(text, bytes) {
          const time = cosignatureTime(bytes);
          if (time === undefined) return false;
          return isBy(cosignedBytes(text, time), bytes.subarray(TIMESTAMP_BYTES));
        },
      };
    default:
      throw new AuditError('malformed_note', `a key of type ${type} is not supported`);
  }
}

/** When a cosignature was made, Unix seconds; undefined when it is none. Verifies nothing. */
export function cosignatureTime(bytes: Uint8Array): number | undefined {
  if (bytes.length !== COSIGNATURE_BYTES) return undefined;
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  return Number.isSafeInteger(time) ? time : undefined;
}

/** The 32 bytes of an Ed25519 key's public part. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const { x } = key.export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x!, 'base64url'));
}

function cosignedBytes(text: string, unixSeconds: number): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${unixSeconds}\n${text}`);
}

/** Refuses keys of small order, for which one signature fits many messages. */
function importPublicKey(bytes: Uint8Array): KeyObject {
  if (bytes.length !== PUBLIC_KEY_BYTES || !isLargeOrderPoint(bytes)) {
    throw new AuditError('malformed_note', 'the key is no Ed25519 public key');
  }
  const x = Buffer.from(bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** Whether these are a point for which no signature fits many messages. */
export function isLargeOrderPoint(bytes: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(bytes).isSmallOrder();
  } catch {
    return false;
  }
}

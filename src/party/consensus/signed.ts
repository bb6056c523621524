import type { Static, TSchema } from 'typebox';
import type { SignedStatement } from '../../../proto/gen/consensus.ts';
import { canonicalBytes } from './canonical-json.ts';
import { ConsensusError } from './errors.ts';
import { decodeJson } from './schema.ts';
import type { PinnedKey, Signer } from './signature.ts';

/** A statement and the Ed25519 signature of its canonical bytes, 64 bytes hex. */
export interface Signed<T> {
  readonly body: T;
  readonly signature: string;
}

/** Largest signed statement: a receipt with one transport record for each of 16 parties. */
const MAX_BODY_BYTES = 16 * 1024;

export function signBody<T>(signer: Signer, domain: string, body: T): Signed<T> {
  const signature = signer.sign(domain, canonicalBytes(body));
  return { body, signature: Buffer.from(signature).toString('hex') };
}

/** Refuses with `bad_signature` unless `key` signed the body in this domain. */
export function checkSignature<T>(key: PinnedKey, domain: string, signed: Signed<T>): void {
  const signature = Buffer.from(signed.signature, 'hex');
  if (!key.verify(domain, canonicalBytes(signed.body), signature)) {
    throw new ConsensusError('bad_signature', `the signature of ${domain} does not verify`);
  }
}

export function encodeSigned<T>(signed: Signed<T>): SignedStatement {
  return {
    body: canonicalBytes(signed.body),
    signature: new Uint8Array(Buffer.from(signed.signature, 'hex')),
  };
}

/** What a peer signed, once it has the schema's fields. The signature itself is not checked here. */
export function decodeSigned<S extends TSchema>(
  schema: S,
  wire: SignedStatement | undefined,
): Signed<Static<S>> {
  if (!wire) throw new ConsensusError('malformed_message', 'a signed statement is missing');
  if (wire.signature.length !== 64) {
    throw new ConsensusError('malformed_message', 'signature must have 64 bytes');
  }
  const body = decodeJson(schema, wire.body, MAX_BODY_BYTES, 'malformed_message');
  return { body, signature: Buffer.from(wire.signature).toString('hex') };
}

/**
 * The session handshake: two signed hellos, one Diffie-Hellman key.
 *
 * Functionality: two pinned parties derive the same fresh keys for one attempt at one task.
 *   Each in: its identity, the peer's pinned certificate, the session's terms. Out: the keys.
 *
 * Security: SIGMA-like authenticated key exchange; X25519, Ed25519, HKDF-SHA-256. A hello is signed
 *   over the terms, both names, both TLS certificates, the ephemeral key and a nonce; an answer also
 *   over the hello that it answers. Keys are confirmed by the MAC that opens each stream.
 * Leaks:    task, attempt and names, to the peer alone (hellos travel inside mutual TLS).
 * Cost:     one round trip of about 600 bytes; one scalar multiplication, signature and verification.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { inspect } from 'node:util';
import { Hello, type SignedHello } from '../../../proto/gen/session.ts';
import { readCertificate } from '../certificate.ts';
import { SessionError } from '../errors.ts';
import { type Identity, verifySignature } from '../identity.ts';
import type { PeerRecord } from '../peers.ts';
import type { SessionTerms } from './session.ts';

/** Peers of another version cannot open sessions. */
export const SESSION_VERSION = 2;

const DOMAIN = 'entente/session/v1';

/** Terms with every default resolved. */
export type FullTerms = Required<SessionTerms>;

/** A hello of this side, with the ephemeral key that goes with it. */
export interface OwnHello {
  readonly signed: SignedHello;
  readonly ephemeral: KeyObject;
}

/** A hello for `peer`; an answer when `answers` is the hello that came first. */
export function makeHello(
  identity: Identity,
  peer: PeerRecord,
  terms: FullTerms,
  answers?: SignedHello,
): OwnHello {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const { x } = publicKey.export({ format: 'jwk' });
  const hello = Hello.encode({
    version: SESSION_VERSION,
    from: identity.name,
    to: peer.name,
    taskId: terms.taskId,
    certificateDigest: terms.certificateDigest,
    attempt: terms.attempt,
    checkpointDigest: terms.checkpointDigest,
    tlsFrom: readCertificate(identity.certificatePem).digest,
    tlsTo: readCertificate(peer.certificatePem).digest,
    ephemeral: Buffer.from(x!, 'base64url'),
    nonce: randomBytes(32),
    answers: answers ? sha256(answers.hello) : new Uint8Array(0),
  }).finish();
  return { signed: { hello, signature: identity.sign(DOMAIN, hello) }, ephemeral: privateKey };
}

/**
 * Decodes and authenticates a hello from `peer` to this party. Throws `SessionError`
 * `VERSION_MISMATCH`, `MALFORMED`, `BAD_SIGNATURE`, or `HELLO_MISMATCH` when it is meant for others.
 * The caller checks the terms with `checkTerms`.
 */
export function readHello(signed: SignedHello, peer: PeerRecord, identity: Identity): Hello {
  let hello: Hello;
  try {
    hello = Hello.decode(signed.hello);
  } catch (cause) {
    throw new SessionError('MALFORMED', `${peer.name} sent no hello`, { cause });
  }
  if (hello.version !== SESSION_VERSION) {
    throw new SessionError(
      'VERSION_MISMATCH',
      `${peer.name} speaks version ${hello.version} of the session protocol, ${identity.name} ${SESSION_VERSION}`,
    );
  }
  for (const field of FIELDS_OF_32) {
    if (hello[field].length !== 32) {
      throw new SessionError('MALFORMED', `${peer.name} sent a hello with a wrong ${field}`);
    }
  }
  if (!verifySignature(peer.certificatePem, DOMAIN, signed.hello, signed.signature)) {
    throw new SessionError('BAD_SIGNATURE', `the hello is not signed by ${peer.name}`);
  }
  if (hello.from !== peer.name || hello.to !== identity.name) {
    throw new SessionError('HELLO_MISMATCH', `the hello is not from ${peer.name} to this party`);
  }
  const tls = [readCertificate(peer.certificatePem), readCertificate(identity.certificatePem)];
  if (!equal(hello.tlsFrom, tls[0]!.digest) || !equal(hello.tlsTo, tls[1]!.digest)) {
    throw new SessionError('HELLO_MISMATCH', 'the hello is bound to other TLS certificates');
  }
  return hello;
}

const FIELDS_OF_32 = [
  'taskId',
  'certificateDigest',
  'checkpointDigest',
  'tlsFrom',
  'tlsTo',
  'ephemeral',
  'nonce',
] as const;

/** Throws `HELLO_MISMATCH` naming the first term on which the peers differ. */
export function checkTerms(hello: Hello, terms: FullTerms): void {
  const differs = (['taskId', 'certificateDigest', 'checkpointDigest'] as const).find(
    (field) => !equal(hello[field], terms[field]),
  );
  const term = differs ?? (hello.attempt === terms.attempt ? undefined : 'attempt');
  if (term)
    throw new SessionError('HELLO_MISMATCH', `${hello.from} and ${hello.to} differ on ${term}`);
}

/** Throws `HELLO_MISMATCH` unless `answer` answers `offer`. */
export function checkAnswers(answer: Hello, offer: SignedHello): void {
  if (!equal(answer.answers, sha256(offer.hello))) {
    throw new SessionError('HELLO_MISMATCH', `${answer.from} answered another hello`);
  }
}

/** The keys of a session: `offer` and `answer` as they were sent, and this side's ephemeral key. */
export function sessionKeys(
  offer: SignedHello,
  answer: SignedHello,
  mine: KeyObject,
  theirs: Hello,
): SessionKeys {
  const x = Buffer.from(theirs.ephemeral).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  let shared: Buffer;
  try {
    shared = diffieHellman({ privateKey: mine, publicKey });
  } catch (cause) {
    // OpenSSL refuses points of small order, for which the secret would be zero (RFC 7748 §6.1).
    throw new SessionError('MALFORMED', `${theirs.from} sent a key of small order`, { cause });
  }
  const transcript = createHash('sha256').update(DOMAIN);
  for (const part of [offer.hello, offer.signature, answer.hello, answer.signature]) {
    transcript.update(sha256(part));
  }
  return new SessionKeys(shared, transcript.digest());
}

/** Where a stream of frames begins. */
export interface StreamStart {
  readonly attempt: number;
  /** Number of its first frame. */
  readonly next: number;
  /** Which of its receiver's pulls it answers, counted from 1. */
  readonly stream: number;
}

/** Keys = HKDF(shared secret, transcript, purpose). Prints as '[secret]'. */
export class SessionKeys {
  readonly #shared: Uint8Array;
  /** Digest of both signed hellos; no secret. 32 bytes. */
  readonly transcript: Uint8Array;
  /** Names the session; no secret. 32 bytes. */
  readonly id: Uint8Array;

  constructor(shared: Uint8Array, transcript: Uint8Array) {
    this.#shared = shared;
    this.transcript = transcript;
    this.id = this.#derive('id', 32);
  }

  /** h_0 of the frames that `sender` sends. */
  receiptStart(sender: string): Uint8Array {
    return this.#derive(`receipt/${sender}`, 32);
  }

  /** Proves, in the one step or the other, the right to a stream of what `sender` sends. */
  streamMac(step: 'pull' | 'open', sender: string, start: StreamStart): Uint8Array {
    const message = Buffer.alloc(16);
    message.writeUInt32BE(start.attempt, 0);
    message.writeBigUInt64BE(BigInt(start.next), 4);
    message.writeUInt32BE(start.stream, 12);
    const key = this.#derive(`stream/${step}/${sender}`, 32);
    return new Uint8Array(createHmac('sha256', key).update(message).digest());
  }

  /** A key for the layers above, never equal to one of the transport's. */
  deriveKey(purpose: string, length: number): Uint8Array {
    return this.#derive(`application/${purpose}`, length);
  }

  #derive(purpose: string, length: number): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#shared, this.transcript, purpose, length));
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

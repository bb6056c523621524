/**
 * Signed notes. C2SP, "Note". https://c2sp.org/signed-note
 *
 * A text with signature lines. Whose signatures count is the reader's choice: a known key is one whose
 * name and id the reader was given; lines of other keys are kept and mean nothing.
 */
import { createHash } from 'node:crypto';
import { AuditError } from './errors.ts';

/** Signature types that this program writes and verifies. */
export const ED25519 = 0x01;
export const COSIGNATURE_V1 = 0x04;

/** Largest note: far above a checkpoint with its cosignatures. Own choice. */
export const MAX_NOTE_BYTES = 256 * 1024;

/** Most signature lines. The specification wants at least 16; Go's implementation has this bound. */
export const MAX_SIGNATURES = 100;

/** Longest name of a key, in UTF-16 code units. Own choice. */
const MAX_NAME_CHARS = 256;

const KEY_ID_BYTES = 4;

/** One signature line. Name and id together name the key. */
export interface NoteSignature {
  readonly name: string;
  /** 32 bits. */
  readonly keyId: number;
  /** What follows the key id: at least a byte. */
  readonly bytes: Uint8Array;
}

export interface SignedNote {
  /** Ends in a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that a reader knows. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** Whether the key signed `text`. False for a signature of any wrong form. */
  verify(text: string, signature: Uint8Array): boolean;
}

export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  sign(text: string): Uint8Array;
}

/** A note of which at least one known key signed the text. */
export interface OpenedNote {
  readonly text: string;
  /** Of known keys, all of which verify; one a key. */
  readonly verified: readonly NoteSignature[];
  /** Of keys that are not known. */
  readonly ignored: readonly NoteSignature[];
}

/** SHA-256(name || 0x0A || type || public key)[:4]. Throws `malformed_note` unless `name` can name a key. */
export function noteKeyId(name: string, type: number, publicKey: Uint8Array): number {
  checkKeyName(name);
  const digest = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(type));
  return digest.update(publicKey).digest().readUInt32BE(0);
}

/** Throws `malformed_note` unless `name` can name a key: not empty, no white space, no plus. */
function checkKeyName(name: string): void {
  const isName = name !== '' && name.length <= MAX_NAME_CHARS && !/[\p{White_Space}+]/u.test(name);
  if (!isName || !isNoteText(name)) {
    throw malformed('a key name is a word without spaces and plus signs');
  }
}

/** The note that `bytes` encode. Verifies nothing: see `openNote`. Throws `malformed_note`. */
export function parseNote(bytes: string | Uint8Array): SignedNote {
  const note = decodeText(bytes);
  // The last empty line: signature lines are never empty.
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw malformed('a text, an empty line and signatures');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed(`at most ${MAX_SIGNATURES} signatures`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** Throws `malformed_note` when `parseNote` would refuse the result. */
export function formatNote({ text, signatures }: SignedNote): string {
  const note = `${text}\n${signatures.map((line) => `${formatSignature(line)}\n`).join('')}`;
  if (parseNote(note).text !== text) throw malformed('a text that ends in a newline');
  return note;
}

/**
 * The text of a note that known keys signed. Every signature of a known key must verify, or the whole
 * note is refused with `bad_signature`; a note without any is refused with `unknown_key`. Throws
 * `TypeError` when two verifiers have one name and id.
 */
export function openNote(bytes: string | Uint8Array, known: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(bytes);
  const verified: NoteSignature[] = [];
  const ignored: NoteSignature[] = [];
  for (const line of signatures) {
    const [verifier, other] = known.filter((key) => isSameKey(key, line));
    if (other) throw new TypeError(`"known" has two keys ${keyText(line)}`);
    if (!verifier) {
      ignored.push(line);
      continue;
    }
    if (!verifier.verify(text, line.bytes)) {
      throw new AuditError('bad_signature', `the signature of ${keyText(line)} does not verify`);
    }
    if (!verified.some((earlier) => isSameKey(earlier, line))) verified.push(line);
  }
  if (verified.length === 0) throw new AuditError('unknown_key', 'no known key signed the note');
  return { text, verified, ignored };
}

/** A new note of `text`, which ends in a newline. */
export function signNote(text: string, ...signers: readonly NoteSigner[]): string {
  return formatNote({ text, signatures: signers.map((signer) => signatureBy(signer, text)) });
}

/** The line by which `signer` signs `text`. */
export function signatureBy(signer: NoteSigner, text: string): NoteSignature {
  return { name: signer.name, keyId: signer.keyId, bytes: signer.sign(text) };
}

/** The note with one more signature; of a key that stands in it already, the new one remains. */
export function withSignature(note: string, line: NoteSignature): string {
  const { text, signatures } = parseNote(note);
  const others = signatures.filter((earlier) => !isSameKey(earlier, line));
  return formatNote({ text, signatures: [...others, line] });
}

/** What a signature verifies under, as a file or a contract names it. */
export interface VerifierKey {
  readonly name: string;
  readonly type: number;
  readonly publicKey: Uint8Array;
}

/** NAME+HASH+BASE64(type || public key): how keys are handed over. */
export function formatVerifierKey({ name, type, publicKey }: VerifierKey): string {
  const id = keyIdText(noteKeyId(name, type, publicKey));
  return `${name}+${id}+${Buffer.from([type, ...publicKey]).toString('base64')}`;
}

/** Throws `malformed_note` unless `text` is a verifier key and its hash is right. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{4,})$/.exec(text) ?? [];
  if (name === undefined) throw malformed('a verifier key NAME+HASH+KEY');
  const key = decodeBase64(encoded!);
  const parsed = { name, type: key[0]!, publicKey: key.slice(1) };
  if (keyIdText(noteKeyId(name, parsed.type, parsed.publicKey)) !== id) {
    throw malformed('a verifier key whose hash is that of its key');
  }
  return parsed;
}

/** Standard base64 in its one canonical form. Throws `malformed_note`. */
export function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed('base64');
  return new Uint8Array(bytes);
}

function decodeText(bytes: string | Uint8Array): string {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed(`at most ${MAX_NOTE_BYTES} bytes`);
  let note: string;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    note = typeof bytes === 'string' ? bytes : decoder.decode(bytes);
  } catch (cause) {
    throw new AuditError('malformed_note', 'a note is UTF-8', { cause });
  }
  if (!isNoteText(note)) throw malformed('a text without control characters');
  return note;
}

/** UTF-8 has no lone surrogates; a note has no ASCII control characters but the newline. */
function isNoteText(text: string): boolean {
  if (/\p{Surrogate}/u.test(text)) return false;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x20 && text[i] !== '\n') return false;
  }
  return true;
}

const SIGNATURE_START = '\u2014 ';

function parseSignature(line: string): NoteSignature {
  const [name, encoded, ...rest] = line.slice(SIGNATURE_START.length).split(' ');
  if (!line.startsWith(SIGNATURE_START) || encoded === undefined || rest.length > 0) {
    throw malformed('signature lines of an em dash, a name and a signature');
  }
  checkKeyName(name!);
  const bytes = decodeBase64(encoded);
  if (bytes.length <= KEY_ID_BYTES) throw malformed('signatures of more than a key id');
  const keyId = new DataView(bytes.buffer).getUint32(0);
  return { name: name!, keyId, bytes: bytes.slice(KEY_ID_BYTES) };
}

function formatSignature({ name, keyId, bytes }: NoteSignature): string {
  checkKeyName(name);
  const signature = Buffer.alloc(KEY_ID_BYTES + bytes.length);
  signature.writeUInt32BE(keyId, 0);
  signature.set(bytes, KEY_ID_BYTES);
  return `${SIGNATURE_START}${name} ${signature.toString('base64')}`;
}

type KeyName = Pick<NoteSignature, 'name' | 'keyId'>;

function isSameKey(a: KeyName, b: KeyName): boolean {
  return a.name === b.name && a.keyId === b.keyId;
}

function keyText({ name, keyId }: KeyName): string {
  return `${name}+${keyIdText(keyId)}`;
}

function keyIdText(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

function malformed(expected: string): AuditError {
  return new AuditError('malformed_note', `expected ${expected}`);
}

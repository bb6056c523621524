/**
 * JSON Canonicalization Scheme. A. Rundgren, B. Jordan, S. Erdtman.
 * https://www.rfc-editor.org/rfc/rfc8785
 *
 * One value has one encoding, so that its hash and its signature mean the value. Number and string
 * formats are ECMAScript's own (§3.2.2.2, §3.2.2.3); what this file adds is the order of the keys and
 * the refusal of everything that I-JSON does not have.
 */
import { createHash } from 'node:crypto';

/** Deepest nesting that is encoded: far above any contract, far below the stack. Own choice. */
export const MAX_DEPTH = 32;

/**
 * The canonical text of a JSON value. Throws `TypeError` on what is not I-JSON: lone surrogates,
 * non-finite numbers, `undefined`, bigint, functions, objects with a prototype of their own, nesting
 * above `MAX_DEPTH`.
 */
export function canonicalJson(value: unknown): string {
  return encode(value, 0);
}

/** The canonical text in UTF-8 (§3.2.4). */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/** SHA-256 of the canonical bytes, lower-case hex. */
export function canonicalDigest(value: unknown): string {
  return createHash('sha256').update(canonicalBytes(value)).digest('hex');
}

/** SHA-256(tag | 0 | parts), lower-case hex. `tag` is ASCII without NUL; parts need fixed lengths or one end. */
export function taggedDigest(tag: string, ...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(`${tag}\0`);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/**
 * The value that canonical bytes encode. Throws `TypeError` unless `bytes` are exactly the canonical
 * encoding of a value: other white space, key order, number forms, repeated keys, a byte order mark
 * or broken UTF-8 are refused.
 */
export function parseCanonical(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new TypeError('"bytes" expected JSON in UTF-8', { cause });
  }
  if (Buffer.compare(canonicalBytes(value), bytes) !== 0) {
    throw new TypeError('"bytes" expected canonical JSON (RFC 8785)');
  }
  return value;
}

function encode(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError(`"value" expected nesting <= ${MAX_DEPTH}`);
  switch (typeof value) {
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      // §3.2.2.3: NaN and Infinity MUST cause an error. -0 becomes 0.
      if (!Number.isFinite(value)) throw new TypeError(`"value" expected finite, got ${value}`);
      return JSON.stringify(value);
    case 'string':
      return encodeString(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? encodeArray(value, depth) : encodeObject(value, depth);
    default:
      throw new TypeError(`"value" expected JSON, got ${typeof value}`);
  }
}

/** Text that stands for itself: nine in ten strings, at a third of the time. */
const PLAIN = /^[ !#-[\]-~]*$/;

function encodeString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  // §3.2.2.2: lone surrogates MUST cause an error; JSON.stringify would escape them.
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('"value" expected no lone surrogate');
  return JSON.stringify(text);
}

function encodeArray(items: readonly unknown[], depth: number): string {
  // `Array.from` turns holes into undefined, which is refused.
  return `[${Array.from(items, (item) => encode(item, depth + 1)).join(',')}]`;
}

function encodeObject(object: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('"value" expected plain objects');
  }
  const members = Object.keys(object)
    .sort() // §3.2.3: by UTF-16 code units, which is ECMAScript's default order
    .map((key) => {
      const member: unknown = Object.getOwnPropertyDescriptor(object, key)!.value;
      return `${encodeString(key)}:${encode(member, depth + 1)}`;
    });
  return `{${members.join(',')}}`;
}

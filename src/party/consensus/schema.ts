import Type, { type Static, type TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { parseCanonical } from './canonical-json.ts';
import { ConsensusError, type ConsensusErrorCode } from './errors.ts';

/** A party's name: a DNS label, as its certificate has it. */
export const PartyName: Type.TString = Type.String({
  pattern: '^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$',
});

/** 32 bytes as lower-case hex: digests, fingerprints, nonces, salts. */
export const Hex32: Type.TString = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** ISO 8601 UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const Timestamp: Type.TString = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
});

/** Whether a string of the right form is also a date: not February 30. */
export function isTimestamp(text: string): boolean {
  const ms = Date.parse(text);
  return Number.isFinite(ms) && new Date(ms).toISOString() === text;
}

/**
 * Decodes what a peer sent: canonical JSON of at most `maxBytes` with exactly the schema's fields.
 * Everything else is `code`, with the first offending field in the message.
 */
export function decodeJson<S extends TSchema>(
  schema: S,
  bytes: Uint8Array,
  maxBytes: number,
  code: ConsensusErrorCode,
): Static<S> {
  if (bytes.length > maxBytes) {
    throw new ConsensusError(code, `expected at most ${maxBytes} bytes, got ${bytes.length}`);
  }
  let value: unknown;
  try {
    value = parseCanonical(bytes);
  } catch (cause) {
    throw new ConsensusError(code, 'expected canonical JSON (RFC 8785) in UTF-8', { cause });
  }
  return checkShape(schema, value, code);
}

/** `value`, once it has exactly the schema's fields, types and ranges. */
export function checkShape<S extends TSchema>(
  schema: S,
  value: unknown,
  code: ConsensusErrorCode,
): Static<S> {
  if (Check(schema, value)) return value;
  throw new ConsensusError(code, firstProblem(schema, value));
}

/** Longest field path that an error repeats: keys of the peer's own making may be in it. */
const MAX_PATH_CHARS = 200;

function firstProblem(schema: TSchema, value: unknown): string {
  const errors = Errors(schema, value);
  // A union reports each alternative first; the problem is that none of them fits.
  const paths = new Set(errors.filter((e) => e.keyword === 'anyOf').map((e) => e.instancePath));
  const error =
    errors.find((e) => !paths.has(e.instancePath) || e.keyword === 'anyOf') ?? errors[0]!;
  const path = error.instancePath.slice(1, MAX_PATH_CHARS) || 'value';
  switch (error.keyword) {
    case 'boolean': // `additionalProperties: false`
      return `${path} is not a known field`;
    case 'anyOf':
      return `${path} has none of the allowed forms`;
    default:
      return `${path} ${error.message}`.slice(0, 2 * MAX_PATH_CHARS);
  }
}

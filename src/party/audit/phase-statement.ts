/**
 * What both ends of a session sign at a phase boundary: how much of one direction there was until then,
 * and its running hash. The sender signs what it sent; the receiver signs the same bytes once its own
 * count and hash agree, in a domain of its own, so that neither signature passes for the other.
 */
import type { Static } from 'typebox';
import { Check } from 'typebox/value';
import { canonicalBytes, parseCanonical } from '../consensus/canonical-json.ts';
import { AuditError } from './errors.ts';
import { PhaseStatementSchema } from './run-entries.ts';

/** Domain of the sender's signature. */
export const PHASE_DOMAIN = 'entente/phase/v1';
/** Domain of the receiver's. */
export const PHASE_COUNTER_DOMAIN = 'entente/phase-countersignature/v1';

export type PhaseStatement = Readonly<Static<typeof PhaseStatementSchema>>;

/** A statement with both signatures, hex. */
export interface PhaseReceipt {
  readonly statement: PhaseStatement;
  readonly signature: string;
  readonly countersignature: string;
}

/** Longest statement: names have 63 characters, counts 16 digits. */
const MAX_STATEMENT_BYTES = 1024;

/** The bytes that both signatures are over. */
export function encodeStatement(statement: PhaseStatement): Uint8Array {
  return canonicalBytes(statement);
}

/** Throws `malformed_entry` unless `bytes` are what `encodeStatement` makes. */
export function decodeStatement(bytes: Uint8Array): PhaseStatement {
  let value: unknown;
  try {
    if (bytes.length > MAX_STATEMENT_BYTES) throw new RangeError('too long');
    value = parseCanonical(bytes);
  } catch (cause) {
    throw new AuditError('malformed_entry', 'a phase statement is no canonical JSON', { cause });
  }
  if (Check(PhaseStatementSchema, value)) return value;
  throw new AuditError('malformed_entry', 'a phase statement has other fields than it should');
}

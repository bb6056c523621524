/**
 * Commitments to values that must not be guessed: HMAC-SHA256(salt, value). A plain digest of a count, a
 * metric or a bitmap would tell it to whoever tries them all.
 */
import { createHmac, type Hmac } from 'node:crypto';
import type { DisclosureLedger, DisclosureTerms } from '../../protocols/disclosure.ts';
import type { Rng } from '../../protocols/primitives/rng.ts';

/** Bytes of the salt of a value commitment. */
export const VALUE_SALT_BYTES = 32;

/** What stands in an entry for a value, hex. `salt` is 32 random bytes that stay in the store. */
export function valueCommitment(salt: Uint8Array, value: Uint8Array): string {
  return streamedCommitment(salt).update(value).digest('hex');
}

/** The same of a value that comes in pieces. */
export function streamedCommitment(salt: Uint8Array): Hmac {
  if (salt.length !== VALUE_SALT_BYTES) {
    throw new RangeError(`"salt" expected ${VALUE_SALT_BYTES} bytes, got ${salt.length}`);
  }
  return createHmac('sha256', salt);
}

/** A commitment with what opens it to whoever has the value; both 32 bytes, hex. */
export interface OpenedCommitment {
  readonly salt: string;
  readonly commitment: string;
}

/** Commits to a value with a fresh salt. */
export function commitTo(value: Uint8Array, rng: Rng): OpenedCommitment {
  const salt = rng(VALUE_SALT_BYTES);
  return { salt: Buffer.from(salt).toString('hex'), commitment: valueCommitment(salt, value) };
}

/** An opening as it leaves a task's thread: without the value. */
export interface CommittedDisclosure extends DisclosureTerms {
  readonly value: OpenedCommitment | null;
}

/** Records openings whose values it does not see. Throws as `DisclosureLedger`. */
export interface CommittedLedger {
  record(disclosure: CommittedDisclosure): Promise<void>;
}

/** The ledger that a program sees: it commits to the values, and hands on what says nothing of them. */
export function committingLedger(ledger: CommittedLedger, rng: Rng): DisclosureLedger {
  return {
    record: ({ class: name, to, elements, value }) =>
      ledger.record({ class: name, to, elements, value: value && commitTo(value, rng) }),
  };
}

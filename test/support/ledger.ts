import type { DisclosureLedger, DisclosureTerms } from '../../src/protocols/disclosure.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';

/** A ledger in memory that knows the declared classes and keeps what was recorded. */
export interface MemoryLedger extends DisclosureLedger {
  readonly recorded: readonly DisclosureTerms[];
  /** The value of each. */
  readonly values: readonly (Uint8Array | null)[];
}

export function memoryLedger(...declared: string[]): MemoryLedger {
  const recorded: DisclosureTerms[] = [];
  const values: (Uint8Array | null)[] = [];
  return {
    recorded,
    values,
    async record({ value, ...disclosure }) {
      if (!declared.includes(disclosure.class)) {
        throw new ProtocolError('NOT_DECLARED', `no class "${disclosure.class}"`);
      }
      recorded.push(disclosure);
      values.push(value && Uint8Array.from(value));
    },
  };
}

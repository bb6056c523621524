import type { Disclosure, DisclosureLedger } from '../../src/protocols/disclosure.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';

/** A ledger in memory that knows the declared classes and keeps what was recorded. */
export interface MemoryLedger extends DisclosureLedger {
  readonly recorded: readonly Disclosure[];
}

export function memoryLedger(...declared: string[]): MemoryLedger {
  const recorded: Disclosure[] = [];
  return {
    recorded,
    async record(disclosure) {
      if (!declared.includes(disclosure.class)) {
        throw new ProtocolError('NOT_DECLARED', `no class "${disclosure.class}"`);
      }
      recorded.push(disclosure);
    },
  };
}

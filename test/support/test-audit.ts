import type { ConsensusAudit } from '../../src/party/consensus/consensus-trail.ts';
import type { Store } from '../../src/party/store.ts';
import { DECLARATION } from './contracts.ts';
import { type MemoryTrail, memoryTrail } from './memory-trail.ts';

/** The head of a log that has no entries. */
export const AUDIT_HEAD: string = '00'.repeat(32);

/** The audit log of a node that confirms none and whose own nobody is asked to confirm. */
export interface TestAudit extends ConsensusAudit {
  readonly trail: MemoryTrail;
  /** To whom the log was shown, and when. */
  readonly shown: Parameters<ConsensusAudit['show']>[];
}

/** @param store - Where what goes with entries is written. */
export function testAudit(now?: () => number, store?: Store): TestAudit {
  const shown: TestAudit['shown'] = [];
  return {
    shown,
    trail: memoryTrail(now, store),
    implementation: DECLARATION.implementation,
    head: () => AUDIT_HEAD,
    show: async (...args) => void shown.push(args),
  };
}

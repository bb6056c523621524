/**
 * Holds back what a task's thread sends until everything that it had recorded before is kept. The thread
 * goes on meanwhile: what waits for the disk is the message, not the computation.
 */
import type { CommittedDisclosure, CommittedLedger } from '../../audit/value-commitment.ts';

export interface RecordGate {
  /** To be called in the order in which the thread recorded. */
  readonly record: (disclosure: CommittedDisclosure) => void;
  /**
   * Calls `pass` once the first `count` records are kept, at once when they are; never when one of them
   * is refused. Passes of one caller, whose counts do not fall, keep their order.
   */
  readonly after: (count: number, pass: () => void) => void;
  /** Resolves once all records so far are kept. Throws what kept one from that. */
  readonly settled: () => Promise<void>;
  /** Rejects with the first refusal. */
  readonly refused: Promise<never>;
}

export function recordGate(ledger: CommittedLedger): RecordGate {
  let kept = 0;
  let all = Promise.resolve();
  let held: { readonly count: number; readonly pass: () => void }[] = [];
  let refuse = (_error: unknown): void => {};
  const refused = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  refused.catch(() => undefined); // whoever waits for it is told

  function release(): void {
    const free = held.filter(({ count }) => count <= kept);
    held = held.filter(({ count }) => count > kept);
    for (const { pass } of free) pass();
  }

  return {
    record(disclosure) {
      const written = ledger.record(disclosure);
      written.catch(refuse);
      all = Promise.all([all, written]).then(() => {
        kept += 1;
        release();
      });
      all.catch(() => undefined);
    },
    after(count, pass) {
      if (count <= kept) pass();
      else held.push({ count, pass });
    },
    settled: () => all,
    refused,
  };
}

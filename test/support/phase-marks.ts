import { createHash } from 'node:crypto';
import type { PhaseReceipt } from '../../src/party/audit/phase-statement.ts';
import { type MarkDeps, PhaseMarks } from '../../src/party/transport/phase-marks.ts';

/** Stands for a signature: what only its maker could know does not matter where both are honest. */
function toySignature(domain: string, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha512').update(`${domain}\0`).update(message).digest());
}

/** Marks of one end of a session between `self` and `peer`, with what is recorded of them. */
export function testMarks(
  self: string,
  peer: string,
  deps: Partial<MarkDeps> = {},
): { readonly marks: PhaseMarks; readonly receipts: PhaseReceipt[] } {
  const receipts: PhaseReceipt[] = [];
  const marks = new PhaseMarks({
    taskId: '7'.repeat(64),
    attempt: 1,
    session: 'c'.repeat(64),
    self,
    peer,
    sign: toySignature,
    verify: (domain, message, signature) =>
      Buffer.compare(toySignature(domain, message), signature) === 0,
    record: (receipt) => receipts.push(receipt),
    now: () => 0,
    ...deps,
  });
  return { marks, receipts };
}

import type { Contract } from '../consensus/contract.ts';
import type { TaskHead } from './task-board.ts';

/** What the row of a task with a contract begins with. */
export function headOf(taskId: string, contract: Contract): TaskHead {
  return {
    taskId,
    kind: contract.kind,
    algorithm: contract.algorithm.name,
    initiator: contract.initiator,
    parties: contract.parties.map(({ name }) => name),
    receivers: contract.receivers,
    purpose: contract.purpose,
    phase: 'awaiting_parties',
    createdAt: contract.createdAt,
  };
}

import type { Contract, ContractParty } from '../../consensus/contract.ts';
import { TaskError } from '../task-error.ts';

/** This party and the other data holder. Throws `TaskError` unless there are exactly these two. */
export function dataHolders(
  contract: Contract,
  self: string,
): { readonly own: ContractParty; readonly peer: ContractParty } {
  const holders = contract.parties.filter((party) => party.dataset !== null);
  const own = holders.find((party) => party.name === self);
  const peer = holders.find((party) => party.name !== self);
  if (!own || !peer || holders.length !== 2) {
    throw new TaskError('NOT_AVAILABLE', 'the task needs exactly two data holders');
  }
  return { own, peer };
}

import type { Contract } from '../../consensus/contract.ts';
import type { Program } from '../program.ts';
import { TaskError } from '../task-error.ts';

/** The program of a contract. Loaded when asked for: a thread pays for no other one. */
export async function programOf({ kind }: Contract): Promise<Program<Contract>> {
  switch (kind) {
    case 'train':
      return (await import('../programs/train-linear.ts')).trainLinear as Program<Contract>;
    case 'psi':
      return (await import('../programs/intersect.ts')).intersect as Program<Contract>;
    default:
      throw new TaskError('NOT_AVAILABLE', `this version runs no task of kind ${kind}`);
  }
}

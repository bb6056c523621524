import type { Contract } from '../../consensus/contract.ts';
import type { Program } from '../program.ts';

/** The program of a contract. Loaded when asked for: a thread pays for no other one. */
export async function programOf({ kind }: Contract): Promise<Program<Contract>> {
  switch (kind) {
    case 'train':
      return (await import('../programs/train-linear.ts')).trainLinear as Program<Contract>;
    default:
      throw new Error(`no program for a contract of kind ${kind}`);
  }
}

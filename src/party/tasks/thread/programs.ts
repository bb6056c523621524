import type { Contract } from '../../consensus/contract.ts';
import type { Program } from '../program.ts';

/** The program of a contract. Loaded when asked for: a thread pays for no other one. */
export async function programOf({ kind }: Contract): Promise<Program<Contract>> {
  switch (kind) {
    case 'train':
      return (await import('../programs/train-linear.ts')).trainLinear as Program<Contract>;
    case 'psi':
      return (await import('../programs/intersect.ts')).intersect as Program<Contract>;
    case 'predict':
      return (await import('../programs/predict-linear.ts')).predictLinear as Program<Contract>;
  }
}

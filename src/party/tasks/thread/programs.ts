import {
  type Contract,
  isTreePrediction,
  isTreeTraining,
  type PsiContract,
} from '../../consensus/contract.ts';
import type { Program } from '../program.ts';
import { TaskError } from '../task-error.ts';

/** The program of a contract. Loaded when asked for: a thread pays for no other one. */
export async function programOf(contract: Contract): Promise<Program<Contract>> {
  switch (contract.kind) {
    case 'train':
      if (isTreeTraining(contract)) throw noProgram(contract);
      return (await import('../programs/train-linear.ts')).trainLinear as Program<Contract>;
    case 'psi':
      return (await psiProgram(contract)) as Program<Contract>;
    case 'predict':
      if (isTreePrediction(contract)) throw noProgram(contract);
      return (await import('../programs/predict-linear.ts')).predictLinear as Program<Contract>;
  }
}

function noProgram({ algorithm }: Contract): TaskError {
  return new TaskError('NOT_AVAILABLE', `${algorithm.name} is not available yet`);
}

async function psiProgram({ algorithm }: PsiContract): Promise<Program<PsiContract>> {
  switch (algorithm.name) {
    case 'intersection':
      return (await import('../programs/intersect.ts')).intersect;
    case 'labelled_intersection':
      return (await import('../programs/labelled-intersect.ts')).labelledIntersect;
  }
}

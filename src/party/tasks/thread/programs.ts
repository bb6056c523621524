import {
  type Contract,
  isTreePrediction,
  isTreeTraining,
  type PsiContract,
} from '../../consensus/contract.ts';
import type { Program } from '../program.ts';

/** The program of a contract. Loaded when asked for: a thread pays for no other one. */
export async function programOf(contract: Contract): Promise<Program<Contract>> {
  switch (contract.kind) {
    case 'train':
      if (isTreeTraining(contract)) {
        return (await import('../programs/train-trees.ts')).trainTrees as Program<Contract>;
      }
      return (await import('../programs/train-linear.ts')).trainLinear as Program<Contract>;
    case 'psi':
      return (await psiProgram(contract)) as Program<Contract>;
    case 'predict':
      if (isTreePrediction(contract)) {
        return (await import('../programs/predict-trees.ts')).predictTrees as Program<Contract>;
      }
      return (await import('../programs/predict-linear.ts')).predictLinear as Program<Contract>;
  }
}

async function psiProgram({ algorithm }: PsiContract): Promise<Program<PsiContract>> {
  switch (algorithm.name) {
    case 'intersection':
      return (await import('../programs/intersect.ts')).intersect;
    case 'labelled_intersection':
      return (await import('../programs/labelled-intersect.ts')).labelledIntersect;
  }
}

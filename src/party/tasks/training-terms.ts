/** The part of a training's contract that depends on its algorithm, once the parties' tables are known. */
import { isTreeTraining, type TrainContract } from '../consensus/contract.ts';
import type { ModelTerms } from '../consensus/model-data.ts';
import { ApiError } from '../http/api-error.ts';
import type { Warning } from '../http/warning.ts';
import { hidesTooLittle, type LinearTrainingTerms } from './linear-declaration.ts';
import { fewestRows } from './matching-terms.ts';
import { lowMargin, objectionToTrees, type TreeTrainingTerms } from './tree-declaration.ts';

/** What does not depend on the algorithm. */
type SharedTerms = Pick<TrainContract, 'alignment' | 'parties' | 'metrics'>;

export interface ComposedTraining {
  readonly terms: LinearTrainingTerms | TreeTrainingTerms;
  readonly warnings: readonly Warning[];
  /** Said where this node's code does not run such a contract. */
  readonly otherwise: string;
}

/** Throws `ApiError` for what the coordinator has to change. */
export function composeTraining(
  model: ModelTerms,
  shared: SharedTerms,
  implementation: string,
): ComposedTraining {
  return isTreeTraining(model)
    ? trees({ ...shared, ...model, algorithm: { ...model.algorithm, implementation } })
    : linear({ ...shared, ...model, algorithm: { ...model.algorithm, implementation } });
}

function linear(terms: LinearTrainingTerms): ComposedTraining {
  const { parameters } = terms;
  const batch = Math.min(parameters.batch_size, fewestRows(terms));
  const fitted = { ...terms, parameters: { ...parameters, batch_size: batch } };
  if (hidesTooLittle(fitted)) {
    throw new ApiError(
      'INVALID_REQUEST',
      'hyper_params.epochs: so many steps on so many rows would wear out the statistical hiding',
    );
  }
  return {
    terms: fitted,
    warnings: [],
    otherwise:
      'steps of this length cannot be taken on tables of this size: change learning_rate, batch_size, l2 or class_weight, or use solver auto',
  };
}

function trees(terms: TreeTrainingTerms): ComposedTraining {
  const objection = objectionToTrees(terms);
  if (objection !== null) throw new ApiError('INVALID_REQUEST', `hyper_params.${objection}`);
  const margin = lowMargin(terms);
  const message = `the reconstruction margin is ${margin}: the opened sums may determine on which side of its splits a feature holder's records are, so its node refuses unless a rule of its policy says minimum_margin; fewer num_trees or a smaller max_depth raise it`;
  return {
    terms,
    warnings: margin === null ? [] : [{ code: 'LOW_MARGIN', message }],
    otherwise: 'tables of this size cannot be matched',
  };
}

/** What the data of a model have to be, by what is trained. */
import type { Objective } from '../../ml/trees/parameters.ts';
import type { LabelKind } from '../datasets/read-table.ts';
import {
  type Contract,
  isTreeTraining,
  type LinearAlgorithm,
  type LinearTraining,
  type TreeTraining,
} from './contract.ts';

/** Algorithm and parameters of a training: enough to know what its data are. */
export type ModelTerms =
  | (Pick<LinearTraining, 'parameters'> & { readonly algorithm: Named<LinearTraining> })
  | (Pick<TreeTraining, 'parameters'> & { readonly algorithm: Named<TreeTraining> });

type Named<C extends Contract> = Pick<C['algorithm'], 'name' | 'partition'>;

const LINEAR_LABELS: Readonly<Record<LinearAlgorithm['name'], LabelKind>> = {
  logistic_regression: 'binary',
  linear_regression: 'number',
};

const TREE_LABELS: Readonly<Record<Objective, (classes: number) => LabelKind>> = {
  'binary:logistic': () => 'binary',
  'reg:squarederror': () => 'number',
  'multi:softprob': (classes) => ({ classes }),
};

/** What the label of a training has to be. */
export function labelKindOf(training: ModelTerms): LabelKind {
  if (!isTreeTraining(training)) return LINEAR_LABELS[training.algorithm.name];
  const { objective, num_class } = training.parameters;
  return TREE_LABELS[objective](num_class);
}

/** Whether missing numbers stay missing: trees learn which way they go, linear models have the mean. */
export function keepsMissing({ name }: Pick<Contract['algorithm'], 'name'>): boolean {
  return name === 'xgboost';
}

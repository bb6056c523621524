/** How the parameters of trainings and predictions go with their algorithm, with each other and with the data. */
import type { TreeParameters } from '../../ml/vertical/trees/parameters.ts';
import {
  isTreePrediction,
  isTreeTraining,
  type LinearTraining,
  type PredictContract,
  type TrainContract,
} from './contract.ts';
import { checkRules, malformedContract, type Rule } from './errors.ts';
import { tellsTwoClasses } from './scoring.ts';

/** Refuses a training whose fields do not fit together: `malformed_contract` with the path. */
export function checkTraining(contract: TrainContract): void {
  checkRules(isTreeTraining(contract) ? treeRules(contract.parameters) : linearRules(contract));
  const { metrics } = contract;
  for (const [i, metric] of metrics.entries()) {
    if (metrics.indexOf(metric) < i) malformedContract(`metrics/${i}`, 'must be unique');
  }
}

/** Refuses a prediction whose fields do not fit together: `malformed_contract` with the path. */
export function checkPrediction(contract: PredictContract): void {
  const { predict_threshold } = contract.parameters;
  checkRules([
    [
      'parameters/predict_threshold',
      tellsTwoClasses(contract) === (predict_threshold !== null),
      'must be a probability where the model tells one of two classes, null elsewhere',
    ],
    ...(isTreePrediction(contract) ? classRules(contract.parameters) : partyRules(contract)),
  ]);
}

function linearRules(contract: LinearTraining): readonly Rule[] {
  const { parameters, parties } = contract;
  const logistic = tellsTwoClasses(contract);
  const rows = Math.min(...parties.flatMap(({ dataset }) => dataset?.rowCount ?? []));
  return [
    ...partyRules({ parties }),
    ['parameters/loss', logistic || parameters.loss === 'mse', 'must be mse'],
    ['parameters/class_weight', logistic || parameters.class_weight === 'none', 'must be none'],
    [
      'parameters/batch_size',
      parameters.solver !== 'sgd' || parameters.batch_size <= rows,
      'must be at most the row count of each dataset',
    ],
  ];
}

/** Of linear models; trees have as many data holders as there are. */
function partyRules({ parties }: Pick<LinearTraining, 'parties'>): readonly Rule[] {
  const holders = parties.filter(({ dataset }) => dataset !== null).length;
  return [['parties', holders === 2, 'must have two data holders for a linear model']];
}

function treeRules(parameters: TreeParameters): readonly Rule[] {
  const { objective, base_score: start } = parameters;
  const binary = objective === 'binary:logistic';
  return [
    ...classRules(parameters),
    [
      'parameters/base_score',
      !binary || (start > 0 && start < 1),
      'must be a probability between 0 and 1',
    ],
    [
      'parameters/scale_pos_weight',
      binary || parameters.scale_pos_weight === 1,
      'must be 1 but for binary:logistic',
    ],
    [
      'parameters/early_stopping_rounds',
      parameters.early_stopping_rounds === 0 || parameters.use_validation_set,
      'must be 0 without a validation set, whose loss would stop the training',
    ],
  ];
}

function classRules({
  objective,
  num_class: classes,
}: Pick<TreeParameters, 'objective' | 'num_class'>): readonly Rule[] {
  const several = objective === 'multi:softprob';
  return [
    [
      'parameters/num_class',
      several ? classes >= 2 : classes === 1,
      'must be 2 or more for multi:softprob, 1 for other objectives',
    ],
  ];
}

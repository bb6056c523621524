export type AlgorithmName = 'logistic_regression' | 'linear_regression' | 'dnn' | 'xgboost';

/** Accepted spellings, compared without case, `_`, `-` and spaces. */
const SPELLINGS: Readonly<Record<AlgorithmName, readonly string[]>> = {
  logistic_regression: ['logisticregression', 'lr', 'logistic', 'logisticreg'],
  linear_regression: ['linearregression', 'linr', 'linear', 'linearreg'],
  dnn: ['dnn', 'mlp', 'nn', 'neuralnetwork'],
  xgboost: ['xgboost', 'xgb', 'gbdt', 'secureboost'],
};

export const ALGORITHM_NAMES: readonly AlgorithmName[] = [
  'logistic_regression',
  'linear_regression',
  'dnn',
  'xgboost',
];

/** The canonical name of a spelling, or null. */
export function algorithmName(spelling: string): AlgorithmName | null {
  const plain = spelling.toLowerCase().replaceAll(/[\s_-]/g, '');
  return ALGORITHM_NAMES.find((name) => SPELLINGS[name].includes(plain)) ?? null;
}

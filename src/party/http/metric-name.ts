/** Metrics a request may ask for. */
export const METRIC_NAMES = [
  'loss',
  'accuracy',
  'precision',
  'recall',
  'f1',
  'auc',
  'logloss',
  'mse',
  'rmse',
  'mae',
  'r2',
  'ks',
] as const;

export type MetricName = (typeof METRIC_NAMES)[number];

/** Metrics that only a classification has, as a request means it. */
export const CLASSIFICATION_METRICS: readonly MetricName[] = [
  'accuracy',
  'precision',
  'recall',
  'f1',
  'auc',
];
/** Metrics of numbers. */
export const REGRESSION_METRICS: readonly MetricName[] = ['mse', 'rmse', 'mae', 'r2'];

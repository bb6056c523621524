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

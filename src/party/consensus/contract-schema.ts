import Type from 'typebox';
import { METRIC_NAMES } from '../../ml/metrics/evaluate.ts';
import { MAX_DEPTH } from '../../ml/trees/parameters.ts';
import { MAX_NOISE, MAX_TREE_BINS } from '../../ml/vertical/trees/parameters.ts';
import {
  MAX_CATEGORIES,
  MAX_CLASSES,
  MAX_COLUMNS,
  MAX_KEY_COLUMNS,
  MAX_PARTIES,
  MAX_PAYLOAD_COLUMNS,
  MAX_ROWS,
  MAX_TREES,
} from './contract-limits.ts';
import { Hex32, PartyName, Timestamp } from './schema.ts';

const exactly = { additionalProperties: false } as const;
// Lengths are in UTF-16 units; control characters would forge log lines and tables.
const text = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f]*$' });
const word = Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' });
const unitInterval = Type.Number({ minimum: 0, maximum: 1 });
const openInterval = Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 });
const positive = Type.Number({ exclusiveMinimum: 0 });
const oneOf = <T extends string[]>(...names: T) => Type.Enum<T>(names);

export const ColumnName: Type.TString = text(512);
export const KeyColumns: Type.TArray<Type.TString> = Type.Array(ColumnName, {
  minItems: 1,
  maxItems: MAX_KEY_COLUMNS,
});
export const PayloadColumns: Type.TArray<Type.TString> = Type.Array(ColumnName, {
  maxItems: MAX_PAYLOAD_COLUMNS,
});
export const DatasetPath: Type.TString = text(1024);
export const Purpose: Type.TString = text(256);
/** A model's id may stand in keys and file names. */
export const ModelId: Type.TString = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' });

const nonNegative = Type.Number({ minimum: 0 });
const share = Type.Number({ exclusiveMinimum: 0, maximum: 1 });
const from = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });

/** What every training says of its rows and of its result. */
const TrainingParameters = {
  use_validation_set: Type.Boolean(),
  validation_set_rate: openInterval,
  seed: from(0, Number.MAX_SAFE_INTEGER),
  predict_threshold: unitInterval,
  open_bits: from(4, 20),
  model_release: oneOf('full', 'split'),
};

const LinearParametersSchema = Type.Object(
  {
    solver: oneOf('auto', 'sgd'),
    loss: oneOf('logloss', 'mse'),
    epochs: from(1, 10_000),
    batch_size: from(1, MAX_ROWS),
    learning_rate: positive,
    momentum: Type.Number({ minimum: 0, exclusiveMaximum: 1 }),
    l2: nonNegative,
    use_intercept: Type.Boolean(),
    class_weight: Type.Union([
      oneOf('none', 'balanced'),
      Type.Object({ '0': positive, '1': positive }, exactly),
    ]),
    ...TrainingParameters,
  },
  exactly,
);

const forest = {
  objective: oneOf('binary:logistic', 'reg:squarederror', 'multi:softprob'),
  num_class: from(1, MAX_CLASSES),
  num_trees: from(1, MAX_TREES),
  max_depth: from(1, MAX_DEPTH),
};

const TreeParametersSchema = Type.Object(
  {
    ...forest,
    learning_rate: share,
    num_bins: from(2, MAX_TREE_BINS),
    reg_lambda: nonNegative,
    reg_alpha: nonNegative,
    gamma: nonNegative,
    min_child_weight: nonNegative,
    subsample: share,
    colsample_bytree: share,
    scale_pos_weight: positive,
    base_score: Type.Number(),
    early_stopping_rounds: from(0, MAX_TREES),
    split_finding: Type.Literal('open_sums'),
    noise_multiplier: from(1, MAX_NOISE),
    ...TrainingParameters,
  },
  exactly,
);

const LeakageSchema = Type.Object(
  {
    algorithm: text(64),
    opened: Type.Array(
      Type.Object(
        {
          name: word,
          to: word,
          phase: oneOf('aligning', 'training', 'evaluating', 'publishing'),
          elements: text(256),
          most: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
          meaning: text(1024),
        },
        exactly,
      ),
      { maxItems: 64 },
    ),
    structural: Type.Array(text(1024), { maxItems: 64 }),
    assumptions: Type.Array(text(1024), { maxItems: 64 }),
  },
  exactly,
);

const commonRecords = Type.Integer({ minimum: 0, maximum: MAX_ROWS });

export const DatasetTermsSchema = Type.Object(
  {
    path: DatasetPath,
    type: oneOf('csv', 'json', 'parquet'),
    rowCount: Type.Integer({ minimum: 0, maximum: MAX_ROWS }),
    keyColumns: Type.Union([Type.Null(), KeyColumns]),
    labelColumn: Type.Union([Type.Null(), ColumnName]),
    features: Type.Array(
      Type.Object(
        {
          name: ColumnName,
          kind: oneOf('numeric', 'categorical'),
          categories: Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_CATEGORIES })),
        },
        exactly,
      ),
      { maxItems: MAX_COLUMNS },
    ),
    payload: PayloadColumns,
    minimumIntersection: commonRecords,
    commitment: Hex32,
  },
  exactly,
);

const PartySchema = Type.Object(
  {
    name: PartyName,
    fingerprint: Hex32,
    role: oneOf('label_holder', 'feature_holder', 'data_holder', 'receiver'),
    dataset: Type.Union([Type.Null(), DatasetTermsSchema]),
  },
  exactly,
);

const Terms = {
  version: Type.Literal(1),
  security: Type.Object(
    {
      model: Type.Literal('semi-honest'),
      kappa: Type.Literal(128),
      sigma: Type.Literal(40),
    },
    exactly,
  ),
  leakage: LeakageSchema,
  alignment: Type.Object(
    {
      method: oneOf('psi', 'row_order'),
      engine: oneOf('ecdh', 'rr22'),
      duplicates: oneOf('reject', 'first', 'expand'),
      minimumIntersection: commonRecords,
    },
    exactly,
  ),
  parties: Type.Array(PartySchema, { minItems: 2, maxItems: MAX_PARTIES }),
  receivers: Type.Array(PartyName, { minItems: 1, maxItems: MAX_PARTIES }),
  initiator: PartyName,
  purpose: Purpose,
  createdAt: Timestamp,
  expiresAt: Timestamp,
  nonce: Hex32,
};

const algorithm = <T extends string[]>(partition: 'vertical' | 'psi', ...names: T) =>
  Type.Object(
    { name: oneOf(...names), partition: Type.Literal(partition), implementation: Hex32 },
    exactly,
  );
const LinearAlgorithmSchema = algorithm('vertical', 'logistic_regression', 'linear_regression');
const TreeAlgorithmSchema = algorithm('vertical', 'xgboost');

const TrainTerms = {
  ...Terms,
  kind: Type.Literal('train'),
  metrics: Type.Array(Type.Enum([...METRIC_NAMES]), { maxItems: METRIC_NAMES.length }),
};
const LinearTrainSchema = Type.Object(
  { ...TrainTerms, algorithm: LinearAlgorithmSchema, parameters: LinearParametersSchema },
  exactly,
);
const TreeTrainSchema = Type.Object(
  { ...TrainTerms, algorithm: TreeAlgorithmSchema, parameters: TreeParametersSchema },
  exactly,
);

const PredictTerms = {
  ...Terms,
  kind: Type.Literal('predict'),
  model: Type.Object({ id: ModelId, taskId: Hex32 }, exactly),
};
const score = {
  predict_threshold: Type.Union([Type.Null(), unitInterval]),
  open_bits: from(4, 20),
};
const LinearPredictSchema = Type.Object(
  { ...PredictTerms, algorithm: LinearAlgorithmSchema, parameters: Type.Object(score, exactly) },
  exactly,
);
const TreePredictSchema = Type.Object(
  {
    ...PredictTerms,
    algorithm: TreeAlgorithmSchema,
    parameters: Type.Object({ ...forest, ...score }, exactly),
  },
  exactly,
);

const PsiSchema = Type.Object(
  {
    ...Terms,
    kind: Type.Literal('psi'),
    algorithm: algorithm('psi', 'intersection', 'labelled_intersection'),
    parameters: Type.Object(
      {
        output: oneOf('rows', 'size'),
        join: oneOf('inner', 'left', 'right', 'full', 'difference'),
      },
      exactly,
    ),
  },
  exactly,
);

/**
 * The fields of `Contract`, their types and ranges, by kind and algorithm: so an error names the field of
 * those. What relates fields is in `contract-check.ts`.
 */
export const CONTRACT_SCHEMAS = {
  train: {
    logistic_regression: LinearTrainSchema,
    linear_regression: LinearTrainSchema,
    xgboost: TreeTrainSchema,
  },
  predict: {
    logistic_regression: LinearPredictSchema,
    linear_regression: LinearPredictSchema,
    xgboost: TreePredictSchema,
  },
  psi: { intersection: PsiSchema, labelled_intersection: PsiSchema },
} as const;

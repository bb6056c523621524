import Type, { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { MAX_DEPTH, type Objective } from '../../ml/trees/parameters.ts';
import { MAX_NOISE, MAX_TREE_BINS } from '../../ml/vertical/trees/parameters.ts';
import { MAX_CLASSES, MAX_TREES } from '../consensus/contract-limits.ts';
import { ApiError } from './api-error.ts';
import type { JsonObject } from './json-shape.ts';
import type { Warning } from './warning.ts';

const positiveInteger = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 });
const nonNegative = Type.Number({ minimum: 0, description: 'a number >= 0' });
const share = Type.Number({
  exclusiveMinimum: 0,
  maximum: 1,
  description: 'a number > 0, at most 1',
});
const whole = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, description: `an integer, ${minimum} to ${maximum}` });

/** Losses by their canonical names and the other spellings of each. */
const LOSS_SPELLINGS: Readonly<Record<string, Loss>> = {
  mse: 'mse',
  squared_error: 'mse',
  mae: 'mae',
  huber: 'huber',
  logloss: 'logloss',
  log_loss: 'logloss',
  bce: 'logloss',
  cross_entropy: 'logloss',
};

export type Loss = 'mse' | 'mae' | 'huber' | 'logloss';

const OBJECTIVES = [
  'binary:logistic',
  'reg:squarederror',
  'multi:softprob',
] as const satisfies readonly Objective[];

/** Every hyper-parameter of every algorithm, by its canonical name. */
const SCHEMA = {
  algorithm: Type.String({ minLength: 1, description: 'the name of an algorithm' }),
  loss: Type.Enum(['mse', 'mae', 'huber', 'logloss'], {
    description: 'mse, mae, huber or logloss',
  }),
  epochs: Type.Integer({ minimum: 1, maximum: 10_000, description: 'an integer, 1 to 10000' }),
  batch_size: described(positiveInteger, 'an integer > 0'),
  learning_rate: Type.Number({ exclusiveMinimum: 0, description: 'a number > 0' }),
  use_validation_set: Type.Boolean({ description: 'true or false' }),
  validation_set_rate: Type.Number({
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
    description: 'a number between 0 and 1, both excluded',
  }),
  predict_threshold: Type.Number({ minimum: 0, maximum: 1, description: 'a number, 0 to 1' }),
  use_intercept: Type.Boolean({ description: 'true or false' }),
  solver: Type.Enum(['auto', 'sgd'], { description: 'auto or sgd' }),
  momentum: Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'a number, 0 <= x < 1' }),
  /** The ridge of linear models, and of leaves. */
  l2: nonNegative,
  class_weight: Type.Union(
    [
      Type.Enum(['none', 'balanced']),
      Type.Object(
        {
          '0': Type.Number({ exclusiveMinimum: 0 }),
          '1': Type.Number({ exclusiveMinimum: 0 }),
        },
        { additionalProperties: false },
      ),
    ],
    { description: 'none, balanced, or {"0": weight, "1": weight} with weights > 0' },
  ),
  seed: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'an integer >= 0',
  }),
  open_bits: Type.Integer({ minimum: 4, maximum: 20, description: 'an integer, 4 to 20' }),
  model_release: Type.Enum(['full', 'split'], { description: 'full or split' }),
  optimizer: Type.Enum(['sgd', 'momentum', 'adam'], { description: 'sgd, momentum or adam' }),
  layer_units: Type.Array(positiveInteger, {
    minItems: 1,
    maxItems: 64,
    description: 'a list of integers > 0',
  }),
  layer_activation: Type.Array(
    Type.Union([Type.Enum(['', 'sigmoid', 'relu', 'tanh']), Type.Null()]),
    { minItems: 1, maxItems: 64, description: 'a list of sigmoid, relu, tanh, "" or null' },
  ),
  init_method: Type.Enum(['random_normal', 'random_uniform', 'zeros', 'ones'], {
    description: 'random_normal, random_uniform, zeros or ones',
  }),
  objective: Type.Enum([...OBJECTIVES], { description: `one of ${OBJECTIVES.join(', ')}` }),
  num_class: whole(1, MAX_CLASSES),
  num_trees: whole(1, MAX_TREES),
  max_depth: whole(1, MAX_DEPTH),
  num_bins: whole(2, MAX_TREE_BINS),
  reg_alpha: nonNegative,
  gamma: nonNegative,
  min_child_weight: nonNegative,
  subsample: share,
  colsample_bytree: share,
  scale_pos_weight: Type.Number({ exclusiveMinimum: 0, description: 'a number > 0' }),
  base_score: Type.Number({ description: 'a number' }),
  early_stopping_rounds: whole(0, MAX_TREES),
  noise_multiplier: whole(1, MAX_NOISE),
} satisfies Record<string, TSchema>;

type Name = keyof typeof SCHEMA;

/** Validated hyper-parameters under their canonical names; absent means "not given". */
export type HyperParameters = { readonly [K in Name]?: Static<(typeof SCHEMA)[K]> };

/** Further names of a key: XGBoost's, in either of its interfaces, are all there. */
const SYNONYMS: Readonly<Partial<Record<Name, readonly string[]>>> = {
  l2: ['lambda', 'lambd', 'reg_lambda', 'l2_penalty'],
  learning_rate: ['eta'],
  seed: ['random_state'],
  num_trees: ['n_estimators', 'num_boost_round', 'num_round'],
  num_bins: ['max_bin'],
  reg_alpha: ['alpha'],
  gamma: ['min_split_loss'],
};

const NAME_OF: ReadonlyMap<string, Name> = new Map(
  (Object.keys(SCHEMA) as Name[]).flatMap((name) =>
    [name, ...(SYNONYMS[name] ?? [])].flatMap((alias): [string, Name][] => [
      [alias, name],
      [camelCase(alias), name],
    ]),
  ),
);

function described<S extends TSchema>(schema: S, description: string): S {
  return { ...schema, description };
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Hyper-parameters of a request. A wrong type or range, or two names of one parameter that
 * disagree, throws `INVALID_REQUEST`; an unknown key is a warning, or an error when `strict`.
 */
export function parseHyperParameters(
  given: JsonObject,
  strict: boolean,
): { readonly hyper: HyperParameters; readonly warnings: readonly Warning[] } {
  const hyper = new Map<Name, { readonly key: string; readonly value: unknown }>();
  const warnings: Warning[] = [];
  for (const [key, raw] of Object.entries(given)) {
    if (raw === null) continue;
    const name = NAME_OF.get(key);
    if (!name) {
      const message = `hyper_params.${key} is not a known hyper-parameter`;
      if (strict) throw new ApiError('INVALID_REQUEST', message);
      warnings.push({ code: 'UNKNOWN_FIELD', message: `${message}; ignored` });
      continue;
    }
    const value = checkHyperParameter(name, key, raw);
    const earlier = hyper.get(name);
    if (earlier && !Value.Equal(earlier.value, value)) {
      throw new ApiError(
        'INVALID_REQUEST',
        `hyper_params.${earlier.key} and hyper_params.${key} are the same parameter and differ`,
      );
    }
    hyper.set(name, { key, value });
  }
  // Every value passed its own schema just above.
  const checked: HyperParameters = Object.fromEntries(
    [...hyper].map(([name, { value }]) => [name, value]),
  );
  return { hyper: checked, warnings };
}

function checkHyperParameter(name: Name, key: string, raw: unknown): unknown {
  const schema: TSchema & { description?: string } = SCHEMA[name];
  const value = name === 'loss' && typeof raw === 'string' ? lossName(raw) : raw;
  if (Value.Check(schema, value)) return value;
  throw new ApiError('INVALID_REQUEST', `hyper_params.${key} must be ${schema.description}`);
}

function lossName(spelling: string): string {
  const plain = spelling.toLowerCase();
  return Object.hasOwn(LOSS_SPELLINGS, plain) ? LOSS_SPELLINGS[plain]! : spelling;
}

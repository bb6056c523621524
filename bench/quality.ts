/**
 * Quality of the joint model on any files of two parties or more, by the real protocol between nodes:
 * `--algorithm lr|linear|xgb --guest FILE --host FILE [--host FILE ...] --id COLUMN --label COLUMN --folds K`, and
 * hyper-parameters under their names in a request, those of trees also as XGBoost spells them.
 */
import type { Algorithm } from '../examples/comparison-models.ts';
import { joinTables } from '../examples/joined-tables.ts';
import { compareFold, type FoldScores, type Scores } from '../examples/joint-comparison.ts';
import { startOrganisations } from '../examples/organisation.ts';
import { OptionError, oneOf, readOptions, wholeNumber } from './options.ts';
import type { BenchResult } from './result.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

const ALGORITHMS = {
  lr: 'logistic_regression',
  logistic_regression: 'logistic_regression',
  linear: 'linear_regression',
  linear_regression: 'linear_regression',
  xgb: 'xgboost',
  xgboost: 'xgboost',
} as const satisfies Readonly<Record<string, Algorithm>>;

/** Passed on as they are; the comparison itself sets those that concern validation. */
const HYPER_PARAMETERS = {
  linear: [
    ...['loss', 'epochs', 'batch_size', 'learning_rate', 'momentum', 'l2'],
    ...['use_intercept', 'solver', 'class_weight', 'seed', 'open_bits'],
  ],
  trees: [
    ...['num_trees', 'n_estimators', 'num_boost_round', 'num_round', 'learning_rate', 'eta'],
    ...['max_depth', 'num_bins', 'max_bin', 'lambda', 'reg_lambda', 'l2', 'alpha', 'reg_alpha'],
    ...['gamma', 'min_split_loss', 'min_child_weight', 'subsample', 'colsample_bytree'],
    ...['scale_pos_weight', 'base_score', 'seed', 'random_state', 'noise_multiplier', 'open_bits'],
  ],
} as const;

const text = { type: 'string' } as const;
const HYPER_OPTIONS = Object.fromEntries(
  Object.values(HYPER_PARAMETERS)
    .flat()
    .map((name) => [name, text]),
);

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    algorithm: { ...text, default: 'lr' },
    guest: { ...text, default: 'examples/data/default_credit_hetero_guest.csv' },
    host: { ...text, default: ['examples/data/default_credit_hetero_host.csv'], multiple: true },
    id: { ...text, default: 'id' },
    label: { ...text, default: 'y' },
    folds: { ...text, default: '5' },
    ...HYPER_OPTIONS,
  });
  const algorithms = Object.keys(ALGORITHMS) as (keyof typeof ALGORITHMS)[];
  const algorithm = ALGORITHMS[oneOf('algorithm', values.algorithm, algorithms)];
  const { guest, host: hosts, id, label } = values;
  if (hosts.length > 1 && algorithm !== 'xgboost') {
    throw new OptionError('--host expected one file: linear models have two parties');
  }
  const folds = wholeNumber('folds', values.folds, 2);
  const names = HYPER_PARAMETERS[algorithm === 'xgboost' ? 'trees' : 'linear'];
  const hyperParams = hyperParamsOf(values, names);
  const parties = [
    'guest',
    ...(hosts.length === 1 ? ['host'] : hosts.map((_, h) => `host-${h + 1}`)),
  ];
  return inTemporaryFolder(async (directory) => {
    const tables = await joinTables({ guest, hosts, id, label });
    // Few rows and many trees have a smaller margin than nodes ask for; these tables are public.
    const nodes = await startOrganisations(directory, parties, { minimumMargin: 0 });
    const start = performance.now();
    try {
      const scores: FoldScores[] = [];
      for (let fold = 0; fold < folds; fold++) {
        const options = { id, label, algorithm, fold, folds, hyperParams };
        scores.push(await compareFold(nodes, tables, options));
      }
      const rss = await Promise.all(nodes.map((node) => node.peakRssMb()));
      return {
        bench: 'quality',
        params: { algorithm, guest, hosts, id, label, folds, ...hyperParams },
        correct: scores.every(({ joint }) => Object.values(joint).every((value) => value !== null)),
        seconds: (performance.now() - start) / 1000,
        secondsPerFold: scores.reduce((sum, { seconds }) => sum + seconds, 0) / folds,
        bytesSent: bytesOf(scores, parties),
        peakRssMb: Object.fromEntries(parties.map((name, i) => [name, rss[i]!])),
        metrics: {
          joint: summary(scores.map(({ joint }) => joint)),
          guest: summary(scores.map(({ guest }) => guest)),
          host: summary(scores.map(({ host }) => host)),
          centralised: summary(scores.map(({ centralised }) => centralised)),
        },
      };
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  });
}

/** Means over the folds, and the folds. */
function summary(folds: readonly Scores[]): object {
  const names = Object.keys(folds[0] ?? {}) as (keyof Scores)[];
  const mean = (key: keyof Scores): number =>
    folds.reduce((sum, fold) => sum + (fold[key] ?? Number.NaN), 0) / folds.length;
  return { ...Object.fromEntries(names.map((key) => [key, mean(key)])), folds };
}

/** Bytes that each node sent over all folds, from the tasks' transport receipts. */
function bytesOf(scores: readonly FoldScores[], names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      scores.reduce((sum, { extra }) => {
        const sent = (extra.bytes_sent ?? {}) as Readonly<Record<string, number>>;
        return sum + (sent[name] ?? 0);
      }, 0),
    ]),
  );
}

/** Hyper-parameters as a request's JSON has them: numbers, booleans, or text. */
function hyperParamsOf(
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const known = Object.keys(HYPER_OPTIONS).filter((name) => values[name] !== undefined);
  const foreign = known.find((name) => !names.includes(name));
  if (foreign) throw new OptionError(`--${foreign} is no hyper-parameter of this algorithm`);
  return Object.fromEntries(known.map((name) => [name, parsed(values[name] as string)]));
}

/** A number as people write it (`.3`), other JSON, or a text. */
function parsed(value: string): unknown {
  const number = Number(value);
  if (value.trim() !== '' && Number.isFinite(number)) return number;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/**
 * Quality of the joint model on any pair of files, by the real two-node protocol:
 * `--algorithm lr|linear --guest FILE --host FILE --id COLUMN --label COLUMN --folds K`, and the
 * hyper-parameters of linear models under their names in a request.
 */
import {
  type Algorithm,
  compareFold,
  type FoldScores,
  joinPair,
  type Scores,
} from '../examples/joint-comparison.ts';
import { startPair } from '../examples/organisation.ts';
import type { HyperParameters } from '../src/party/http/hyper-parameters.ts';
import { OptionError, oneOf, readOptions, wholeNumber } from './options.ts';
import type { BenchResult } from './result.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

const ALGORITHMS = {
  lr: 'logistic_regression',
  logistic_regression: 'logistic_regression',
  linear: 'linear_regression',
  linear_regression: 'linear_regression',
} as const satisfies Readonly<Record<string, Algorithm>>;

/** Passed on as they are; the comparison itself sets those that concern validation. */
const HYPER_PARAMETERS = [
  'loss',
  'epochs',
  'batch_size',
  'learning_rate',
  'momentum',
  'l2',
  'use_intercept',
  'solver',
  'class_weight',
  'seed',
  'open_bits',
] as const satisfies readonly (keyof HyperParameters)[];

const text = { type: 'string' } as const;
const HYPER_OPTIONS = Object.fromEntries(HYPER_PARAMETERS.map((name) => [name, text]));

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
  const [host, ...more] = values.host;
  if (more.length > 0) {
    throw new OptionError('training with more than one host is not available yet');
  }
  const files = { guest: values.guest, host: host!, id: values.id, label: values.label };
  const folds = wholeNumber('folds', values.folds, 2);
  const hyperParams = hyperParamsOf(values);
  return inTemporaryFolder(async (directory) => {
    const pair = await joinPair(files);
    const nodes = await startPair(directory, ['guest', 'host']);
    const start = performance.now();
    try {
      const scores: FoldScores[] = [];
      for (let fold = 0; fold < folds; fold++) {
        scores.push(
          await compareFold(nodes, pair, { ...files, algorithm, fold, folds, hyperParams }),
        );
      }
      return {
        bench: 'quality',
        params: { algorithm, ...files, folds, ...hyperParams },
        correct: scores.every(({ joint }) => Object.values(joint).every((value) => value !== null)),
        seconds: (performance.now() - start) / 1000,
        bytesSent: bytesOf(
          scores,
          nodes.map((node) => node.name),
        ),
        peakRssMb: {
          guest: await nodes[0].peakRssMb(),
          host: await nodes[1].peakRssMb(),
        },
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
function hyperParamsOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = HYPER_PARAMETERS.flatMap((name): [string, unknown][] => {
    const value = values[name];
    return typeof value === 'string' ? [[name, parsed(value)]] : [];
  });
  return Object.fromEntries(given);
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

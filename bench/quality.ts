/**
 * Quality of the joint model on any pair of files, by the real two-node protocol:
 * `--algorithm lr|linear --guest FILE --host FILE --id COLUMN --label COLUMN --folds K`; every other
 * `--name value` is a hyper-parameter.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Algorithm,
  compareFold,
  type FoldScores,
  joinPair,
  type Scores,
} from '../examples/joint-comparison.ts';
import { startPair } from '../examples/organisation.ts';
import { count, option, options } from './options.ts';
import type { BenchResult } from './result.ts';

const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  lr: 'logistic_regression',
  logistic_regression: 'logistic_regression',
  linear: 'linear_regression',
  linear_regression: 'linear_regression',
};

const OWN_OPTIONS = ['algorithm', 'guest', 'host', 'id', 'label', 'folds'];

export async function run(args: readonly string[]): Promise<BenchResult> {
  const name = option(args, 'algorithm', 'lr');
  const algorithm = ALGORITHMS[name];
  if (!algorithm)
    throw new RangeError(`--algorithm is one of ${Object.keys(ALGORITHMS).join(', ')}`);
  if (options(args, 'host').length > 1) {
    throw new RangeError('training with more than one host is not available yet');
  }
  const files = {
    guest: option(args, 'guest', 'examples/data/default_credit_hetero_guest.csv'),
    host: option(args, 'host', 'examples/data/default_credit_hetero_host.csv'),
    id: option(args, 'id', 'id'),
    label: option(args, 'label', 'y'),
  };
  const folds = count(args, 'folds', 5);
  const hyperParams = hyperParamsOf(args);
  const pair = await joinPair(files);
  const directory = await mkdtemp(join(tmpdir(), 'entente-quality-'));
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
    await rm(directory, { recursive: true, force: true });
  }
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

function hyperParamsOf(args: readonly string[]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [i, arg] of args.entries()) {
    const name = arg.startsWith('--') ? arg.slice(2) : '';
    if (name === '' || OWN_OPTIONS.includes(name)) continue;
    const value = args[i + 1] ?? '';
    given[name] = /^-?[0-9.e+-]+$/.test(value) ? Number(value) : value;
  }
  return given;
}

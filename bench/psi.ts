/**
 * A set intersection as a node computes it, from each party's CSV file to its file of aligned results,
 * by processes of their own that have sessions with each other over mutual TLS:
 * `--n ROWS [--parties 2] [--engine rr22] [--threads 2] [--seed 0]`. Half of each party's keys are
 * everybody's, the others are its own.
 */
import { join } from 'node:path';
import type { DatasetOffer } from '../src/party/datasets/datasets.ts';
import { oneOf, readOptions, wholeNumber } from './options.ts';
import { runParties } from './parties.ts';
import { checkFiles, describeFile, writeKeys } from './psi-files.ts';
import { type Intersected, type PsiJob, psiContract } from './psi-party.ts';
import type { BenchResult } from './result.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

const ENGINES = ['rr22', 'ecdh'] as const;

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    engine: { type: 'string', default: 'rr22' },
    n: { type: 'string', default: '1048576' },
    parties: { type: 'string', default: '2' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
  });
  const params = {
    engine: oneOf('engine', values.engine, ENGINES),
    n: wholeNumber('n', values.n),
    parties: wholeNumber('parties', values.parties, 2),
    threads: wholeNumber('threads', values.threads),
    seed: wholeNumber('seed', values.seed, 0),
  };
  return inTemporaryFolder((folder) => intersect(folder, params));
}

interface Params {
  readonly engine: (typeof ENGINES)[number];
  readonly n: number;
  readonly parties: number;
  readonly threads: number;
  readonly seed: number;
}

async function intersect(folder: string, params: Params): Promise<BenchResult> {
  const { engine, n, parties, threads, seed } = params;
  const names = Array.from({ length: parties }, (_, i) => `party${i}`);
  const keys = { n, parties, seed };
  const offers: DatasetOffer[] = [];
  for (const [i, name] of names.entries()) {
    await writeKeys(join(folder, name), keys, i);
    offers.push(await describeFile(join(folder, name)));
  }
  const contract = psiContract(engine, names, offers);
  const start = performance.now();
  const outcomes = await runParties<PsiJob, Intersected>(
    new URL('./psi-party.js', import.meta.url).href,
    names,
    names.map((self, i) => ({
      ...{ self, contract, threads, salt: offers[i]!.salt },
      folder: join(folder, self),
    })),
  );
  const seconds = (performance.now() - start) / 1000;
  const results = outcomes.map(({ result }) => result);
  const slowest = (figure: (result: Intersected) => number): number =>
    Math.max(...results.map(figure));
  const protocolSeconds = slowest((result) => result.protocolSeconds);
  const byName = <T>(figures: readonly T[]): Record<string, T> =>
    Object.fromEntries(names.map((name, i) => [name, figures[i]!]));
  const bytes = outcomes.map(({ bytesSent }) => bytesSent);
  return {
    bench: 'psi',
    params: { ...params },
    correct: await checkFiles(
      names.map((name) => join(folder, name)),
      keys,
    ),
    seconds,
    protocolSeconds,
    bytesSent: byName(bytes),
    peakRssMb: byName(outcomes.map(({ peakRssMb }) => peakRssMb)),
    metrics: {
      protocolSeconds,
      loadSeconds: slowest((result) => result.loadSeconds),
      writeSeconds: slowest((result) => result.writeSeconds),
      intersection: results[0]!.common,
      rowsPerSecond: n / protocolSeconds,
      bytesPerRow: bytes.reduce((sum, each) => sum + each, 0) / n,
    },
  };
}

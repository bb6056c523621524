/**
 * What durable records cost a training: a pair of real nodes, and another one whose store and audit log are in memory,
 * train the same taking turns: `--algorithm lr|xgb [--n 30000] [--da 13] [--dh 10] [--iterations 30] [--runs 5]
 * [--memory-folder /dev/shm] [--seed 0]`. Whatever else nodes keep is on the disk in both.
 */
import { createReadStream } from 'node:fs';
import { copyFile, cp, mkdir, rm, statfs, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Organisation, startOrganisations } from '../examples/organisation.ts';
import { Store, storeKey } from '../src/party/store.ts';
import type { TrainTaskRequest } from '../src/sdk/node-client.ts';
import { OptionError, oneOf, readOptions, wholeNumber } from './options.ts';
import type { BenchResult } from './result.ts';
import { LABEL_COLUMN, writeParquet } from './synthetic-table.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

const PARTIES = ['guest', 'host'] as const;
const PLACES = ['disk', 'memory'] as const;
type Place = (typeof PLACES)[number];
type ByPlace<T> = Readonly<Record<Place, T>>;

const FILE = 'table.parquet';
const POLL_MS = 10;
const SYNCS = 200;
/** `f_type` of file systems in memory: tmpfs and ramfs, linux/magic.h. */
const MEMORY_TYPES: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

interface Training {
  readonly algorithm: 'lr' | 'xgb';
  readonly iterations: number;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    algorithm: { type: 'string', default: 'lr' },
    n: { type: 'string', default: '30000' },
    da: { type: 'string', default: '13' },
    dh: { type: 'string', default: '10' },
    iterations: { type: 'string', default: '30' },
    runs: { type: 'string', default: '5' },
    'memory-folder': { type: 'string', default: '/dev/shm' },
    seed: { type: 'string', default: '0' },
  });
  const shape = {
    n: wholeNumber('n', values.n, 100),
    da: wholeNumber('da', values.da),
    dh: wholeNumber('dh', values.dh),
    seed: wholeNumber('seed', values.seed, 0),
  };
  const training: Training = {
    algorithm: oneOf('algorithm', values.algorithm, ['lr', 'xgb']),
    iterations: wholeNumber('iterations', values.iterations, 2),
  };
  const runs = wholeNumber('runs', values.runs, 2);
  const memoryFolder = values['memory-folder'];
  await checkPlaces(memoryFolder);

  const figures = await inTemporaryFolder((disk) =>
    inTemporaryFolder(async (memory) => {
      const table = { guest: join(disk, 'guest.parquet'), host: join(disk, 'host.parquet') };
      await writeParquet(shape, table);
      const nodes: Organisation[] = [];
      const start = async (name: string): Promise<readonly Organisation[]> => {
        const pair = await startPair(join(disk, name), table);
        nodes.push(...pair);
        return pair;
      };
      let comparison: Comparison;
      try {
        const pairs = { disk: await start('disk'), memory: await start('memory') };
        for (const node of pairs.memory) await keepRecordsIn(join(memory, node.name), node);
        comparison = await compare(pairs, training, runs);
      } finally {
        await Promise.all(nodes.map((node) => node.stop()));
      }
      const [guest, host] = nodes;
      const log = {
        guest: await taskLogOf(guest!, comparison.task, disk),
        host: await taskLogOf(host!, comparison.task, disk),
      };
      const syncs = {
        disk: await syncSeconds(join(disk, 'syncs'), log.guest),
        memory: await syncSeconds(join(memory, 'syncs'), log.guest),
      };
      return { ...comparison, log, syncs };
    }, memoryFolder),
  );

  const { seconds, ratios, log, syncs } = figures;
  const [disk, memory] = [median(seconds.disk), median(seconds.memory)];
  return {
    bench: 'audit-cost',
    params: { ...training, ...shape, runs },
    correct: true,
    seconds: disk,
    ratio: disk / memory,
    bytesSent: {},
    peakRssMb: {},
    metrics: {
      medianSeconds: { disk, memory },
      medianOfRatios: median(ratios),
      meanOfRatios: meanOfRatios(ratios),
      ratios: ratios.map(round),
      seconds: { disk: seconds.disk.map(round), memory: seconds.memory.map(round) },
      log,
      syncSeconds: syncs,
      // If no two entries shared a write, both parties' waited for each other, and nothing went on meanwhile.
      mostWaiting: ((syncs.disk - syncs.memory) * (log.guest.entries + log.host.entries)) / memory,
    },
    notes: [
      'seconds are from the request until both parties are done; the ratio is of the medians, disk over memory',
      'on the disk or in memory are the store, which has all entries, and the audit log with its tiles',
      'meanOfRatios, geometric and with its standard error, is over trainings next to each other',
    ],
  };
}

interface Comparison {
  readonly seconds: ByPlace<readonly number[]>;
  /** Disk over memory, of trainings next to each other. */
  readonly ratios: readonly number[];
  /** The last task on the disk. */
  readonly task: string;
}

/** In both places the same, turn by turn; which one is first changes from run to run. */
async function compare(
  pairs: ByPlace<readonly Organisation[]>,
  training: Training,
  runs: number,
): Promise<Comparison> {
  for (const place of PLACES) await train(pairs[place], training);
  const seconds: Record<Place, number[]> = { disk: [], memory: [] };
  let task = '';
  for (let i = 0; i < runs; i++) {
    for (const place of i % 2 === 0 ? PLACES : PLACES.toReversed()) {
      const outcome = await train(pairs[place], training);
      seconds[place].push(outcome.seconds);
      if (place === 'disk') task = outcome.task;
    }
  }
  return { seconds, ratios: seconds.disk.map((value, i) => value / seconds.memory[i]!), task };
}

/** From the request to the model, at both parties. Throws when the training fails. */
async function train(
  nodes: readonly Organisation[],
  training: Training,
): Promise<{ readonly task: string; readonly seconds: number }> {
  const began = performance.now();
  const task = await nodes[0]!.client.submitTrainTask(requestOf(training));
  // In turn: the other party knows the task only once it was proposed.
  for (const { client } of nodes) await client.waitForTask(task, { intervalMs: POLL_MS });
  return { task, seconds: (performance.now() - began) / 1000 };
}

function requestOf({ algorithm, iterations }: Training): TrainTaskRequest {
  const provider = (name: string) => ({ name, data_path: FILE, data_type: 'parquet' });
  const [guest, host] = PARTIES;
  return {
    data_providers: [{ ...provider(guest), label_column: LABEL_COLUMN }, provider(host)],
    result_receivers: [guest],
    ...(algorithm === 'lr'
      ? {
          algorithm: 'logistic_regression',
          hyper_params: { solver: 'auto', epochs: iterations, seed: 0 },
        }
      : {
          algorithm: 'xgboost',
          hyper_params: { num_trees: iterations, max_depth: 3, use_validation_set: false },
        }),
    metrics: ['auc'],
    purpose: 'benchmark',
  };
}

async function startPair(
  folder: string,
  table: Readonly<Record<(typeof PARTIES)[number], string>>,
): Promise<readonly Organisation[]> {
  // Small tables with many trees open more than the default margin allows; they are nobody's here.
  const nodes = await startOrganisations(folder, PARTIES, { minimumMargin: 0 });
  for (const party of PARTIES) {
    const data = join(folder, party, 'data');
    await mkdir(data, { recursive: true });
    await copyFile(table[party], join(data, FILE));
  }
  return nodes;
}

/** Moves what a node records to another file system, and starts it again. */
async function keepRecordsIn(folder: string, node: Organisation): Promise<void> {
  await node.stop();
  for (const name of ['store', 'audit']) {
    const records = join(node.directory, 'state', name);
    await mkdir(records, { recursive: true }); // there is no audit folder before the first checkpoint
    await cp(records, join(folder, name), { recursive: true });
    await rm(records, { recursive: true });
    await symlink(join(folder, name), records);
  }
  await node.start();
}

/** Entries about a task, and their bytes. */
interface TaskLog {
  readonly entries: number;
  readonly bytes: number;
}

/** What a stopped node recorded of a task. */
async function taskLogOf(node: Organisation, task: string, folder: string): Promise<TaskLog> {
  const file = join(folder, `${node.name}.jsonl`);
  await node.cli('audit', 'export', '--task', task, '--out', file);
  const log = { entries: 0, bytes: 0 };
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const { line, entry } = JSON.parse(text) as {
      readonly line: string;
      readonly entry?: { readonly kind: string };
    };
    if (line !== 'entry' || entry!.kind === 'export') continue;
    log.entries += 1;
    log.bytes += Buffer.byteLength(JSON.stringify(entry));
  }
  return log;
}

/** What one synced write of an entry takes: the median of many, alone. */
async function syncSeconds(folder: string, { entries, bytes }: TaskLog): Promise<number> {
  const store = await Store.open(folder);
  const table = store.table<string>('auditEntries');
  const value = 'x'.repeat(bytes / entries);
  const seconds: number[] = [];
  for (let i = 0; i < SYNCS; i++) {
    const began = performance.now();
    await store.write(table.put(storeKey(i), value));
    seconds.push((performance.now() - began) / 1000);
  }
  await store.close();
  return median(seconds);
}

async function checkPlaces(memoryFolder: string): Promise<void> {
  if (!(await isInMemory(memoryFolder))) {
    throw new OptionError(
      `--memory-folder expected a folder of a file system in memory (tmpfs), got "${memoryFolder}"`,
    );
  }
  if (await isInMemory(tmpdir())) {
    throw new OptionError(
      `the temporary folder ${tmpdir()} is in memory, too; set TMPDIR to a folder on a disk`,
    );
  }
}

async function isInMemory(folder: string): Promise<boolean> {
  const found = await statfs(folder).catch(() => undefined);
  return found !== undefined && MEMORY_TYPES.has(found.type);
}

/** Geometric mean, and its standard error. */
function meanOfRatios(ratios: readonly number[]): {
  readonly mean: number;
  readonly error: number;
} {
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length;
  const variance = logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (logs.length - 1);
  return { mean: Math.exp(mean), error: Math.sqrt(variance / logs.length) };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

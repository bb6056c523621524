/**
 * Joint gradient boosting by real nodes on synthetic data, beside plain boosting of the pooled table:
 * `--n ROWS --da COLUMNS --dh COLUMNS [--hosts 1] [--depth 5] [--bins 32] [--trees 5] [--seed 0]`, dh columns a host.
 *
 * The rows are aligned by their order, and all of them train. Joint trees have noise in what the hosts'
 * candidates gain, so that the metrics are compared, not the trees; the released forest is applied to the
 * pooled table, where it has to score what the nodes report.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startOrganisations } from '../examples/organisation.ts';
import { evaluate, type MetricName } from '../src/ml/metrics/evaluate.ts';
import {
  type BoostedTrees,
  fitBoostedTrees,
  predictBoosted,
} from '../src/ml/trees/gradient-boosting.ts';
import { parseModelDocument } from '../src/party/models/model-document.ts';
import type { TrainTaskRequest } from '../src/sdk/node-client.ts';
import { readOptions, wholeNumber } from './options.ts';
import { type Metrics, metricDeviation } from './plain-check.ts';
import type { BenchResult } from './result.ts';
import { joinedTable, LABEL_COLUMN, type TableShape, writeParquet } from './synthetic-table.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

const METRICS: readonly MetricName[] = ['auc', 'ks', 'logloss'];
const OPEN_BITS = 16;
const LEARNING_RATE = 0.3;
const POLL_MS = 100;

/** Of the joint model's metrics from the plain one's: what other splits among almost equal ones make. */
const METRIC_TOLERANCE = 0.01;
/** Of reported metrics from those of the released forest: both are rounded. */
const RELEASE_TOLERANCE = 2 * 2 ** -OPEN_BITS;
/** Cells that plain boosting is given at most. It takes 12 bytes a cell. */
const MAX_CELLS = 100_000_000;

interface Training extends TableShape {
  readonly hosts: number;
  readonly depth: number;
  readonly bins: number;
  readonly trees: number;
}

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    n: { type: 'string', default: '100000' },
    da: { type: 'string', default: '20' },
    dh: { type: 'string', default: '20' },
    hosts: { type: 'string', default: '1' },
    depth: { type: 'string', default: '5' },
    bins: { type: 'string', default: '32' },
    trees: { type: 'string', default: '5' },
    seed: { type: 'string', default: '0' },
  });
  const hosts = wholeNumber('hosts', values.hosts);
  const training: Training = {
    n: wholeNumber('n', values.n, 100),
    da: wholeNumber('da', values.da),
    dh: wholeNumber('dh', values.dh) * hosts,
    seed: wholeNumber('seed', values.seed, 0),
    hosts,
    depth: wholeNumber('depth', values.depth),
    bins: wholeNumber('bins', values.bins, 2),
    trees: wholeNumber('trees', values.trees, 2), // the first one warms up
  };
  const { model, metrics, ...figures } = await inTemporaryFolder((folder) =>
    trainJointly(folder, training),
  );
  const rows = Math.min(training.n, Math.floor(MAX_CELLS / (training.da + training.dh)));
  const plain = comparePlainly({ ...training, n: rows }, model);
  const deviations = {
    metricDeviation: metricDeviation(metrics, plain.metrics),
    ...(rows === training.n && { releaseDeviation: metricDeviation(metrics, plain.released) }),
  };
  const { metricDeviation: deviation, releaseDeviation = 0 } = deviations;
  const { dh: _, ...shape } = training;
  return {
    bench: 'vertical-xgb',
    params: { ...shape, dh: training.dh / hosts, openBits: OPEN_BITS },
    correct: deviation < METRIC_TOLERANCE && releaseDeviation < RELEASE_TOLERANCE,
    ...figures.result,
    metrics: {
      joint: metrics,
      plain: plain.metrics,
      phaseSeconds: figures.phaseSeconds,
      ...deviations,
    },
    notes: [
      'times and bytes a tree: means, the first tree left out; seconds are the slowest party’s',
      ...(rows < training.n
        ? [`checked by metrics only: the plain model has seen the first ${rows} rows`]
        : []),
    ],
  };
}

interface JointRun {
  readonly model: BoostedTrees;
  readonly metrics: Metrics;
  readonly phaseSeconds: Readonly<Record<string, number>>;
  readonly result: Pick<BenchResult, 'seconds' | 'bytesSent' | 'peakRssMb'> & {
    readonly secondsPerTree: number;
    readonly bytesPerTree: Readonly<Record<string, number>>;
  };
}

/** What a task's view says in `extra`. */
interface TaskFigures {
  readonly seconds: Readonly<Record<string, number>>;
  readonly seconds_per_tree: number;
  readonly bytes_per_tree: Readonly<Record<string, number>>;
  readonly bytes_sent: Readonly<Record<string, number>>;
}

async function trainJointly(folder: string, training: Training): Promise<JointRun> {
  const { hosts } = training;
  const names = ['guest', ...hostNames(hosts)];
  const file = 'table.parquet';
  // Small tables with many trees open more than the default margin allows; they are nobody's here.
  const nodes = await startOrganisations(folder, names, { minimumMargin: 0 });
  const [guest] = nodes;
  try {
    const data = names.map((name) => join(folder, name, 'data'));
    for (const each of data) await mkdir(each, { recursive: true });
    const [own, ...theirs] = data.map((each) => join(each, file));
    await writeParquet(training, { guest: own!, host: theirs });
    const start = performance.now();
    const taskId = await guest!.client.submitTrainTask(requestOf(training, names, file));
    const view = await guest!.client.waitForTask(taskId, { intervalMs: POLL_MS });
    const seconds = (performance.now() - start) / 1000;
    const views = await Promise.all(
      nodes.map(({ client }) => client.waitForTask(taskId, { intervalMs: POLL_MS })),
    );

    const figures = views.map(({ extra }) => JSON.parse(extra!) as TaskFigures);
    const document = parseModelDocument(await guest!.result(view.path!));
    if (document.algorithm !== 'xgboost') throw new Error('expected a forest');
    const rss = await Promise.all(nodes.map((node) => node.peakRssMb()));
    return {
      model: document.trees,
      metrics: view.metrics ?? {},
      phaseSeconds: figures[0]!.seconds,
      result: {
        seconds,
        secondsPerTree: Math.max(...figures.map((each) => each.seconds_per_tree)),
        bytesPerTree: figures[0]!.bytes_per_tree,
        bytesSent: figures[0]!.bytes_sent,
        peakRssMb: Object.fromEntries(names.map((name, i) => [name, rss[i]!])),
      },
    };
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

function hostNames(hosts: number): string[] {
  return hosts === 1 ? ['host'] : Array.from({ length: hosts }, (_, h) => `host-${h + 1}`);
}

function requestOf(
  { depth, bins, trees }: Training,
  [guest, ...hosts]: readonly string[],
  file: string,
): TrainTaskRequest {
  const provider = (name: string) => ({ name, data_path: file, data_type: 'parquet' });
  return {
    data_providers: [
      { ...provider(guest!), label_column: LABEL_COLUMN },
      ...hosts.map((name) => provider(name)),
    ],
    result_receivers: [guest!],
    algorithm: 'xgboost',
    hyper_params: {
      ...{ num_trees: trees, max_depth: depth, num_bins: bins, learning_rate: LEARNING_RATE },
      use_validation_set: false,
      open_bits: OPEN_BITS,
    },
    metrics: METRICS,
    purpose: 'benchmark',
  };
}

/** Metrics on the same rows: of plain boosting, and of the released forest. */
function comparePlainly(
  training: Training,
  released: BoostedTrees,
): { readonly metrics: Metrics; readonly released: Metrics } {
  const { depth, bins, trees } = training;
  const { X, y } = joinedTable(training);
  const plain = fitBoostedTrees(X, y, {
    ...{ numTrees: trees, maxDepth: depth, numBins: bins, learningRate: LEARNING_RATE },
  });
  const score = (model: BoostedTrees): Metrics =>
    evaluate(METRICS, y, predictBoosted(model, X)[0]!, { task: 'binary' }).metrics;
  return { metrics: score(plain), released: score(released) };
}

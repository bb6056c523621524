/**
 * Joint logistic regression by two real nodes on synthetic data, beside the same solver in the clear:
 * `--n ROWS --da COLUMNS --dh COLUMNS [--iterations 40] [--solver auto] [--seed 0] [--no-unprotected]`.
 *
 * The rows are aligned by their order. The released weights are compared with those of the plain solver
 * after as many iterations on the same rows, with the series and the step that joint training has.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startPair } from '../examples/organisation.ts';
import type { LinearModel } from '../src/ml/linear/model.ts';
import type { MetricName } from '../src/ml/metrics/evaluate.ts';
import { type LinearDocument, parseModelDocument } from '../src/party/models/model-document.ts';
import type { TrainTaskRequest } from '../src/sdk/node-client.ts';
import { oneOf, readOptions, wholeNumber } from './options.ts';
import {
  deviation,
  type Metrics,
  metricDeviation,
  type PlainModels,
  type Training,
  trainPlain,
} from './plain-check.ts';
import type { BenchResult } from './result.ts';
import { columnNames, LABEL_COLUMN, type TableShape, writeParquet } from './synthetic-table.ts';
import { inTemporaryFolder } from './temporary-folder.ts';
import { trainUnprotected, type UnprotectedOutcome } from './unprotected-lr.ts';

const PARTIES = ['guest', 'host'] as const;
type ByParty<T> = Readonly<Record<(typeof PARTIES)[number], T>>;

const METRICS: readonly MetricName[] = ['auc', 'ks', 'logloss'];
const OPEN_BITS = 10;
const POLL_MS = 100;

/**
 * Largest deviation of a released weight, in standard deviations of its column: it is rounded up or down to
 * a unit of at most 2^-open_bits of them; as much again for fixed point.
 */
const WEIGHT_TOLERANCE = 2 * 2 ** -OPEN_BITS;
/** Of metrics, when the plain model has seen only a part of the rows. */
const METRIC_TOLERANCE = 0.01;
/** Without protection only the order of some additions differs. */
const CLEAR_TOLERANCE = 1e-9;

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    n: { type: 'string', default: '100000' },
    da: { type: 'string', default: '20' },
    dh: { type: 'string', default: '20' },
    iterations: { type: 'string', default: '40' },
    solver: { type: 'string', default: 'auto' },
    seed: { type: 'string', default: '0' },
    unprotected: { type: 'boolean', default: true },
  });
  const shape = {
    n: wholeNumber('n', values.n, 100),
    da: wholeNumber('da', values.da),
    dh: wholeNumber('dh', values.dh),
    seed: wholeNumber('seed', values.seed, 0),
  };
  const solver = oneOf('solver', values.solver, ['auto']);
  const training: Training = {
    ...shape,
    iterations: wholeNumber('iterations', values.iterations, 2), // the first one warms up
    l2: 1,
    validationRate: 0.2,
    splitSeed: 0,
  };
  const joint = await inTemporaryFolder((folder) => trainJointly(folder, training));
  const clear = values.unprotected ? await trainUnprotected(training) : undefined;
  const plain = trainPlain(training, METRICS);

  const checks = compare(training, plain, joint, clear?.model);
  const { model: _, metrics, phaseSeconds, ...figures } = joint;
  return {
    bench: 'vertical-lr',
    params: { ...shape, iterations: training.iterations, solver, openBits: OPEN_BITS },
    correct: checks.correct,
    ...figures,
    metrics: {
      joint: metrics,
      plain: plain.metrics,
      phaseSeconds,
      ...checks.deviations,
      ...(clear && priceOfProtection(joint, clear)),
    },
    notes: [
      'deviations of weights are in standard deviations of their columns',
      ...(plain.rows < shape.n
        ? [`checked by metrics only: the plain model has seen the first ${plain.rows} rows`]
        : []),
    ],
  };
}

interface JointRun {
  readonly model: LinearModel;
  readonly metrics: Metrics;
  /** From the request to the model. */
  readonly seconds: number;
  readonly phaseSeconds: Readonly<Record<string, number>>;
  readonly secondsPerIteration: ByParty<number>;
  readonly bytesPerIteration: ByParty<number>;
  readonly bytesSent: ByParty<number>;
  readonly peakRssMb: ByParty<number>;
}

/** What a task's view says in `extra`. */
interface TaskFigures {
  readonly seconds: Readonly<Record<string, number>>;
  readonly seconds_per_iteration: number;
  readonly bytes_per_iteration: ByParty<number>;
  readonly bytes_sent: ByParty<number>;
}

async function trainJointly(folder: string, training: Training): Promise<JointRun> {
  const file = 'table.parquet';
  const data = (party: string): string => join(folder, party, 'data');
  const nodes = await startPair(folder, PARTIES);
  const [guest, host] = nodes;
  try {
    for (const party of PARTIES) await mkdir(data(party), { recursive: true });
    await writeParquet(training, {
      guest: join(data('guest'), file),
      host: join(data('host'), file),
    });
    const start = performance.now();
    const taskId = await guest.client.submitTrainTask(requestOf(training, file));
    const view = await guest.client.waitForTask(taskId, { intervalMs: POLL_MS });
    const seconds = (performance.now() - start) / 1000;
    const peerView = await host.client.waitForTask(taskId, { intervalMs: POLL_MS });

    const [own, peer] = [view, peerView].map(({ extra }) => JSON.parse(extra!) as TaskFigures) as [
      TaskFigures,
      TaskFigures,
    ];
    return {
      model: modelOf(
        training,
        parseModelDocument(await guest.result(view.path!)) as LinearDocument,
      ),
      metrics: view.metrics ?? {},
      seconds,
      phaseSeconds: own.seconds,
      secondsPerIteration: {
        guest: own.seconds_per_iteration,
        host: peer.seconds_per_iteration,
      },
      bytesPerIteration: own.bytes_per_iteration,
      bytesSent: own.bytes_sent,
      peakRssMb: { guest: await guest.peakRssMb(), host: await host.peakRssMb() },
    };
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

function requestOf(training: Training, file: string): TrainTaskRequest {
  const provider = (name: string) => ({ name, data_path: file, data_type: 'parquet' });
  return {
    data_providers: [{ ...provider('guest'), label_column: LABEL_COLUMN }, provider('host')],
    result_receivers: ['guest'],
    algorithm: 'logistic_regression',
    hyper_params: {
      solver: 'auto',
      epochs: training.iterations,
      l2: training.l2,
      use_validation_set: true,
      validation_set_rate: training.validationRate,
      seed: training.splitSeed,
      open_bits: OPEN_BITS,
    },
    metrics: METRICS,
    purpose: 'benchmark',
  };
}

/** The released file as a model of the joined columns. */
function modelOf(shape: TableShape, { features, intercept }: LinearDocument): LinearModel {
  const weights = new Map(features.map((f) => [`${f.party}/${f.column}`, f.weight]));
  const names = PARTIES.flatMap((party) =>
    columnNames(shape, party).map((column) => `${party}/${column}`),
  );
  return { weights: Float64Array.from(names, (name) => weights.get(name)!), intercept };
}

/** Whether the joint model, and the one trained without protection, are the plain solver's. */
function compare(
  { n }: Training,
  plain: PlainModels,
  joint: JointRun,
  clear: LinearModel | undefined,
): { readonly correct: boolean; readonly deviations: Readonly<Record<string, number>> } {
  if (plain.rows < n) {
    const metrics = metricDeviation(joint.metrics, plain.metrics);
    return { correct: metrics < METRIC_TOLERANCE, deviations: { metricDeviation: metrics } };
  }
  const { scaler } = plain;
  const weights = deviation(joint.model, plain.asJoint, scaler);
  const unprotected = clear && deviation(clear, plain.exact, scaler);
  return {
    correct: weights < WEIGHT_TOLERANCE && (unprotected ?? 0) < CLEAR_TOLERANCE,
    deviations: {
      weightDeviation: weights,
      weightTolerance: WEIGHT_TOLERANCE,
      plainDeviation: deviation(joint.model, plain.exact, scaler),
      step: plain.step,
      ...(unprotected !== undefined && { unprotectedDeviation: unprotected }),
    },
  };
}

/** The joint training's figures over those of the same one without protection. */
function priceOfProtection(
  joint: JointRun,
  { parties: { guest, host } }: UnprotectedOutcome,
): Readonly<Record<string, unknown>> {
  const secondsPerIteration = Math.max(
    guest.result.secondsPerIteration,
    host.result.secondsPerIteration,
  );
  const bytesPerIteration = {
    guest: guest.result.bytesPerIteration,
    host: host.result.bytesPerIteration,
  };
  const total = ({ guest: a, host: b }: ByParty<number>): number => a + b;
  const { guest: jointGuest, host: jointHost } = joint.secondsPerIteration;
  return {
    unprotected: { secondsPerIteration, bytesPerIteration },
    priceOfProtection: Math.max(jointGuest, jointHost) / secondsPerIteration,
    priceOfProtectionBytes: total(joint.bytesPerIteration) / total(bytesPerIteration),
  };
}

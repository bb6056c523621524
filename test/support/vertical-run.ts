import { loadWasmRingKernel } from '../../src/kernels/ring-kernel.wasm.ts';
import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';
import { type Matrix, matrix } from '../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import type { MetricName } from '../../src/ml/metrics/evaluate.ts';
import type { TrainingCheckpoint } from '../../src/ml/vertical/linear/checkpoint.ts';
import {
  type ContextOptions,
  setupTraining,
  type TrainingContext,
} from '../../src/ml/vertical/linear/context.ts';
import { fromFixed, WEIGHT_BITS } from '../../src/ml/vertical/linear/fixed-point.ts';
import type { LinearParameters } from '../../src/ml/vertical/linear/parameters.ts';
import { type Publication, publish } from '../../src/ml/vertical/linear/publish.ts';
import { type TrainedPart, trainVerticalLinear } from '../../src/ml/vertical/linear/train.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import type { DisclosureLedger, DisclosureTerms } from '../../src/protocols/disclosure.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';
import { seededRng } from './seeded-rng.ts';

export const DEFAULTS: LinearParameters = {
  solver: 'auto',
  loss: 'logloss',
  epochs: 30,
  batch_size: 256,
  learning_rate: 0.1,
  momentum: 0,
  l2: 1,
  use_intercept: true,
  class_weight: 'none',
  use_validation_set: true,
  validation_set_rate: 0.2,
  seed: 7,
  predict_threshold: 0.5,
  open_bits: 10,
  model_release: 'full',
};

/** A vertically split table. */
export interface SplitTable {
  readonly guest: Matrix;
  readonly host: Matrix;
  readonly labels: Float64Array;
}

/** n rows of correlated columns with different units, and labels that depend on both blocks. */
export function syntheticTable(
  n: number,
  guestColumns: number,
  hostColumns: number,
  task: 'binary' | 'regression',
): SplitTable {
  const next = seededGenerator(n + guestColumns * 31 + hostColumns);
  const uniform = (): number => next() / 2 ** 32;
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const guest = new Float64Array(n * guestColumns);
  const host = new Float64Array(n * hostColumns);
  const labels = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const common = normal();
    let z = -0.5;
    for (let j = 0; j < guestColumns; j++) {
      const x = 0.6 * common + normal();
      z += ((j % 3) - 0.8) * x;
      guest[i * guestColumns + j] = 100 * j + 10 ** (j % 3) * x;
    }
    for (let j = 0; j < hostColumns; j++) {
      const x = 0.5 * common + normal();
      z += (0.7 - (j % 2)) * x;
      host[i * hostColumns + j] = x - 3 * j;
    }
    labels[i] =
      task === 'binary' ? Number(uniform() < 1 / (1 + Math.exp(-z))) : 50 + 4 * z + normal();
  }
  return {
    guest: matrix(guest, n, guestColumns),
    host: matrix(host, n, hostColumns),
    labels,
  };
}

/** Two normal columns each, and one entry of the host's that lies `outlier` deviations out. */
export function outlierTable(n: number, outlier: number, slope: number, label: number): SplitTable {
  const next = seededGenerator(5);
  const uniform = (): number => next() / 2 ** 32;
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const columns = [new Float64Array(2 * n), new Float64Array(2 * n)] as const;
  const labels = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (const block of columns) block.set([normal(), normal()], 2 * i);
    const z = columns[0][2 * i]! - columns[1][2 * i]! + slope * columns[1][2 * i + 1]!;
    labels[i] = Number(uniform() < 1 / (1 + Math.exp(-z)));
  }
  columns[1][1] = outlier;
  labels[0] = label;
  const [guest, host] = columns.map((values): Matrix => matrix(values, n, 2));
  return { guest: guest!, host: host!, labels };
}

/** A ledger that remembers and allows everything: a program's, or a thread's. */
export interface RecordingLedger {
  readonly entries: DisclosureTerms[];
  /** What each entry said of its value. */
  readonly values: unknown[];
  record(disclosure: DisclosureTerms & { readonly value: unknown }): Promise<void>;
}

export function recordingLedger(): RecordingLedger {
  const entries: DisclosureTerms[] = [];
  const values: unknown[] = [];
  return {
    entries,
    values,
    record: async ({ value, ...disclosure }) => {
      entries.push(disclosure);
      values.push(value);
    },
  };
}

export const PARTIES = ['guest', 'host'] as const;

export interface RunOptions extends MemoryChannelOptions {
  /** Default: channels in memory. */
  readonly channels?: readonly [guest: Channel, host: Channel];
  /** Of all randomness of both parties. */
  readonly seed?: string;
  /** Default: ledgers that allow everything. */
  readonly ledgers?: readonly [DisclosureLedger, DisclosureLedger];
  /** Names of those who get model and metrics; nothing is delivered without. */
  readonly receivers?: readonly string[];
  readonly metrics?: readonly MetricName[];
  /** What both parties resume from; default: the start. */
  readonly resume?: readonly [TrainingCheckpoint, TrainingCheckpoint];
  /** Called at both parties with their channel. */
  readonly onStep?: (role: 0 | 1, step: number, steps: number, ch: Channel) => void;
}

export interface VerticalRun {
  readonly guest: TrainedPart;
  readonly host: TrainedPart;
  /** What each party got delivered; null without `receivers`. */
  readonly publications: readonly [Publication | null, Publication | null];
  readonly recorded: readonly [readonly DisclosureTerms[], readonly DisclosureTerms[]];
  /** What both parties saved, in order. */
  readonly checkpoints: readonly (readonly [TrainingCheckpoint, TrainingCheckpoint])[];
  /** Steps that were taken: more than asked for when the domain grew late. */
  readonly steps: number;
  /** Released weights of raw columns (guest's, then host's) and the intercept; null for `split`. */
  readonly model: { readonly weights: Float64Array; readonly intercept: number } | null;
}

/** Trains in memory, both roles of the real protocol. */
export async function trainInMemory(
  table: SplitTable,
  algorithm: 'logistic_regression' | 'linear_regression',
  parameters: LinearParameters,
  options: RunOptions = {},
): Promise<VerticalRun> {
  const { receivers, metrics = ['loss'], seed = 'run' } = options;
  const [chGuest, chHost] = options.channels ?? memoryChannelPair(options);
  const recorders = [recordingLedger(), recordingLedger()] as const;
  const ledgers = [0, 1].map(
    (role): DisclosureLedger => ({
      record: async (disclosure) => {
        await options.ledgers?.[role]?.record(disclosure);
        await recorders[role]!.record(disclosure);
      },
    }),
  );
  let steps = 0;
  const saved: [TrainingCheckpoint[], TrainingCheckpoint[]] = [[], []];
  const shared = { parties: PARTIES, metrics, receivers: receivers ?? [PARTIES[0]] };
  const sides = ([chGuest, chHost] as const).map(async (ch, role) => {
    const own = {
      ...shared,
      role: role === 0 ? ('label_holder' as const) : ('feature_holder' as const),
      peerFeatures: (role === 0 ? table.host : table.guest).columns,
      ledger: ledgers[role]!,
    };
    const features = role === 0 ? table.guest : table.host;
    const columns = columnNames(role === 0 ? 'g' : 'h', features.columns);
    const part = await trainVerticalLinear(
      ch.fork('train'),
      { features, columns, ...(role === 0 && { labels: table.labels }) },
      {
        ...own,
        algorithm,
        parameters,
        kernels: { ring: loadWasmRingKernel(), rlwe: loadWasmRlweKernel() },
        onStep: (step, total) => {
          steps = step;
          options.onStep?.(role as 0 | 1, step, total, ch);
        },
        checkpoint: {
          resume: options.resume?.[role as 0 | 1] ?? null,
          save: (checkpoint) => saved[role as 0 | 1].push(checkpoint),
        },
      },
      seededRng(`${seed} ${role}`),
    );
    const publication = receivers
      ? await publish(ch.fork('publish'), part, {
          ...own,
          columns,
          openBits: parameters.open_bits,
        })
      : null;
    return { part, publication };
  });
  const [guest, host] = await Promise.all(sides);
  return {
    guest: guest!.part,
    host: host!.part,
    publications: [guest!.publication, host!.publication],
    recorded: [recorders[0].entries, recorders[1].entries],
    checkpoints: saved[0].map((first, i) => [first, saved[1][i]!] as const),
    steps,
    model: reconstruct(guest!.part, host!.part, parameters),
  };
}

/** Both parties' contexts over a fresh channel, label holder first, as a training sets them up. */
export async function contextPair(
  options: Partial<Pick<ContextOptions, 'loss' | 'ledger'>> &
    MemoryChannelOptions & { readonly seed?: string } = {},
): Promise<{
  readonly contexts: readonly [TrainingContext, TrainingContext];
  readonly channels: readonly [Channel, Channel];
}> {
  const { loss = 'logloss', ledger = recordingLedger(), seed = 'context' } = options;
  const channels = memoryChannelPair(options);
  const contexts = await Promise.all(
    (['label_holder', 'feature_holder'] as const).map((role, i) => {
      const kernels = { ring: loadWasmRingKernel(), rlwe: loadWasmRlweKernel() };
      return setupTraining(
        channels[i]!,
        { role, parties: PARTIES, loss, kernels, ledger },
        seededRng(`${seed} ${i}`),
      );
    }),
  );
  return { contexts: [contexts[0]!, contexts[1]!], channels };
}

/** Runs both roles at once. */
export async function both<T>(run: (role: 0 | 1) => Promise<T>): Promise<[T, T]> {
  return Promise.all([run(0), run(1)]);
}

/** The weights in the solver's coordinates: guest's block, then host's. For comparison only. */
export function openedWeights(run: VerticalRun): [guest: Float64Array, host: Float64Array] {
  const sum = (a: BigUint64Array, b: BigUint64Array): Float64Array =>
    fromFixed(
      a.map((share, i) => share + b[i]!),
      WEIGHT_BITS,
    );
  return [
    sum(run.guest.weights.own, run.host.weights.peer),
    sum(run.guest.weights.peer, run.host.weights.own),
  ];
}

/** All columns of both parties, the guest's first. */
export function joined({ guest, host }: SplitTable): Matrix {
  const d = guest.columns + host.columns;
  const values = new Float64Array(guest.rows * d);
  for (let i = 0; i < guest.rows; i++) {
    values.set(guest.values.subarray(i * guest.columns, (i + 1) * guest.columns), i * d);
    values.set(
      host.values.subarray(i * host.columns, (i + 1) * host.columns),
      i * d + guest.columns,
    );
  }
  return matrix(values, guest.rows, d);
}

function reconstruct(
  guest: TrainedPart,
  host: TrainedPart,
  parameters: LinearParameters,
): VerticalRun['model'] {
  if (!guest.release || !host.release) return null;
  const sum = guest.release.shares.map((share, i) => share + host.release!.shares[i]!);
  const values = fromFixed(sum, parameters.open_bits);
  const exponents = [...guest.release.exponents, ...host.release.exponents];
  const unit = 2 ** (guest.target?.exponent ?? 0);
  return {
    weights: Float64Array.from(exponents, (k, j) => (values[j]! * unit) / 2 ** k),
    intercept: values[exponents.length]! * unit,
  };
}

/** Columns named by a prefix and their number. */
export function columnNames(prefix: string, d: number): { column: string }[] {
  return Array.from({ length: d }, (_, j) => ({ column: `${prefix}${j}` }));
}

/** Joint boosting in memory: a label holder and any number of feature holders, and tables for it. */
import { setMaxListeners } from 'node:events';
import { loadWasmHintKernel } from '../../src/kernels/hint-kernel.wasm.ts';
import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';
import { type Matrix, matrix, takeRows } from '../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import type { MetricName } from '../../src/ml/metrics/evaluate.ts';
import type { NoiseSampler } from '../../src/ml/vertical/trees/candidate-noise.ts';
import type {
  FeatureHolderCheckpoint,
  LabelHolderCheckpoint,
} from '../../src/ml/vertical/trees/checkpoint.ts';
import {
  type FeatureHolderPart,
  trainFeatureHolder,
} from '../../src/ml/vertical/trees/feature-holder.ts';
import {
  type LabelHolderPart,
  trainLabelHolder,
} from '../../src/ml/vertical/trees/label-holder.ts';
import type { TreeParameters } from '../../src/ml/vertical/trees/parameters.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import type { DisclosureLedger, DisclosureTerms } from '../../src/protocols/disclosure.ts';
import { memoryChannelPair, type Tap } from '../../src/protocols/memory-channel.ts';
import type { Rng } from '../../src/protocols/primitives/rng.ts';
import { seededRng } from './seeded-rng.ts';
import { recordingLedger } from './vertical-run.ts';

export const TREE_DEFAULTS: TreeParameters = {
  objective: 'binary:logistic',
  num_class: 1,
  num_trees: 3,
  learning_rate: 0.3,
  max_depth: 3,
  num_bins: 32,
  reg_lambda: 1,
  reg_alpha: 0,
  gamma: 0,
  min_child_weight: 1,
  subsample: 1,
  colsample_bytree: 1,
  scale_pos_weight: 1,
  base_score: 0.5,
  early_stopping_rounds: 0,
  use_validation_set: false,
  validation_set_rate: 0.2,
  seed: 7,
  predict_threshold: 0.5,
  open_bits: 16,
  split_finding: 'open_sums',
  noise_multiplier: 1,
  model_release: 'full',
};

/** Adds nothing. For tests that compare with plain sums. */
export const noNoise: NoiseSampler = (variances) => new Int32Array(variances.length);

/** Blocks of columns: the label holder's, then each feature holder's. */
export interface BoostingTable {
  readonly blocks: readonly Matrix[];
  readonly labels: Float64Array;
}

export interface TableOptions {
  /** Columns of each party. */
  readonly widths: readonly number[];
  readonly objective?: TreeParameters['objective'];
  readonly classes?: number;
  /** Different values a column; default continuous. */
  readonly values?: number;
  /** Share of missing values. */
  readonly missing?: number;
  readonly seed?: number;
}

/** Labels that depend on all columns, not linearly. */
export function boostingTable(n: number, options: TableOptions): BoostingTable {
  const { widths, objective = 'binary:logistic', classes = 2, missing = 0, seed = 3 } = options;
  const next = seededGenerator(seed);
  const uniform = (): number => next() / 2 ** 32;
  const d = widths.reduce((a, b) => a + b, 0);
  const blocks = widths.map((width) => matrix(new Float64Array(n * width), n, width));
  const labels = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let z = 0;
    let column = 0;
    for (const { values, columns } of blocks) {
      for (let j = 0; j < columns; j++, column++) {
        const u = options.values
          ? Math.floor(uniform() * options.values) / options.values
          : uniform();
        z += (u > 0.3 + (0.4 * column) / d ? 1 : -1) * (1 + (column % 3)) * (column % 2 ? -1 : 1);
        values[i * columns + j] = uniform() < missing ? Number.NaN : 10 * u - column;
      }
    }
    const p = 1 / (1 + Math.exp(-z / Math.sqrt(d)));
    if (objective === 'reg:squarederror') labels[i] = 100 * z + 10 * uniform();
    else if (objective === 'binary:logistic') labels[i] = Number(uniform() < p);
    else labels[i] = Math.min(classes - 1, Math.floor(classes * (0.8 * p + 0.2 * uniform())));
  }
  return { blocks, labels };
}

/** All columns in one table. */
export function pooled({ blocks }: BoostingTable): Matrix {
  const n = blocks[0]!.rows;
  const d = blocks.reduce((sum, { columns }) => sum + columns, 0);
  const values = new Float64Array(n * d);
  for (let i = 0; i < n; i++) {
    let at = i * d;
    for (const block of blocks) {
      values.set(block.values.subarray(i * block.columns, (i + 1) * block.columns), at);
      at += block.columns;
    }
  }
  return matrix(values, n, d);
}

export function rowsOf({ blocks, labels }: BoostingTable, rows: Uint32Array): BoostingTable {
  return {
    blocks: blocks.map((block) => takeRows(block, rows)),
    labels: Float64Array.from(rows, (row) => labels[row]!),
  };
}

export const nameOf = (party: number): string => (party === 0 ? 'guest' : `host_${party}`);

export interface BoostingRunOptions {
  readonly seed?: string;
  readonly metrics?: readonly MetricName[];
  readonly metricsLeave?: boolean;
  /** Default: `noNoise`. Null: the real one. */
  readonly sampler?: NoiseSampler | null;
  /** By host: sees what the label holder sends, and what the host sends. */
  readonly taps?: readonly { readonly tapFirst: Tap; readonly tapSecond: Tap }[];
  /** What stands between a party and its end of a link: for peers that deviate. */
  readonly wrap?: (channel: Channel, party: number, peer: number) => Channel;
  readonly ledgers?: readonly DisclosureLedger[];
  readonly resume?: readonly [LabelHolderCheckpoint, ...FeatureHolderCheckpoint[]];
  /** Of the label holder's randomness. */
  readonly rng?: Rng;
  readonly onRound?: (party: number, round: number, rounds: number) => void;
}

export interface BoostingRun {
  readonly guest: LabelHolderPart;
  readonly hosts: readonly FeatureHolderPart[];
  /** By party. */
  readonly recorded: readonly (readonly DisclosureTerms[])[];
  /** By party, in order. */
  readonly checkpoints: readonly [LabelHolderCheckpoint[], ...FeatureHolderCheckpoint[][]];
  /** The label holder's ends. */
  readonly channels: readonly Channel[];
}

/** Trains in memory, all roles of the real protocol. */
export async function boostInMemory(
  table: BoostingTable,
  parameters: TreeParameters,
  options: BoostingRunOptions = {},
): Promise<BoostingRun> {
  const { seed = 'boost', wrap = (channel) => channel, sampler = noNoise } = options;
  const [own, ...others] = table.blocks;
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const pairs = others.map((_, h) =>
    memoryChannelPair({ signal: abort.signal, ...options.taps?.[h] }),
  );
  const recorders = table.blocks.map(() => recordingLedger());
  const ledgers = recorders.map(
    (recorder, party): DisclosureLedger => ({
      record: async (disclosure) => {
        await options.ledgers?.[party]?.record(disclosure);
        await recorder.record(disclosure);
      },
    }),
  );
  const saved = table.blocks.map(() => [] as unknown[]);
  const common = (party: number) => ({
    parameters,
    ledger: ledgers[party]!,
    labelHolder: nameOf(0),
    onRound: (round: number, rounds: number) => options.onRound?.(party, round, rounds),
    checkpoints: {
      resume: (options.resume?.[party] ?? null) as never,
      save: (checkpoint: unknown) => saved[party]!.push(checkpoint),
    },
  });
  let failure: { readonly error: unknown } | undefined;
  const guard = async <T>(part: Promise<T>): Promise<T> => {
    try {
      return await part;
    } catch (error) {
      failure ??= { error };
      abort.abort();
      throw failure.error;
    }
  };
  const parts = await Promise.allSettled([
    guard(
      trainLabelHolder(
        pairs.map(([channel], h) => ({ name: nameOf(h + 1), channel: wrap(channel, 0, h + 1) })),
        { features: own!, labels: table.labels },
        {
          ...common(0),
          metrics: options.metrics ?? [],
          metricsLeave: options.metricsLeave ?? false,
          kernel: loadWasmRlweKernel(),
        },
        options.rng ?? seededRng(`${seed} guest`),
      ),
    ),
    ...others.map((features, h) =>
      guard(
        trainFeatureHolder(
          wrap(pairs[h]![1], h + 1, 0),
          features,
          {
            ...common(h + 1),
            self: nameOf(h + 1),
            kernels: { rlwe: loadWasmRlweKernel(), hint: loadWasmHintKernel() },
            ...(sampler && { sampler }),
          },
          seededRng(`${seed} host ${h}`),
        ),
      ),
    ),
  ]);
  if (failure) throw failure.error;
  const [guest, ...hosts] = parts.map((part) => (part.status === 'fulfilled' ? part.value : null));
  return {
    guest: guest as LabelHolderPart,
    hosts: hosts as FeatureHolderPart[],
    recorded: recorders.map(({ entries }) => entries),
    checkpoints: saved as never,
    channels: pairs.map(([channel]) => channel),
  };
}

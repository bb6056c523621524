import { loadWasmRingKernel } from '../../src/kernels/ring-kernel.wasm.ts';
import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';
import { type Matrix, matrix } from '../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import type { MetricName } from '../../src/ml/metrics/evaluate.ts';
import { fromFixed } from '../../src/ml/vertical/linear/fixed-point.ts';
import type { LinearParameters } from '../../src/ml/vertical/linear/parameters.ts';
import { type TrainedPart, trainVerticalLinear } from '../../src/ml/vertical/linear/train.ts';
import type { Disclosure, DisclosureLedger } from '../../src/protocols/disclosure.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';

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

/** A ledger that remembers and allows everything. */
export function recordingLedger(): DisclosureLedger & { readonly entries: Disclosure[] } {
  const entries: Disclosure[] = [];
  return {
    entries,
    record: async (disclosure) => {
      entries.push(disclosure);
    },
  };
}

export interface VerticalRun {
  readonly guest: TrainedPart;
  readonly host: TrainedPart;
  readonly ledgers: readonly [readonly Disclosure[], readonly Disclosure[]];
  /** Released weights of raw columns (guest's, then host's) and the intercept; null for `split`. */
  readonly model: { readonly weights: Float64Array; readonly intercept: number } | null;
}

/** Trains in memory, both roles of the real protocol. */
export async function trainInMemory(
  table: SplitTable,
  algorithm: 'logistic_regression' | 'linear_regression',
  parameters: LinearParameters,
  metrics: readonly MetricName[] = ['loss'],
  channels: MemoryChannelOptions = {},
): Promise<VerticalRun> {
  const [chGuest, chHost] = memoryChannelPair(channels);
  const ledgers = [recordingLedger(), recordingLedger()] as const;
  const task = {
    algorithm,
    parameters,
    metrics,
    parties: ['guest', 'host'] as const,
    receivers: ['guest'],
    onStep: () => undefined,
  };
  const kernels = () => ({ ring: loadWasmRingKernel(), rlwe: loadWasmRlweKernel() });
  const [guest, host] = await Promise.all([
    trainVerticalLinear(
      chGuest,
      {
        features: table.guest,
        columns: columnNames('g', table.guest.columns),
        labels: table.labels,
      },
      {
        ...task,
        role: 'label_holder',
        peerFeatures: table.host.columns,
        kernels: kernels(),
        ledger: ledgers[0],
      },
      systemRng,
    ),
    trainVerticalLinear(
      chHost,
      { features: table.host, columns: columnNames('h', table.host.columns) },
      {
        ...task,
        role: 'feature_holder',
        peerFeatures: table.guest.columns,
        kernels: kernels(),
        ledger: ledgers[1],
      },
      systemRng,
    ),
  ]);
  return {
    guest,
    host,
    ledgers: [ledgers[0].entries, ledgers[1].entries],
    model: reconstruct(guest, host, parameters),
  };
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

function columnNames(prefix: string, d: number): { column: string }[] {
  return Array.from({ length: d }, (_, j) => ({ column: `${prefix}${j}` }));
}

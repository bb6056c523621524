/** Two data holders of one contract with their tables in memory, joined by memory channels. */

import { hkdfSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadWasmHintKernel } from '../../src/kernels/hint-kernel.wasm.ts';
import { loadWasmRingKernel } from '../../src/kernels/ring-kernel.wasm.ts';
import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import type { LinearKernels } from '../../src/ml/vertical/linear/context.ts';
import type { TreeKernels } from '../../src/ml/vertical/trees/context.ts';
import type {
  Contract,
  DatasetTerms,
  LinearPrediction,
  LinearTraining,
} from '../../src/party/consensus/contract.ts';
import type { LoadedDataset } from '../../src/party/datasets/datasets.ts';
import { modelId } from '../../src/party/models/model-id.ts';
import type { ModelPart } from '../../src/party/models/model-part.ts';
import { leakageOf, predictionLeakageOf } from '../../src/party/tasks/declaration.ts';
import type { Checkpoint, ProgramContext } from '../../src/party/tasks/program.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../src/protocols/memory-channel.ts';
import { textColumn } from '../../src/protocols/psi/text-column.ts';
import { sampleContract, testIdentity } from './contracts.ts';
import { seededRng } from './seeded-rng.ts';
import { toyCurveEngine } from './toy-curve-engine.ts';
import { recordingLedger } from './vertical-run.ts';

const ROWS = 40;

export const kernels = (): LinearKernels => ({
  ring: loadWasmRingKernel(),
  rlwe: loadWasmRlweKernel(),
});

export const treeKernels = (): TreeKernels => ({
  hint: loadWasmHintKernel(),
  rlwe: loadWasmRlweKernel(),
});

/** A short training of orgA, who has a number and the label, with orgB: a number, a category. */
export function trainingContract(changes: Partial<LinearTraining> = {}): LinearTraining {
  const [a, b] = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
  const base = sampleContract([a!, b!]);
  const rowOrder = changes.alignment?.method === 'row_order';
  const parties = base.parties.map((party) => ({
    ...party,
    dataset: {
      ...party.dataset!,
      rowCount: ROWS,
      ...(rowOrder && { keyColumns: null }),
    } satisfies DatasetTerms,
  }));
  const contract = {
    ...base,
    parameters: { ...base.parameters, epochs: 2, l2: 1, open_bits: 10 },
    metrics: ['loss', 'accuracy'] as const,
    receivers: ['orgA'],
    parties,
    ...changes,
  };
  return { ...contract, leakage: changes.leakage ?? leakageOf(contract) };
}

/** The tables of both, in orders of their own; half of orgB's keys from `from` on are common. */
export function tables(from = 0): { readonly orgA: LoadedDataset; readonly orgB: LoadedDataset } {
  const next = seededGenerator(3);
  const uniform = (): number => next() / 2 ** 32;
  const x = Array.from({ length: ROWS }, uniform);
  const common = { rowCount: ROWS, missing: [], payload: [] };
  const keys = (offset: number): string[] => x.map((_, i) => `k${i + offset}`);
  const reversed = <T>(items: readonly T[]): T[] => items.toReversed();
  return {
    orgA: {
      ...common,
      keys: [textColumn(keys(0))],
      features: Float64Array.from(x),
      columnNames: ['age'],
      label: Float64Array.from(x, (value, i) => Number(value + (i % 5) / 10 > 0.7)),
      encoding: [{ kind: 'numeric', name: 'age', mean: 0.5 }],
    },
    orgB: {
      ...common,
      keys: [textColumn(reversed(keys(from)))],
      features: Float64Array.from(
        reversed(x.map((value, i) => [100 * uniform() + value, ...indicator(i % 4)])).flat(),
      ),
      columnNames: ['income', 'region=1', 'region=2', 'region=3'],
      label: null,
      encoding: [
        { kind: 'numeric', name: 'income', mean: 50 },
        { kind: 'categorical', name: 'region', levels: ['n', 'o', 's'] },
      ],
    },
  };
}

function indicator(level: number): number[] {
  return [1, 2, 3].map((each) => Number(each === level));
}

/** What one party notes of its run. */
export interface RunNotes<C extends Contract = LinearTraining> {
  readonly context: ProgramContext<C>;
  /** To the other party. */
  readonly channel: Channel;
  readonly phases: string[];
  readonly steps: (readonly [step: number, of: number])[];
  readonly disclosures: ReturnType<typeof recordingLedger>['entries'];
  readonly saved: Checkpoint[];
}

export const TASK_ID: string = 'ab'.repeat(32);

/** For a task that keeps all items in memory. */
export const NO_SPILL = { folder: join(tmpdir(), 'entente-no-spill'), aboveBytes: Infinity };

type Name = 'orgA' | 'orgB';

export interface RunInputs {
  readonly data?: Readonly<Record<Name, LoadedDataset>>;
  /** What both resume from. */
  readonly resume?: readonly [Checkpoint, Checkpoint];
  readonly parts?: Readonly<Record<Name, ModelPart>>;
  /** Sessions have keys of their own. */
  readonly session?: string;
}

/** Both parties' contexts of one contract, nothing of a session but its channel and its keys. */
export function programRuns<C extends Contract>(
  contract: C,
  { data = tables(), resume, parts, session = 'test' }: RunInputs = {},
): { readonly a: RunNotes<C>; readonly b: RunNotes<C> } {
  const notes = (self: Name, channel: Channel): RunNotes<C> => {
    const phases: string[] = [];
    const steps: (readonly [number, number])[] = [];
    const saved: Checkpoint[] = [];
    const ledger = recordingLedger();
    const context: ProgramContext<C> = {
      contract,
      taskId: TASK_ID,
      self,
      link: () => ({
        channel,
        deriveKey: async (purpose, length) =>
          new Uint8Array(hkdfSync('sha256', session, '', purpose, length)),
      }),
      loadDataset: async () => data[self],
      loadModel: async () => {
        if (!parts) throw new Error('a training has no model');
        return { part: parts[self], document: null };
      },
      ledger,
      checkpoints: {
        resume: resume?.[self === 'orgA' ? 0 : 1] ?? null,
        save: (checkpoint) => void saved.push(checkpoint),
      },
      progress: {
        phase: (phase) => void phases.push(phase),
        step: (step, of) => void steps.push([step, of]),
      },
      kernels,
      treeKernels,
      curve: toyCurveEngine,
      spill: () => null,
      budget: { reserve: () => {} },
      rng: seededRng(`${self} ${session}`),
    };
    return { context, channel, phases, steps, disclosures: ledger.entries, saved };
  };
  const [a, b] = memoryChannelPair();
  return { a: notes('orgA', a), b: notes('orgB', b) };
}

export function trainingRuns(
  contract: LinearTraining,
  data: Readonly<Record<Name, LoadedDataset>> = tables(),
): { readonly a: RunNotes; readonly b: RunNotes } {
  return programRuns(contract, { data });
}

/** A prediction by the model of `trainingContract`, to both parties unless told. */
export function predictionContract(
  training: LinearTraining,
  changes: Partial<LinearPrediction> = {},
): LinearPrediction {
  const { parameters, metrics: _, ...terms } = training;
  const isLogistic = training.algorithm.name === 'logistic_regression';
  const contract = {
    ...terms,
    kind: 'predict' as const,
    model: { id: modelId(TASK_ID, training.createdAt), taskId: TASK_ID },
    parameters: {
      predict_threshold: isLogistic ? parameters.predict_threshold : null,
      open_bits: parameters.open_bits,
    },
    receivers: ['orgA', 'orgB'],
    parties: training.parties.map((party) => ({
      ...party,
      dataset: { ...party.dataset!, labelColumn: null },
    })),
    ...changes,
  };
  return { ...contract, leakage: changes.leakage ?? predictionLeakageOf(contract) };
}

/**
 * A program computes one task at one party, in a thread of its own: from the start certificate's
 * contract to what the party keeps. It sees the world only through its context.
 */
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import type { MemoryBudget } from '../../kernels/wasm-memory.ts';
import type { LinearKernels } from '../../ml/vertical/linear/context.ts';
import type { TreeKernels } from '../../ml/vertical/trees/context.ts';
import type { Channel } from '../../protocols/channel.ts';
import type { DisclosureLedger } from '../../protocols/disclosure.ts';
import type { Rng } from '../../protocols/primitives/rng.ts';
import type { Spill } from '../../protocols/psi/item-buckets.ts';
import type { Contract } from '../consensus/contract.ts';
import type { LoadedDataset } from '../datasets/datasets.ts';
import type { JsonObject } from '../http/json-shape.ts';
import type { ModelDocument } from '../models/model-document.ts';
import type { ModelPart } from '../models/model-part.ts';

export interface ProgramContext<C extends Contract = Contract> {
  readonly contract: C;
  readonly taskId: string;
  /** This node's name. */
  readonly self: string;
  /** To another party of the contract. Throws `RangeError` for others. */
  readonly link: (peer: string) => PeerLink;
  /** Reads this party's rows, once its file is verified to be what the contract says. */
  readonly loadDataset: () => Promise<LoadedDataset>;
  /** To predict: this party's part of the model, and the model itself where it is a receiver. */
  readonly loadModel: () => Promise<{
    readonly part: ModelPart;
    readonly document: ModelDocument | null;
  }>;
  readonly ledger: DisclosureLedger;
  readonly checkpoints: Checkpoints;
  readonly progress: ProgramProgress;
  /** Fresh kernels: one task's memory is freed with them. */
  readonly kernels: () => LinearKernels;
  /** The same, for trees. */
  readonly treeKernels: () => TreeKernels;
  /** Scalar multiplications on threads of their own; the context ends them. */
  readonly curve: () => CurveEngine;
  /**
   * A place on this party's disk for so many bytes of items, once a program; null while they are few
   * enough to stay in memory. The context empties it.
   */
  readonly spill: (bytes: number) => Spill | null;
  /** Pays for the memory of kernels that a protocol makes itself. */
  readonly budget: MemoryBudget;
  readonly rng: Rng;
}

export interface PeerLink {
  readonly channel: Channel;
  /** A key that only the two peers know, for `purpose`; different for every session. */
  deriveKey(purpose: string, length: number): Promise<Uint8Array>;
}

/** What a program saves for an attempt to come, on this party's disk alone. */
export interface Checkpoints {
  /** The checkpoint from which every party resumes; null at the start. */
  readonly resume: Checkpoint | null;
  /**
   * Saves one. Every party saves at the same steps, so that there is a common one to resume from.
   * They are on the disk some time later, if no newer one came first; the newest few are kept.
   */
  save(checkpoint: Checkpoint): void;
}

/**
 * Between the checkpoints of one phase of a program and those of the next: a step that is a multiple of
 * it starts a phase, and its checkpoint is kept while the newest few come and go.
 */
export const PHASE_STEPS: number = 2 ** 32;

export interface Checkpoint {
  /** Ascending within a task, public: derived from the contract and public values alone. */
  readonly step: number;
  /** The program's own format; secret. */
  readonly bytes: Uint8Array;
}

/** What a task tells about itself while it runs: public values only. */
export interface ProgramProgress {
  phase(phase: 'aligning' | 'training' | 'evaluating' | 'publishing'): void;
  /** `step` of `of` within the present phase are done. */
  step(step: number, of: number): void;
}

/** What a program leaves at its party; it crosses from one thread to another. */
export interface ProgramResult<
  M extends ModelDocument = ModelDocument,
  P extends ModelPart = ModelPart,
> {
  /** The model, at receivers of a released one. */
  readonly model: M | null;
  /** What a data holder keeps of a trained model. */
  readonly part: P | null;
  /** A file for this party as a receiver. */
  readonly file: ResultFile | null;
  /** Null unless this party is a receiver. */
  readonly metrics: Readonly<Record<string, number | null>> | null;
  /** For `extra` of the outcome. */
  readonly extra: JsonObject;
}

export interface ResultFile {
  /** e.g. `predictions.csv` */
  readonly name: string;
  /** In order. */
  readonly chunks: readonly Uint8Array[];
}

export type Program<C extends Contract> = (context: ProgramContext<C>) => Promise<ProgramResult>;

/** What the HTTP surface asks of the node behind it. Failures are `ApiError`s; anything else is a fault. */
import type { LogKeyCertificate } from '../audit/log-key.ts';
import type { ModelDocument } from '../models/model-document.ts';
import type { ModelManifest } from '../models/model-registry.ts';
import type { PeerRecord } from '../peers.ts';
import type { Write } from '../store.ts';
import type { TaskEvent, TaskKind, TaskOutcome, TaskState, TaskView } from '../tasks/task-view.ts';
import type { Caller } from '../tokens.ts';
import type { PredictRequest } from './predict-request.ts';
import type { PsiRequest } from './psi-request.ts';
import type { TrainRequest } from './train-request.ts';

export type TaskRequest =
  | { readonly kind: 'train'; readonly request: TrainRequest }
  | { readonly kind: 'predict'; readonly request: PredictRequest }
  | { readonly kind: 'psi'; readonly request: PsiRequest };

export interface TaskHandle {
  readonly taskId: string;
  /** Settles when the task has ended, whether or not anybody waits. */
  readonly done: Promise<TaskOutcome>;
  view(): TaskView;
}

export interface TaskQuery {
  readonly state?: TaskState;
  readonly kind?: TaskKind;
  /** At most this many, newest first. */
  readonly limit: number;
  /** Only tasks listed after this one. */
  readonly after?: string;
}

export interface TaskService {
  /**
   * Accepts a task. Resolves once it is stored, so that a crash of this process cannot lose it;
   * rejects when the request cannot become a task.
   * @param also - Written in the same batch as the task's row, so that both are there or neither.
   */
  submit(
    request: TaskRequest,
    caller: Caller,
    also?: (taskId: string) => readonly Write[],
  ): Promise<TaskHandle>;
  /** Null when there is no such task. */
  find(taskId: string, caller: Caller): Promise<TaskView | null>;
  list(query: TaskQuery, caller: Caller): Promise<readonly TaskView[]>;
  /**
   * The task's events after the one with id `after` (0: all), those to come included; ends after
   * `end`, or when the signal is aborted. Null when there is no such task.
   */
  events(
    taskId: string,
    after: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TaskEvent> | null>;
  /**
   * Asks for the task's end, here and at every party; idempotent. Throws `NOT_FOUND`, and `CONFLICT`
   * when the task has ended in another way.
   */
  cancel(taskId: string, caller: Caller): Promise<TaskView>;
  /** Says yes for a task that waits for it. Throws `NOT_FOUND`, `CONFLICT`. */
  approve(taskId: string, caller: Caller): Promise<TaskView>;
}

/** What a data provider lets be known of a dataset. */
export interface DatasetMetadata {
  readonly type: string;
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** Who brings what; of a peer, what its policy lets this node see. */
export interface CatalogService {
  /** This node first. */
  providers(): readonly string[];
  /** Throws `UNKNOWN_PARTY`, `UNREACHABLE`. */
  paths(provider: string): Promise<readonly string[]>;
  /** Throws `UNKNOWN_PARTY`, `UNREACHABLE`, `REFUSED`, `DATASET_UNUSABLE`. */
  metadata(provider: string, path: string): Promise<DatasetMetadata>;
  /** Names one of this node's files; tasks may then say `dataset:NAME`. Throws `CONFLICT`, `DATASET_UNUSABLE`. */
  register(name: string, path: string, type: string): Promise<RegisteredDataset>;
  /** Throws `NOT_FOUND`. */
  unregister(name: string): Promise<void>;
  registered(): Promise<readonly RegisteredDataset[]>;
}

export interface RegisteredDataset {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly createdAt: string;
}

export interface ModelService {
  /** Oldest first. */
  list(): Promise<readonly ModelManifest[]>;
  get(modelId: string, kind?: ModelManifest['kind']): Promise<ModelManifest | null>;
  /** The released model. Throws `ModelFormatError`. */
  load(modelId: string): Promise<ModelDocument>;
  /** The text of its file. Throws `ModelFormatError`. */
  text(modelId: string): Promise<string>;
}

/** The audit log. */
export interface AuditService {
  /** The present state, signed. */
  checkpoint(): Promise<{
    readonly origin: string;
    readonly size: number;
    /** Hex. */
    readonly root: string;
    readonly note: string;
    readonly logKey: LogKeyCertificate;
  }>;
  /** At most `limit` entries from `from` on, in canonical JSON; with a task, of those about it. */
  entries(
    from: number,
    limit: number,
    task?: string,
  ): Promise<readonly { readonly index: number; readonly entry: Uint8Array }[]>;
  /** Hashes in hex. Throws `INVALID_REQUEST` beyond the log. */
  inclusion(index: number, size: number): Promise<readonly string[]>;
  consistency(first: number, second: number): Promise<readonly string[]>;
  /**
   * The lines of a task's evidence. Throws `NOT_FOUND`; `CONFLICT` while other parties are still to sign
   * how the task ended, unless what there is is asked for as it is; `BUSY`.
   */
  taskBundle(
    task: string,
    caller: Caller,
    options: { readonly openings: boolean; readonly unclosed: boolean },
  ): Promise<AsyncIterable<string>>;
  logBundle(caller: Caller): Promise<AsyncIterable<string>>;
  /**
   * Takes a checkpoint that witnesses of this node cosigned. Throws `INVALID_REQUEST`, and `CONFLICT`
   * when one of them has cosigned a later one.
   */
  cosign(note: string): Promise<{ readonly size: number; readonly witnesses: readonly string[] }>;
}

/** The pinned peers. */
export interface PeerService {
  list(): readonly Pick<PeerRecord, 'name' | 'fingerprint' | 'address'>[];
  /** Reads the peers from the configuration again. Throws `INVALID_REQUEST` saying what is wrong there. */
  reload(caller: Caller): Promise<void>;
}

/** Whether one thing that tasks need is there. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ready: boolean;
}

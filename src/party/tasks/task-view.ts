import type { ApiErrorCode } from '../http/api-error.ts';
import type { JsonObject } from '../http/json-shape.ts';

/**
 * Where a task stands at this node:
 *
 *   pending -> running -> completed
 *      \         |  \
 *       \        |   stopping -> cancelled, or whatever came first
 *        failed, cancelled
 */
export const TASK_STATES = [
  'pending',
  'running',
  'stopping',
  'completed',
  'failed',
  'cancelled',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export type TaskPhase =
  | 'validating'
  | 'awaiting_parties'
  | 'queued'
  | 'aligning'
  | 'training'
  | 'evaluating'
  | 'publishing'
  | 'done';

export const TASK_KINDS = ['train', 'predict', 'psi'] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** What a finished task gives its caller. */
export interface TaskOutcome {
  /** Null for a task that makes or applies no model. */
  readonly modelId: string | null;
  /** Relative to the receivers' result root; null for a task that leaves no file. */
  readonly path: string | null;
  readonly type: 'json' | 'csv' | null;
  /** Exactly the metrics asked for, null where one cannot be computed; {} when not disclosed. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** What else the caller should know: algorithm, partition, warnings, reasons for null metrics. */
  readonly extra: JsonObject;
}

export interface TaskProgressView {
  /** 0 to 100 over the whole task. */
  readonly percentage: number;
  readonly iteration: { readonly number: number; readonly of: number } | null;
  /** Over all sessions and attempts of this task. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Both directions, over the last seconds. */
  readonly bytesPerSecond: number;
  /** Null while nothing can be said. */
  readonly secondsRemaining: number | null;
}

export interface TaskView {
  readonly taskId: string;
  readonly kind: TaskKind;
  /** Canonical name. */
  readonly algorithm: string;
  readonly initiator: string;
  readonly parties: readonly string[];
  readonly receivers: readonly string[];
  readonly purpose: string;
  readonly state: TaskState;
  readonly phase: TaskPhase;
  /** This node's policy wants a person's word before it votes. */
  readonly awaitsApproval: boolean;
  readonly progress: TaskProgressView;
  /** Attempts begun: more than one after a process or a link was lost for good. */
  readonly attempt: number;
  /** ISO 8601 UTC with milliseconds, as all times. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Null unless completed. */
  readonly outcome: TaskOutcome | null;
  /** Null unless failed or cancelled. */
  readonly error: { readonly code: ApiErrorCode; readonly message: string } | null;
}

/**
 * One thing that happened to a task. `status` and `end` are kept with the task's row; `progress` is
 * told to whoever listens and forgotten.
 */
export interface TaskEvent {
  /** Ascending within a task, from 1; what is forgotten leaves gaps. */
  readonly id: number;
  readonly type: 'status' | 'progress' | 'end';
  readonly time: string;
  readonly view: TaskView;
}

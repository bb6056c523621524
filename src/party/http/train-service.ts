import type { Caller } from '../tokens.ts';
import type { ApiErrorCode } from './api-error.ts';
import type { JsonObject } from './json-shape.ts';
import type { TrainRequest } from './train-request.ts';

/** The work behind `runModelTrainTask`. Failures are `ApiError`s; anything else is a fault here. */
export interface TrainService {
  /**
   * Accepts a task. Resolves once it is stored, so that a crash of this process cannot lose it;
   * rejects when the request cannot become a task.
   */
  submit(request: TrainRequest, caller: Caller): Promise<TaskHandle>;
  /** The present state of a task, or null when there is none that this caller may see. */
  find(taskId: string, caller: Caller): Promise<TaskView | null>;
}

export interface TaskHandle {
  readonly taskId: string;
  /** Settles when the task has ended, whether or not anybody waits. */
  readonly done: Promise<TrainOutcome>;
  view(): TaskView;
}

/** What a finished training task gives its caller. */
export interface TrainOutcome {
  readonly modelId: string;
  /** Relative to the receivers' result root. */
  readonly path: string;
  readonly type: 'json' | 'onnx' | 'bin';
  /** Exactly the metrics asked for, null where one cannot be computed; {} when not disclosed. */
  readonly metrics: Readonly<Record<string, number | null>>;
  /** What else the caller should know: algorithm, partition, warnings, reasons for null metrics. */
  readonly extra: JsonObject;
}

export type TaskState = 'pending' | 'running' | 'stopping' | 'completed' | 'failed' | 'cancelled';

export type TaskPhase =
  | 'validating'
  | 'awaiting_parties'
  | 'queued'
  | 'aligning'
  | 'training'
  | 'evaluating'
  | 'publishing'
  | 'done';

export interface TaskView {
  readonly taskId: string;
  readonly state: TaskState;
  readonly phase: TaskPhase;
  /** 0 to 100 over the whole task. */
  readonly percentage: number;
  readonly iteration: { readonly number: number; readonly of: number } | null;
  /** ISO 8601 UTC with milliseconds, as all times. */
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Null unless completed. */
  readonly outcome: TrainOutcome | null;
  /** Null unless failed or cancelled. */
  readonly error: { readonly code: ApiErrorCode; readonly message: string } | null;
}

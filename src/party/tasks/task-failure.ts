/** What an error of any layer means to the coordinator and to the other parties. */
import { UnsuitableColumnError } from '../../ml/vertical/linear/release.ts';
import { ProtocolError } from '../../protocols/errors.ts';
import { ConsensusError, type Refusal } from '../consensus/errors.ts';
import type { TaskEnd } from '../consensus/records.ts';
import { DatasetError } from '../datasets/dataset-error.ts';
import { SessionError } from '../errors.ts';
import { ApiError, type ApiErrorCode } from '../http/api-error.ts';
import { ModelFormatError } from '../models/model-format-error.ts';
import { ModelUseError } from '../models/model-use-error.ts';
import { TaskError } from './task-error.ts';

/** The API's error for a failure; `party` is where it happened. Messages hold no values. */
export function apiErrorOf(error: unknown, party: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ConsensusError) {
    const behind = linkFailure(error.cause instanceof ConsensusError ? error.cause : error);
    if (behind) {
      const message = `${error.message}: ${behind.message}`; // both name the peer
      return new ApiError('UNREACHABLE', message, { cause: error });
    }
    const message = `${party}: ${error.message}`;
    if (error.code.startsWith('dataset/')) {
      return new ApiError('DATASET_UNUSABLE', message, { cause: error });
    }
    return new ApiError(codeOf(error), message, { cause: error });
  }
  const link = linkFailure(error);
  if (link) return new ApiError('UNREACHABLE', `${party}: ${link.message}`, { cause: error });
  if (error instanceof ModelUseError) {
    return new ApiError('NOT_AVAILABLE', `${party}: ${error.message}`, { cause: error });
  }
  // These name the party by themselves.
  if (error instanceof TaskError && (error.code === 'PEER_FAILED' || error.code === 'CANCELLED')) {
    const code = error.code === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
    return new ApiError(code, error.message, { cause: error });
  }
  const reason = error instanceof DatasetError ? error.message : runFailure(error).reason;
  return new ApiError('FAILED', `${party}: ${reason}`, { cause: error });
}

/** The reason for which a party ended a task, as an error. */
export function endError({ party, code, reason }: TaskEnd): TaskError {
  return code === 'cancelled'
    ? new TaskError('CANCELLED', reason)
    : new TaskError('PEER_FAILED', `${party}: ${reason}`);
}

const OUT_OF_RANGE =
  'a common record is too far from those that the model was trained on; the owner’s task names its row';

/** What the other parties are told of a failure during the run. */
export function runFailure(error: unknown): Refusal {
  const link = linkFailure(error);
  if (link) return { code: 'unreachable', reason: link.message };
  if (error instanceof DatasetError) {
    // Found in the common records alone, which no description had looked at: the cell is the owner's.
    const reason = error.code === 'out_of_range' ? OUT_OF_RANGE : error.message;
    return { code: `dataset/${error.code}`, reason };
  }
  if (error instanceof ProtocolError) {
    return { code: 'aborted', reason: protocolReason(error) };
  }
  if (error instanceof TaskError && error.code === 'CANCELLED') {
    return { code: 'cancelled', reason: error.message };
  }
  if (
    error instanceof TaskError ||
    error instanceof UnsuitableColumnError ||
    error instanceof ModelFormatError ||
    error instanceof ModelUseError
  ) {
    return { code: 'aborted', reason: error.message };
  }
  return { code: 'internal', reason: 'the node could not go on; its log says why' };
}

/** Messages of other codes may tell of the peer's bytes: they stay in the log. */
function protocolReason({ code, message }: ProtocolError): string {
  if (code === 'OUT_OF_DOMAIN') return message;
  if (code === 'BUDGET_EXCEEDED') {
    return 'its policy’s lifetime budget for opened values is used up, nothing beyond it was opened: its owner can raise "budgets" in the policy file';
  }
  return `the protocol ended: ${code}`;
}

/** What broke the link to a peer, if that is what happened: behind `CLOSED`, or behind `unreachable`. */
function linkFailure(error: unknown): SessionError | undefined {
  if (error instanceof SessionError) return error;
  const wrapped = error instanceof ProtocolError || error instanceof ConsensusError;
  return wrapped && error.cause instanceof SessionError ? error.cause : undefined;
}

/** A refusal is a party's decision, unless it says otherwise. */
function codeOf({ code }: ConsensusError): ApiErrorCode {
  if (code === 'unreachable' || code === 'timed_out') return 'UNREACHABLE';
  if (code === 'cancelled') return 'CANCELLED';
  return code === 'task_failed' || code === 'aborted' || code === 'internal' ? 'FAILED' : 'REFUSED';
}

/**
 * Errors across threads: a structured clone forgets class and code, so both are sent by name. Errors
 * of classes that are not known here come out as `Error` with their name and code.
 */
import { ProtocolError, type ProtocolErrorCode } from '../../../protocols/errors.ts';
import { ConsensusError, type ConsensusErrorCode } from '../../consensus/errors.ts';
import { DatasetError, type DatasetErrorCode } from '../../datasets/dataset-error.ts';
import { SessionError, type SessionErrorCode } from '../../errors.ts';
import { ModelFormatError } from '../../models/model-format-error.ts';
import { ModelUseError } from '../../models/model-use-error.ts';
import { TaskError, type TaskErrorCode } from '../task-error.ts';

export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
  readonly stack: string | null;
  readonly cause: RemoteError | null;
}

/** Makes an error of its parts. */
export type ErrorMaker = (code: string, message: string, options: ErrorOptions) => Error;

/** The classes of errors, by name. */
export type ErrorMakers = Readonly<Record<string, ErrorMaker>>;

/** Those that links and calls throw. This module runs in every thread: it imports nothing heavy. */
export const COMMON_ERRORS: ErrorMakers = {
  ProtocolError: (code, text, options) =>
    new ProtocolError(code as ProtocolErrorCode, text, options),
  SessionError: (code, text, options) => new SessionError(code as SessionErrorCode, text, options),
  ConsensusError: (code, text, options) =>
    new ConsensusError(code as ConsensusErrorCode, text, options),
  DatasetError: (code, text) => new DatasetError(code as DatasetErrorCode, text),
  TaskError: (code, text, options) => new TaskError(code as TaskErrorCode, text, options),
  ModelFormatError: (_, text, options) => new ModelFormatError(text, options),
  ModelUseError: (_, text) => new ModelUseError(text),
  RangeError: (_, text, options) => new RangeError(text, options),
  TypeError: (_, text, options) => new TypeError(text, options),
};

/** Causes of causes that are sent along. */
const MOST_CAUSES = 4;

export function packError(error: unknown, causes: number = MOST_CAUSES): RemoteError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), code: null, stack: null, cause: null };
  }
  const { name, message, stack = null, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  return {
    name,
    message,
    code: typeof code === 'string' ? code : null,
    stack,
    cause: cause instanceof Error && causes > 0 ? packError(cause, causes - 1) : null,
  };
}

export function unpackError(packed: RemoteError, makers: ErrorMakers = COMMON_ERRORS): Error {
  const { name, message, code, stack, cause } = packed;
  const options = cause ? { cause: unpackError(cause, makers) } : {};
  const make = Object.hasOwn(makers, name) ? makers[name]! : plainError(name);
  const error = make(code ?? '', message, options);
  if (code !== null && !('code' in error)) Object.assign(error, { code });
  // Where it was thrown, for the log.
  if (stack !== null) error.stack = stack;
  return error;
}

function plainError(name: string): ErrorMaker {
  return (_, message, options) => Object.assign(new Error(message, options), { name });
}

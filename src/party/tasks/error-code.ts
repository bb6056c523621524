/** What an audit entry says of an error: where it is from and its code, never its text. */
import { ProtocolError } from '../../protocols/errors.ts';
import type { EntryBody } from '../audit/entry.ts';
import { AuditError } from '../audit/errors.ts';
import { ConsensusError } from '../consensus/errors.ts';
import { DatasetError } from '../datasets/dataset-error.ts';
import { SessionError } from '../errors.ts';
import { TaskError } from './task-error.ts';

type Source = EntryBody<'error'>['source'];

const SOURCES = [
  [ProtocolError, 'protocol'],
  [SessionError, 'session'],
  [ConsensusError, 'consensus'],
  [DatasetError, 'dataset'],
  [TaskError, 'task'],
  [AuditError, 'audit'],
] as const;

/** An error of a kind that has no code is `internal`. */
export function errorSource(error: unknown): { readonly source: Source; readonly code: string } {
  for (const [kind, source] of SOURCES) {
    if (error instanceof kind) return { source, code: behind(error) };
  }
  return { source: 'internal', code: 'internal' };
}

export function errorCode(error: unknown): string {
  return errorSource(error).code;
}

/** The code; of a channel that closed, why it did. */
function behind(error: { readonly code: string; readonly cause?: unknown }): string {
  const { code, cause } = error;
  return code === 'CLOSED' && cause instanceof SessionError ? cause.code : code;
}

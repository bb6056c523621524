import { ProtocolError } from '../../protocols/errors.ts';
import { SessionError, type SessionErrorCode } from '../errors.ts';

/** What a peer that went away, or was started anew, looks like; another attempt may do better. */
const LOST: ReadonlySet<SessionErrorCode> = new Set([
  'UNREACHABLE',
  'TIMED_OUT',
  'CANCELLED',
  'CLOSED',
  'PEER_FAILED',
  'NO_SESSION',
  'STALE_ATTEMPT',
  'REPLAYED_HELLO',
  'HELLO_MISMATCH',
  'STREAM_IN_USE',
  'TASK_FINISHED',
] satisfies SessionErrorCode[]);

/** Whether an attempt broke by what another attempt may do better. */
export function isLinkLost(error: unknown): error is Error {
  const code = linkCodeOf(error);
  return code !== undefined && LOST.has(code);
}

/** What broke a link; undefined for errors of another kind. */
export function linkCodeOf(error: unknown): SessionErrorCode | undefined {
  if (error instanceof SessionError) return error.code;
  if (!(error instanceof ProtocolError) || error.code !== 'CLOSED') return undefined;
  return error.cause instanceof SessionError ? error.cause.code : 'CLOSED';
}

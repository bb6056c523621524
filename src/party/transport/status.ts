import { type ServiceError, status } from '@grpc/grpc-js';
import { SessionError, type SessionErrorCode } from '../errors.ts';

/** What a code of ours is in gRPC. The code itself travels as the status's details. */
const STATUS: Readonly<Record<SessionErrorCode, status>> = {
  UNREACHABLE: status.UNAVAILABLE,
  UNKNOWN_PEER: status.UNAUTHENTICATED,
  WRONG_KEY: status.UNAUTHENTICATED,
  NOT_ACCEPTED: status.UNAUTHENTICATED,
  TIMED_OUT: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  TOO_LARGE: status.RESOURCE_EXHAUSTED,
  UNKNOWN_METHOD: status.UNIMPLEMENTED,
  PEER_FAILED: status.INTERNAL,
  MALFORMED: status.INVALID_ARGUMENT,
  VERSION_MISMATCH: status.FAILED_PRECONDITION,
  BAD_SIGNATURE: status.PERMISSION_DENIED,
  RECEIPT_MISMATCH: status.DATA_LOSS,
  NOT_RECORDED: status.INTERNAL,
  HELLO_MISMATCH: status.FAILED_PRECONDITION,
  REPLAYED_HELLO: status.PERMISSION_DENIED,
  STALE_ATTEMPT: status.FAILED_PRECONDITION,
  TASK_FINISHED: status.FAILED_PRECONDITION,
  NO_SESSION: status.NOT_FOUND,
  BAD_MAC: status.PERMISSION_DENIED,
  STREAM_IN_USE: status.ALREADY_EXISTS,
  CLOSED: status.ABORTED,
};

/** What gRPC itself reports, where the peer's node gave no code. */
const FROM_STATUS: ReadonlyMap<status, SessionErrorCode> = new Map([
  [status.CANCELLED, 'CANCELLED'],
  [status.DEADLINE_EXCEEDED, 'TIMED_OUT'],
  [status.RESOURCE_EXHAUSTED, 'TOO_LARGE'],
  [status.UNIMPLEMENTED, 'UNKNOWN_METHOD'],
  [status.UNAVAILABLE, 'UNREACHABLE'],
]);

/** Whether `code` is a `SessionErrorCode`; for decoders. */
export function isSessionErrorCode(code: string): code is SessionErrorCode {
  return Object.hasOwn(STATUS, code);
}

/** The status that tells a peer of an error: the code of a `SessionError`, of others nothing. */
export function statusOf(error: unknown): { code: status; details: string } {
  const code = error instanceof SessionError ? error.code : 'PEER_FAILED';
  return { code: STATUS[code], details: code };
}

/**
 * Whether the peer's node, or this one, refused the call for good, so that calling again is of no use.
 * Anything else is the line's fault.
 */
export function isVerdict({ code, details }: ServiceError): boolean {
  return (
    isSessionErrorCode(details) ||
    code === status.RESOURCE_EXHAUSTED ||
    code === status.UNIMPLEMENTED
  );
}

/** The error that a failed call to `peer` means here. */
export function sessionErrorOf(error: ServiceError, peer: string): SessionError {
  const { code, details } = error;
  const known = isSessionErrorCode(details) ? details : (FROM_STATUS.get(code) ?? 'PEER_FAILED');
  const reason = known === details ? `${peer} answers ${details}` : `${peer}: ${details}`;
  return new SessionError(known, reason, { cause: error });
}

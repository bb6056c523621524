/** Why a call over HTTP is answered with an error; see `STATUS_OF` for what each one becomes. */
export type ApiErrorCode =
  | 'INVALID_REQUEST' // malformed, of the wrong type, or against a stated rule
  | 'NOT_AVAILABLE' // well-formed, but this version does not do it
  | 'UNKNOWN_PARTY' // a name that is no registered party
  | 'LABEL_AMBIGUOUS'
  | 'LABEL_NOT_FOUND'
  | 'COLUMN_NOT_FOUND'
  | 'DATASET_UNUSABLE' // the node's own data: missing, outside its roots, malformed
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED' // the path exists, with another method
  | 'CONFLICT' // already exists, or not possible in the present state
  | 'TOO_LARGE'
  | 'KEY_REUSED' // an Idempotency-Key that came with another request
  | 'RATE_LIMITED'
  | 'BUSY' // no capacity now
  | 'REFUSED' // a party voted against the contract
  | 'UNREACHABLE' // a party does not answer
  | 'CANCELLED'
  | 'FAILED' // the work was started and did not succeed
  | 'INTERNAL';

/** Status in the body and of the HTTP reply, which are always the same number. */
const STATUS_OF: Readonly<Record<ApiErrorCode, number>> = {
  INVALID_REQUEST: 400,
  NOT_AVAILABLE: 400,
  UNKNOWN_PARTY: 400,
  LABEL_AMBIGUOUS: 400,
  LABEL_NOT_FOUND: 400,
  COLUMN_NOT_FOUND: 400,
  DATASET_UNUSABLE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  TOO_LARGE: 413,
  KEY_REUSED: 422,
  RATE_LIMITED: 429,
  BUSY: 503,
  REFUSED: 500,
  UNREACHABLE: 500,
  CANCELLED: 500,
  FAILED: 500,
  INTERNAL: 500,
};

/**
 * An error whose message may be shown to the caller: it names fields, columns and parties, never
 * values of a dataset and never a path outside the caller's own request. Anything else that is
 * thrown becomes a bare 500.
 */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  /** Seconds after which the same call may succeed. */
  readonly retryAfterSec: number | null;

  constructor(
    code: ApiErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterSec?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'ApiError';
    this.code = code;
    this.retryAfterSec = options.retryAfterSec ?? null;
  }
}

/** Every code there is. */
export const API_ERROR_CODES = Object.keys(STATUS_OF) as readonly ApiErrorCode[];

export function statusOf(code: ApiErrorCode): number {
  return STATUS_OF[code];
}

/**
 * Why two nodes cannot talk, or stopped. The code may be logged and sent to the peer; the message is
 * for the people on this side.
 */
export type SessionErrorCode =
  | 'UNREACHABLE' // nobody answers at the address, or the connection broke and did not come back
  | 'UNKNOWN_PEER' // the name or the certificate belongs to no pinned peer
  | 'WRONG_KEY' // the certificate bears a pinned name but another key
  | 'NOT_ACCEPTED' // the peer has not pinned this node's certificate
  | 'TIMED_OUT'
  | 'CANCELLED' // by the caller's signal, or because this node stops
  | 'TOO_LARGE' // a control message above the limit
  | 'UNKNOWN_METHOD' // the peer does not serve this call
  | 'PEER_FAILED' // the peer met an error that it does not explain
  | 'MALFORMED' // the peer sent bytes that break the format
  | 'VERSION_MISMATCH' // the peers speak different versions of the session protocol
  | 'BAD_SIGNATURE' // a hello or phase receipt that the pinned key did not sign
  | 'RECEIPT_MISMATCH' // the peer signed for other frames than this side counted
  | 'HELLO_MISMATCH' // a hello for another task, certificate, checkpoint or pair of identities
  | 'REPLAYED_HELLO' // a hello, of a session or of a stream, that was used before
  | 'STALE_ATTEMPT' // this attempt, or a later one, was used before
  | 'TASK_FINISHED' // a finished task opens no session
  | 'NO_SESSION' // frames asked of a session that does not exist, or not for this peer
  | 'BAD_MAC' // the stream does not prove the session's key
  | 'STREAM_IN_USE' // the same session is being opened already
  | 'NOT_RECORDED' // a phase receipt could not be kept: this node's audit log fails
  | 'CLOSED'; // the session ended

/** A link to a peer that cannot be made or kept. Callers look at `code`; the text is for people. */
export class SessionError extends Error {
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SessionError';
    this.code = code;
  }
}

const REFUSAL_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * A node's deliberate "no" to a peer. Thrown by a control handler, it reaches the caller as an error
 * of the same class, code and message: both must be safe to show to the peer. Every other error of a
 * handler reaches the caller as `SessionError` `PEER_FAILED` without its text.
 */
export class RefusalError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    if (!REFUSAL_CODE.test(code)) throw new TypeError(`"code" expected upper-case words: ${code}`);
    super(message, options);
    this.name = 'RefusalError';
    this.code = code;
  }

  /** Whether `code` may stand in a refusal; for decoders. */
  static isCode(code: string): boolean {
    return REFUSAL_CODE.test(code);
  }
}

/** Why a protocol run stopped. The code is safe to log and to send to the peer; details stay local. */
export type ProtocolErrorCode =
  | 'UNEXPECTED_MESSAGE' // peer sent another message type than the protocol step expects
  | 'MALFORMED_MESSAGE' // right type, wrong length, range or encoding
  | 'CHECK_FAILED' // a consistency check failed: the peer cheated or the link is corrupt
  | 'OUT_OF_DOMAIN' // values left the range in which the protocol is correct; the run cannot go on
  | 'NOT_DECLARED' // the contract does not declare this opening: nothing was opened
  | 'BUDGET_EXCEEDED' // it would open more of a dataset than its owner ever allows: nothing was opened
  | 'CLOSED'; // the channel ended before the protocol did

/** A protocol run that cannot go on. Tests and callers look at `code`; the text is for people. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProtocolError';
    this.code = code;
  }
}

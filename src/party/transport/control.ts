import type { MessageType } from '../../protocols/channel.ts';
import type { PeerRecord } from '../peers.ts';

/** One call of the control plane: its name on the wire and its two messages. */
export interface ControlMethod<Request, Response> {
  /** Unique a node, e.g. `consensus/prepare`. */
  readonly name: string;
  readonly request: MessageType<Request>;
  readonly response: MessageType<Response>;
}

/** What a handler may want to know besides the request. */
export interface CallContext {
  /** Ends when the caller gives up or this node stops. */
  readonly signal: AbortSignal;
}

/**
 * Answers a pinned peer. A `RefusalError` reaches the caller as it is; any other error only as
 * `PEER_FAILED`.
 */
export type ControlHandler<Request, Response> = (
  from: PeerRecord,
  request: Request,
  context: CallContext,
) => Promise<Response>;

/** The serving side. Handlers only ever see peers whose TLS certificate is pinned. */
export interface ControlServer {
  /** Throws `RangeError` when the method has a handler already. */
  handle<Request, Response>(
    method: ControlMethod<Request, Response>,
    handler: ControlHandler<Request, Response>,
  ): void;
}

export interface CallOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The calling side. Unary, at most 4 MiB each way, on a connection apart from bulk data. */
export interface ControlClient {
  /**
   * The peer's answer. Throws `RefusalError` as the peer's handler threw it, or `SessionError`
   * (`UNREACHABLE`, `TIMED_OUT`, `CANCELLED`, `UNKNOWN_PEER`, `WRONG_KEY`, `NOT_ACCEPTED`, ...).
   * Never retries.
   */
  call<Request, Response>(
    peer: string,
    method: ControlMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
}

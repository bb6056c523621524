import {
  AbortRequest,
  AbortResponse,
  CheckpointRequest,
  CheckpointResponse,
  CommitRequest,
  CommitResponse,
  DescribeRequest,
  DescribeResponse,
  PrepareRequest,
  PrepareResponse,
  ReceiptRequest,
  ReceiptResponse,
  type Refused,
  VoteRequest,
  VoteResponse,
} from '../../../proto/gen/consensus.ts';
import { RefusalError, SessionError } from '../errors.ts';
import type { CallOptions, ControlClient, ControlMethod } from '../transport/control.ts';
import { ConsensusError, isConsensusErrorCode, type Refusal } from './errors.ts';

/** The calls of `proto/consensus.proto`. */
export const METHODS: {
  readonly describe: ControlMethod<DescribeRequest, DescribeResponse>;
  readonly prepare: ControlMethod<PrepareRequest, PrepareResponse>;
  readonly vote: ControlMethod<VoteRequest, VoteResponse>;
  readonly commit: ControlMethod<CommitRequest, CommitResponse>;
  readonly abort: ControlMethod<AbortRequest, AbortResponse>;
  readonly receipt: ControlMethod<ReceiptRequest, ReceiptResponse>;
  readonly checkpoint: ControlMethod<CheckpointRequest, CheckpointResponse>;
} = {
  describe: {
    name: 'consensus/describe',
    request: DescribeRequest,
    response: DescribeResponse,
  },
  prepare: { name: 'consensus/prepare', request: PrepareRequest, response: PrepareResponse },
  vote: { name: 'consensus/vote', request: VoteRequest, response: VoteResponse },
  commit: { name: 'consensus/commit', request: CommitRequest, response: CommitResponse },
  abort: { name: 'consensus/abort', request: AbortRequest, response: AbortResponse },
  receipt: { name: 'consensus/receipt', request: ReceiptRequest, response: ReceiptResponse },
  checkpoint: {
    name: 'consensus/checkpoint',
    request: CheckpointRequest,
    response: CheckpointResponse,
  },
};

/** How long a peer may take: it may have to read and hash a whole dataset. Own choices. */
export const DATA_TIMEOUT_MS = 300_000;
/** How long a peer may take to verify signatures and write to its disk. */
export const ANSWER_TIMEOUT_MS = 30_000;

/** Longest reason that is kept of a peer's refusal. */
const MAX_REASON_CHARS = 512;

/**
 * Calls a peer. A link that cannot be used or an answer that breaks the format is a refusal of its
 * own: `unreachable`, `timed_out`, `internal`.
 */
export async function callPeer<Request, Response>(
  peers: ControlClient,
  peer: string,
  method: ControlMethod<Request, Response>,
  request: Request,
  options: CallOptions,
): Promise<Response> {
  try {
    return await peers.call(peer, method, request, options);
  } catch (cause) {
    if (cause instanceof SessionError) {
      const timedOut = cause.code === 'TIMED_OUT';
      const reason = timedOut ? `${peer} did not answer in time` : `${peer} cannot be reached`;
      throw new ConsensusError(timedOut ? 'timed_out' : 'unreachable', reason, { cause });
    }
    if (cause instanceof RefusalError) {
      throw new ConsensusError('internal', `${peer} could not answer`, { cause });
    }
    throw cause;
  }
}

export function encodeRefusal({ code, reason }: Refusal): Refused {
  return { code, reason: printable(reason) };
}

/** A peer's refusal: a code that this node does not know becomes `internal`, the text is bounded. */
export function decodeRefusal(refused: Refused | undefined): Refusal {
  const code = refused?.code ?? '';
  return {
    code: isConsensusErrorCode(code) ? code : 'internal',
    reason: printable(refused?.reason ?? ''),
  };
}

export function refusalError(refused: Refused): ConsensusError {
  const { code, reason } = decodeRefusal(refused);
  return new ConsensusError(code, reason);
}

/** A digest on the wire as hex. Throws `malformed_message` unless it has 32 bytes. */
export function decodeHash(bytes: Uint8Array, field: string): string {
  if (bytes.length !== 32) {
    throw new ConsensusError('malformed_message', `${field} must have 32 bytes`);
  }
  return Buffer.from(bytes).toString('hex');
}

export function encodeHash(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** Text of a peer as logs and terminals may show it: no control characters, bounded, well-formed. */
export function printable(text: string): string {
  const cut = text.slice(0, MAX_REASON_CHARS);
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, ' ');
}

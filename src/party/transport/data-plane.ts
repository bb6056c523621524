import type * as grpc from '@grpc/grpc-js';
import { PullHello } from '../../../proto/gen/session.ts';
import { SessionError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { PeerBook, PeerRecord } from '../peers.ts';
import { MAX_FRAME_BYTES } from './frame.ts';
import type { FrameSink } from './outbox.ts';
import { isVerdict, sessionErrorOf, statusOf } from './status.ts';
import { callerOf, dial, type Keepalive } from './tls.ts';

/**
 * Receive window of a stream of frames. A link with round-trip time t carries about half of it every
 * t. Only ever on the dialling side: grpc-js servers ignore the option, and large windows with bulk
 * both ways on one connection can deadlock, so each direction has a connection that its receiver
 * dials.
 */
export const WINDOW_BYTES = 16 << 20;

const PATH = '/entente.session.v1.Data/Pull';

/** A frame as it is written: two parts, joined only once, in gRPC's own buffer. */
interface OutgoingFrame {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

type PullCall = grpc.ServerWritableStream<Uint8Array, OutgoingFrame>;

const SERVICE: grpc.ServiceDefinition = {
  pull: {
    path: PATH,
    requestStream: false,
    responseStream: true,
    requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
    requestDeserialize: (bytes) => bytes,
    responseSerialize: joinFrame,
    responseDeserialize: (bytes) => bytes,
  },
};

/**
 * As much of a Buffer as grpc-js asks of a serialised message, which it copies behind its own prefix:
 * joining the parts before would copy every byte once more, and allocate as much. An exception, not
 * wrong bytes, is what a grpc-js that asks for more would meet.
 */
function joinFrame({ head, payload }: OutgoingFrame): Buffer {
  const byteLength = head.length + payload.length;
  const copy = (target: Uint8Array, start: number): number => {
    target.set(head, start);
    target.set(payload, start + head.length);
    return byteLength;
  };
  return { byteLength, copy } as unknown as Buffer;
}

/** How long a peer may take to read why its stream ends before its connection is cut: own choice. */
const VERDICT_TIMEOUT_MS = 1_000;

/** A peer that asks for the frames of a session. */
export interface Puller {
  readonly peer: PeerRecord;
  readonly hello: PullHello;
  readonly sink: FrameSink;
  /** Ends the stream with an error that the peer sees by its code, if it reads on. */
  fail(error: Error): void;
  /** Breaks the stream and its connection. */
  drop(): void;
  /** Called when the stream breaks. */
  onBreak(listener: () => void): void;
}

/**
 * Serves streams of frames. `accept` throws `SessionError` to refuse one; `cut` breaks the connection
 * from a remote address and port.
 */
export function serveFrames(
  server: grpc.Server,
  peers: () => PeerBook,
  accept: (puller: Puller) => void,
  cut: (remote: string) => void,
): void {
  server.addService(SERVICE, {
    pull: (call: PullCall) => {
      call.on('error', () => {});
      try {
        accept(pullerOf(call, callerOf(call, peers()), cut));
      } catch (error) {
        refuse(call, error);
      }
    },
  });
}

/** Ends the stream with the error's code. */
function refuse(call: PullCall, error: unknown): void {
  call.emit('error', Object.assign(new Error('refused'), statusOf(error)));
}

function pullerOf(call: PullCall, peer: PeerRecord, cut: (remote: string) => void): Puller {
  let hello: PullHello;
  try {
    hello = PullHello.decode(call.request);
  } catch (cause) {
    throw new SessionError('MALFORMED', `${peer.name} sent no hello`, { cause });
  }
  if (hello.next > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new SessionError('MALFORMED', `${peer.name} asks for a frame above 2^53`);
  }
  const remote = call.getPeer();
  return {
    peer,
    hello,
    sink: {
      write: (head, payload, done) => {
        call.write({ head, payload }, (error: unknown) => {
          if (!error) done();
        });
      },
      end: () => call.end(),
    },
    fail: (error) => {
      refuse(call, error);
      // Behind frames that the peer does not read the word would not arrive. It asks again then.
      const timer = setTimeout(() => cut(remote), VERDICT_TIMEOUT_MS).unref();
      call.once('cancelled', () => clearTimeout(timer));
    },
    drop: () => cut(remote),
    onBreak: (listener) => {
      call.on('cancelled', listener);
    },
  };
}

/**
 * How a stream of frames ended: in order, or by a word of the peer's node (or a frame above the size
 * limit) that dialling again would not change, or because the line broke.
 */
export type StreamEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused' | 'broken'; readonly error: SessionError };

/** A stream of frames that this side pulls. */
export interface FrameSource {
  pause(): void;
  resume(): void;
  /** Gives up the stream and its connection. */
  close(): void;
}

/** Opens the stream of a session's frames on a connection of its own. Never dials twice. */
export function pullFrames(
  identity: Identity,
  peer: PeerRecord,
  hello: PullHello,
  onFrame: (frame: Uint8Array) => void,
  onEnd: (end: StreamEnd) => void,
  keepalive?: Keepalive,
): FrameSource {
  const options = {
    'grpc-node.flow_control_window': WINDOW_BYTES,
    'grpc.max_receive_message_length': MAX_FRAME_BYTES,
  };
  const client = dial(identity, peer, options, keepalive);
  const call = client.makeServerStreamRequest(
    PATH,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes): Uint8Array => bytes,
    PullHello.encode(hello).finish(),
  );
  call.on('data', onFrame);
  call.on('error', (error: grpc.ServiceError) =>
    onEnd({
      kind: isVerdict(error) ? 'refused' : 'broken',
      error: sessionErrorOf(error, peer.name),
    }),
  );
  call.on('end', () => onEnd({ kind: 'ended' }));
  return {
    pause: () => call.pause(),
    resume: () => call.resume(),
    close: () => {
      call.cancel();
      client.close();
    },
  };
}

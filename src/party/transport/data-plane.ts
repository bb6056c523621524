import type * as grpc from '@grpc/grpc-js';
import { PullHello } from '../../../proto/gen/session.ts';
import { SessionError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { PeerBook, PeerRecord } from '../peers.ts';
import { MAX_FRAME_BYTES } from './frame.ts';
import type { FrameSink } from './outbox.ts';
import { sessionErrorOf, statusOf } from './status.ts';
import { callerOf, dial } from './tls.ts';

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

/** A peer that asks for the frames of a session. */
export interface Puller {
  readonly peer: PeerRecord;
  readonly hello: PullHello;
  readonly sink: FrameSink;
  /** Ends the stream with an error that the peer sees by its code. */
  fail(error: Error): void;
  /** Called when the stream ends, in order or not. */
  onEnd(listener: () => void): void;
}

/** Serves streams of frames. `accept` throws `SessionError` to refuse one. */
export function serveFrames(
  server: grpc.Server,
  peers: () => PeerBook,
  accept: (puller: Puller) => void,
): void {
  server.addService(SERVICE, {
    pull: (call: PullCall) => {
      call.on('error', () => {});
      try {
        accept(pullerOf(call, callerOf(call, peers())));
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

function pullerOf(call: PullCall, peer: PeerRecord): Puller {
  let hello: PullHello;
  try {
    hello = PullHello.decode(call.request);
  } catch (cause) {
    throw new SessionError('MALFORMED', `${peer.name} sent no hello`, { cause });
  }
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
    fail: (error) => refuse(call, error),
    onEnd: (listener) => {
      call.on('cancelled', listener);
    },
  };
}

/** A stream of frames that this side pulls. */
export interface FrameSource {
  pause(): void;
  resume(): void;
  /** Gives up the stream and its connection. */
  close(): void;
}

/** Opens the stream of a session's frames on a connection of its own. */
export function pullFrames(
  identity: Identity,
  peer: PeerRecord,
  hello: PullHello,
  onFrame: (frame: Uint8Array) => void,
  onEnd: (error: SessionError | undefined) => void,
): FrameSource {
  const client = dial(identity, peer, {
    'grpc-node.flow_control_window': WINDOW_BYTES,
    'grpc.max_receive_message_length': MAX_FRAME_BYTES,
  });
  const call = client.makeServerStreamRequest(
    PATH,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes): Uint8Array => bytes,
    PullHello.encode(hello).finish(),
  );
  call.on('data', onFrame);
  call.on('error', (error: grpc.ServiceError) => onEnd(sessionErrorOf(error, peer.name)));
  call.on('end', () => onEnd(undefined));
  return {
    pause: () => call.pause(),
    resume: () => call.resume(),
    close: () => {
      call.cancel();
      client.close();
    },
  };
}

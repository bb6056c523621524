import * as grpc from '@grpc/grpc-js';
import { ControlRequest, ControlResponse } from '../../../proto/gen/control.ts';
import type { MessageType } from '../../protocols/channel.ts';
import { RefusalError, SessionError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { PeerBook, PeerRecord } from '../peers.ts';
import type {
  CallOptions,
  ControlClient,
  ControlHandler,
  ControlMethod,
  ControlServer,
} from './control.ts';
import { sessionErrorOf, statusOf } from './status.ts';
import { callerOf, diagnose, dial, type Keepalive } from './tls.ts';

/** Largest request or response, envelope included. Bulk data belongs into sessions. */
export const MAX_CONTROL_BYTES = 4 << 20;

const DEFAULT_TIMEOUT_MS = 10_000;

const PATH = '/entente.control.v1.Control/Call';

/** Room for the envelope and for the longest text of a refusal. */
const ENVELOPE_BYTES = 1024;

type Call = grpc.ServerUnaryCall<Uint8Array, Uint8Array>;
type Answer = (from: PeerRecord, body: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

/** The service's one method: envelopes as bytes, so that their size is known before they are read. */
const SERVICE: grpc.ServiceDefinition = {
  call: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: toBuffer,
    requestDeserialize: fromBuffer,
    responseSerialize: toBuffer,
    responseDeserialize: fromBuffer,
  },
};

/** Both sides of the control plane of one node. */
export class ControlPlane implements ControlServer, ControlClient {
  readonly #identity: Identity;
  readonly #peers: () => PeerBook;
  readonly #keepalive: Keepalive;
  readonly #answers = new Map<string, Answer>();
  readonly #clients = new Map<string, { peer: PeerRecord; client: grpc.Client }>();
  /** One for each request that is being answered. */
  readonly #answering = new Set<AbortController>();
  #stopped = false;

  constructor(identity: Identity, peers: () => PeerBook, keepalive: Keepalive) {
    this.#identity = identity;
    this.#peers = peers;
    this.#keepalive = keepalive;
  }

  handle<Q, R>(method: ControlMethod<Q, R>, handler: ControlHandler<Q, R>): void {
    if (this.#answers.has(method.name)) throw new RangeError(`"${method.name}" has a handler`);
    this.#answers.set(method.name, async (from, body, signal) => {
      const request = decode(method.request, body, from.name);
      return method.response.encode(await handler(from, request, { signal })).finish();
    });
  }

  async call<Q, R>(
    name: string,
    method: ControlMethod<Q, R>,
    request: Q,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: CallOptions = {},
  ): Promise<R> {
    const peer = this.#peers().byName(name);
    if (!peer) throw new SessionError('UNKNOWN_PEER', `no peer "${name}" is pinned`);
    const body = method.request.encode(request).finish();
    if (body.length > MAX_CONTROL_BYTES - ENVELOPE_BYTES) {
      throw new SessionError('TOO_LARGE', `a ${method.name} of ${body.length} bytes`);
    }
    const envelope = ControlRequest.encode({ method: method.name, body }).finish();
    const { result } = ControlResponse.decode(
      await this.#exchange(peer, envelope, timeoutMs, signal),
    );
    if (result?.$case === 'refusal') throw refusalOf(result.value, name);
    if (!result) throw new SessionError('MALFORMED', `${name} sent an empty answer`);
    return decode(method.response, result.value, name);
  }

  /** Registers the service with the node's gRPC server. */
  serve(server: grpc.Server): void {
    server.addService(SERVICE, {
      call: (call: Call, callback: grpc.sendUnaryData<Uint8Array>) => {
        this.#answer(call).then(
          (bytes) => callback(null, bytes),
          (error: unknown) => callback(statusOf(error)),
        );
      },
    });
  }

  /** Closes connections to peers that are no longer pinned, or pinned otherwise. */
  dropStaleConnections(): void {
    for (const [name, { peer, client }] of this.#clients) {
      if (this.#peers().byName(name) === peer) continue;
      client.close();
      this.#clients.delete(name);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const controller of this.#answering) controller.abort();
    for (const { client } of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #answer(call: Call): Promise<Uint8Array> {
    const from = callerOf(call, this.#peers());
    const { method, body } = decode(ControlRequest, call.request, from.name);
    const answer = this.#answers.get(method);
    if (!answer) throw new SessionError('UNKNOWN_METHOD', `${from.name} calls "${method}"`);
    const controller = new AbortController();
    this.#answering.add(controller);
    call.on('cancelled', () => controller.abort());
    try {
      const value = await answer(from, body, controller.signal);
      return ControlResponse.encode({ result: { $case: 'body', value } }).finish();
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      const value = { code: error.code, reason: error.message };
      return ControlResponse.encode({ result: { $case: 'refusal', value } }).finish();
    } finally {
      this.#answering.delete(controller);
    }
  }

  async #exchange(
    peer: PeerRecord,
    envelope: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (signal?.aborted || this.#stopped) {
      throw new SessionError('CANCELLED', `the call to ${peer.name} was cancelled`);
    }
    const client = this.#clientOf(peer);
    let cancel = (): void => {};
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          PATH,
          toBuffer,
          fromBuffer,
          envelope,
          new grpc.Metadata(),
          { deadline: Date.now() + timeoutMs },
          (error, bytes) => (error ? reject(error) : resolve(bytes!)),
        );
        cancel = () => call.cancel();
        signal?.addEventListener('abort', cancel);
      });
    } catch (cause) {
      const error = sessionErrorOf(cause as grpc.ServiceError, peer.name);
      if (error.code !== 'UNREACHABLE') throw error;
      // The next call dials anew: gRPC's own back-off would repeat this error instead.
      if (this.#clients.get(peer.name)?.client === client) this.#clients.delete(peer.name);
      client.close();
      throw await diagnose(this.#identity, peer, cause as grpc.ServiceError);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #clientOf(peer: PeerRecord): grpc.Client {
    let entry = this.#clients.get(peer.name);
    if (!entry) {
      const options = { 'grpc.max_receive_message_length': MAX_CONTROL_BYTES };
      const client = dial(this.#identity, peer, options, this.#keepalive);
      entry = { peer, client };
      this.#clients.set(peer.name, entry);
    }
    return entry.client;
  }
}

function decode<M>(type: MessageType<M>, bytes: Uint8Array, from: string): M {
  try {
    return type.decode(bytes);
  } catch (cause) {
    throw new SessionError('MALFORMED', `${from} sent bytes that are no ${type.$type}`, { cause });
  }
}

function refusalOf({ code, reason }: { code: string; reason: string }, from: string): Error {
  if (RefusalError.isCode(code)) return new RefusalError(code, reason.slice(0, ENVELOPE_BYTES));
  return new SessionError('MALFORMED', `${from} sent a refusal without a code`);
}

/** No Buffer, whose slice() is another thing: the arrays of a decoded message are views of this. */
function fromBuffer(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

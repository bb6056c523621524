import * as grpc from '@grpc/grpc-js';
import type { Identity } from '../identity.ts';
import { type PeerBook, peerBook } from '../peers.ts';
import type { AttemptStore } from './attempts.ts';
import type {
  CallOptions,
  ControlClient,
  ControlHandler,
  ControlMethod,
  ControlServer,
} from './control.ts';
import { ControlPlane, MAX_CONTROL_BYTES } from './control-plane.ts';
import { serveFrames } from './data-plane.ts';
import { DEFAULT_LINK_LIMITS, type LinkLimits } from './link.ts';
import type { Session, SessionOptions, SessionTerms } from './session.ts';
import { SessionBroker } from './session-broker.ts';
import {
  DEFAULT_KEEPALIVE,
  type Keepalive,
  keepaliveOptions,
  type Refusal,
  TlsListener,
} from './tls.ts';

export interface TransportOptions {
  readonly identity: Identity;
  /** Default: none; see `setPeers`. */
  readonly peers?: PeerBook;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly attempts: AttemptStore;
  readonly limits?: Partial<LinkLimits>;
  /** Default: a dead connection is noticed within 50 s. */
  readonly keepalive?: Keepalive;
  /** Told of every connection that was refused. */
  readonly onRefused?: (refusal: Refusal) => void;
}

/** How long stopping waits for peers to read why their calls and streams end: own choice. */
const STOP_GRACE_MS = 500;

/** Options of the gRPC server. Those of its receive window are ignored by grpc-js: nobody pushes. */
const SERVER_OPTIONS: grpc.ServerOptions = {
  'grpc.max_receive_message_length': MAX_CONTROL_BYTES,
  'grpc.max_concurrent_streams': 256,
  'grpc.enable_channelz': 0,
};

/**
 * A node's link to its peers: control calls and sessions, over mutual TLS with pinned certificates.
 * Register handlers, `start`, use, `stop`.
 */
export class Transport implements ControlServer, ControlClient {
  readonly #options: TransportOptions;
  readonly #control: ControlPlane;
  readonly #broker: SessionBroker;
  readonly #server: grpc.Server;
  readonly #injector: grpc.ConnectionInjector;
  readonly #listener: TlsListener;
  #peers: PeerBook;

  constructor(options: TransportOptions) {
    const { identity, attempts, limits, keepalive = DEFAULT_KEEPALIVE } = options;
    this.#options = options;
    this.#peers = options.peers ?? peerBook([]);
    const peers = (): PeerBook => this.#peers;
    this.#control = new ControlPlane(identity, peers, keepalive);
    this.#broker = new SessionBroker(identity, peers, this.#control, attempts, {
      limits: { ...DEFAULT_LINK_LIMITS, ...limits },
      keepalive,
    });
    this.#server = new grpc.Server({ ...SERVER_OPTIONS, ...keepaliveOptions(keepalive) });
    this.#control.serve(this.#server);
    serveFrames(
      this.#server,
      peers,
      (puller) => this.#broker.accept(puller),
      (remote) => this.#listener.cut(remote),
    );
    // TLS ends in the listener, so what it hands on is plain to gRPC.
    this.#injector = this.#server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
    this.#listener = new TlsListener(
      identity,
      this.#peers,
      (socket) => this.#injector.injectConnection(socket),
      options.onRefused ?? (() => {}),
    );
  }

  /** The pinned peers. */
  get peers(): PeerBook {
    return this.#peers;
  }

  /** Replaces the pinned peers. Connections and sessions with those that are gone end. */
  setPeers(peers: PeerBook): void {
    this.#peers = peers;
    this.#listener.setPeers(peers);
    this.#control.dropStaleConnections();
    this.#broker.dropStaleSessions();
  }

  /** Whether peers can connect now. */
  get isListening(): boolean {
    return this.#listener.isListening;
  }

  /** Listens; the port. Throws when the address cannot be bound. */
  async start(): Promise<number> {
    return this.#listener.start(this.#options.host, this.#options.port);
  }

  /**
   * Ends sessions, calls and connections at once, but for the moment that peers need to be told why.
   * Nothing keeps the process alive afterwards.
   */
  async stop(): Promise<void> {
    this.#broker.stop();
    this.#control.stop();
    this.#injector.drain(STOP_GRACE_MS);
    await this.#listener.stop(STOP_GRACE_MS);
    this.#injector.destroy();
    this.#server.forceShutdown();
  }

  handle<Request, Response>(
    method: ControlMethod<Request, Response>,
    handler: ControlHandler<Request, Response>,
  ): void {
    this.#control.handle(method, handler);
  }

  call<Request, Response>(
    peer: string,
    method: ControlMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response> {
    return this.#control.call(peer, method, request, options);
  }

  /**
   * Opens the session that the peer opens with the same terms at about the same time. Claims the
   * attempt first. Throws `SessionError`: `STALE_ATTEMPT`, `TASK_FINISHED`, `HELLO_MISMATCH`,
   * `TIMED_OUT`, `UNREACHABLE`, ...
   */
  openSession(terms: SessionTerms, options?: SessionOptions): Promise<Session> {
    return this.#broker.open(terms, options);
  }
}

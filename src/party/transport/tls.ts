import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { readCertificate, tlsServerName, tryReadCertificate } from '../certificate.ts';
import { SessionError, type SessionErrorCode } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { PeerBook, PeerRecord } from '../peers.ts';

/** Of an incoming connection, until the TLS handshake is done: own choice. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Of the connection that finds out why another failed: own choice. */
const DIAGNOSIS_TIMEOUT_MS = 3_000;

/** When a connection on which nothing arrives is taken for dead, at either end. */
export interface Keepalive {
  /** A ping is sent this long after the last one was answered. */
  readonly timeMs: number;
  /** A ping that is not answered for so long breaks the connection. */
  readonly timeoutMs: number;
}

/** A silently dead connection is noticed within 50 s; long enough for a peer whose thread computes. */
export const DEFAULT_KEEPALIVE: Keepalive = { timeMs: 20_000, timeoutMs: 30_000 };

export function keepaliveOptions({ timeMs, timeoutMs }: Keepalive): grpc.ChannelOptions {
  return { 'grpc.keepalive_time_ms': timeMs, 'grpc.keepalive_timeout_ms': timeoutMs };
}

/** A connection that the node refused, for its log and audit. */
export interface Refusal {
  readonly remoteAddress: string;
  readonly code: SessionErrorCode;
  readonly reason: string;
}

/**
 * Accepts TLS 1.3 connections of pinned peers and of nobody else. A connection is refused before a
 * byte of it is read as HTTP/2, by two checks: OpenSSL's chain, whose roots are the pinned
 * certificates, and ours, that the certificate is a pinned one.
 */
export class TlsListener {
  readonly #identity: Identity;
  readonly #server: tls.Server;
  /** Open connections by remote address and port. */
  readonly #sockets = new Map<string, tls.TLSSocket>();
  #peers: PeerBook;

  constructor(
    identity: Identity,
    peers: PeerBook,
    onConnection: (socket: tls.TLSSocket) => void,
    onRefused: (refusal: Refusal) => void,
  ) {
    this.#identity = identity;
    this.#peers = peers;
    this.#server = tls.createServer({
      ...secureContextOptions(identity, peers.all),
      ALPNProtocols: ['h2'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      // The server sends the bulk: the end of a message must not wait for the acknowledgement of its beginning.
      noDelay: true,
      requestCert: true,
      // The refusal below is the same one, with a reason.
      rejectUnauthorized: false,
    });
    this.#server.on('secureConnection', (socket) => {
      const error = this.#objection(socket);
      if (error) {
        const remoteAddress = socket.remoteAddress ?? 'unknown';
        socket.destroy();
        onRefused({ remoteAddress, code: error.code, reason: error.message });
        return;
      }
      const remote = `${socket.remoteAddress}:${socket.remotePort}`;
      this.#sockets.set(remote, socket);
      socket.once('close', () => {
        if (this.#sockets.get(remote) === socket) this.#sockets.delete(remote);
      });
      socket.on('error', () => socket.destroy());
      onConnection(socket);
    });
    // Handshakes that fail never reach a handler; Node has closed their sockets.
    this.#server.on('tlsClientError', () => {});
  }

  /** Whether peers can connect now. */
  get isListening(): boolean {
    return this.#server.listening;
  }

  /** The port. Throws when the address cannot be bound. */
  async start(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  setPeers(peers: PeerBook): void {
    this.#peers = peers;
    this.#server.setSecureContext(secureContextOptions(this.#identity, peers.all));
  }

  /** Breaks the connection from a remote address and port, if there is one. */
  cut(remote: string): void {
    this.#sockets.get(remote)?.destroy();
  }

  /** Listens no more; breaks the connections that are left after `graceMs`. */
  async stop(graceMs = 0): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    const breakAll = (): void => {
      for (const socket of this.#sockets.values()) socket.destroy();
    };
    if (graceMs === 0) breakAll();
    const timer = setTimeout(breakAll, graceMs);
    await closed;
    clearTimeout(timer);
  }

  #objection(socket: tls.TLSSocket): SessionError | undefined {
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) return new SessionError('UNKNOWN_PEER', 'the caller shows no certificate');
    const { error } = identify(certificate.raw, this.#peers);
    if (error) return error;
    if (!socket.authorized) {
      return new SessionError('UNKNOWN_PEER', `the chain fails: ${socket.authorizationError}`);
    }
    return undefined;
  }
}

function secureContextOptions(identity: Identity, peers: readonly PeerRecord[]) {
  return {
    key: identity.privateKeyPem(),
    cert: identity.certificatePem,
    ca: peers.map((peer) => peer.certificatePem),
    // A pinned certificate is trusted by itself, whoever issued it.
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.3',
  } as const satisfies tls.SecureContextOptions;
}

/** The pinned peer whose certificate this is, or why it is none's. */
export function identify(
  certificate: Uint8Array,
  peers: PeerBook,
): { readonly peer?: PeerRecord; readonly error?: SessionError } {
  const facts = tryReadCertificate(certificate);
  if (!facts) return { error: new SessionError('UNKNOWN_PEER', 'no readable certificate') };
  const owner = peers.byFingerprint(facts.fingerprint);
  if (owner && equal(readCertificate(owner.certificatePem).digest, facts.digest)) {
    return { peer: owner };
  }
  const { name, fingerprint } = facts;
  if (owner) {
    const reason = `the key of ${owner.name} with another certificate than the pinned one`;
    return { error: new SessionError('UNKNOWN_PEER', reason) };
  }
  const namesake = name === undefined ? undefined : peers.byName(name);
  if (namesake) {
    const reason = `a certificate for ${name} with key ${fingerprint}; pinned is ${namesake.fingerprint}`;
    return { error: new SessionError('WRONG_KEY', reason) };
  }
  const reason = `a certificate for ${name ?? 'no party'} with key ${fingerprint}, which is not pinned`;
  return { error: new SessionError('UNKNOWN_PEER', reason) };
}

/** The pinned peer at the other end of a call. Throws `UNKNOWN_PEER` when it was unpinned since. */
export function callerOf(
  call: { getAuthContext(): { sslPeerCertificate?: tls.PeerCertificate } },
  peers: PeerBook,
): PeerRecord {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (!certificate?.raw) throw new SessionError('UNKNOWN_PEER', 'the caller shows no certificate');
  const { peer, error } = identify(certificate.raw, peers);
  if (!peer) throw error!;
  return peer;
}

/** Options of every outgoing connection. */
const CHANNEL_OPTIONS: grpc.ChannelOptions = {
  // A connection is its owner's alone: bulk data never delays control, no session another.
  'grpc.use_local_subchannel_pool': 1,
  // grpc-js would keep a copy of what was sent; resending is the caller's business.
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.service_config_disable_resolution': 1,
  // A control connection must not turn out to be dead only when it is needed.
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/** A connection to a pinned peer, made on first use. Any other peer at the address is refused. */
export function dial(
  identity: Identity,
  peer: PeerRecord,
  options: grpc.ChannelOptions = {},
  keepalive: Keepalive = DEFAULT_KEEPALIVE,
): grpc.Client {
  const context = tls.createSecureContext(secureContextOptions(identity, [peer]));
  const pinned = readCertificate(peer.certificatePem).digest;
  const credentials = grpc.credentials.createFromSecureContext(context, {
    checkServerIdentity: (_host, certificate) =>
      equal(readCertificate(certificate.raw).digest, pinned)
        ? undefined
        : new Error('not the pinned certificate'),
  });
  const closing = new AbortController();
  const connectorOf = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args) => guarded(connectorOf(...args), closing.signal);
  const client = new grpc.Client(`dns:${peer.address}`, credentials, {
    ...CHANNEL_OPTIONS,
    ...keepaliveOptions(keepalive),
    'grpc.ssl_target_name_override': tlsServerName(peer.name),
    ...options,
  });
  const close = client.close.bind(client);
  client.close = () => {
    closing.abort();
    close();
  };
  return client;
}

type Connector = grpc.experimental.SecureConnector;

/**
 * Keeps grpc-js from two things that it does where connections fail: to dial once more for a client
 * that was closed after it could not connect, and then hold a connection that nobody uses; and to wait
 * without end for the handshake on a connection that is gone.
 */
function guarded(connector: Connector, closing: AbortSignal): Connector {
  return {
    waitForReady: async () => {
      if (closing.aborted) throw new Error('the client is closed');
      await connector.waitForReady();
    },
    connect: (socket) =>
      new Promise((resolve, reject) => {
        socket.once('close', () => reject(new Error('the connection closed')));
        connector.connect(socket).then(resolve, reject);
      }),
    getCallCredentials: () => connector.getCallCredentials(),
    destroy: () => connector.destroy(),
  };
}

/**
 * Why a connection to `peer` failed, found out by others that send nothing: gRPC's own error does not
 * tell a wrong certificate from a broken line. Looks twice before it says that the peer refuses this
 * node, as a line that breaks right after the handshake looks like that.
 */
export async function diagnose(
  identity: Identity,
  peer: PeerRecord,
  cause: Error,
): Promise<SessionError> {
  const error = await probe(identity, peer, cause);
  return error.code === 'NOT_ACCEPTED' ? await probe(identity, peer, cause) : error;
}

async function probe(identity: Identity, peer: PeerRecord, cause: Error): Promise<SessionError> {
  const at = `${peer.name} at ${peer.address}`;
  const split = peer.address.lastIndexOf(':');
  const socket = tls.connect({
    ...secureContextOptions(identity, [peer]),
    host: peer.address.slice(0, split).replace(/^\[|\]$/g, ''),
    port: Number(peer.address.slice(split + 1)),
    servername: tlsServerName(peer.name),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  try {
    return await new Promise<SessionError>((resolve) => {
      const conclude = (code: SessionErrorCode, reason: string): void =>
        resolve(new SessionError(code, reason, { cause }));
      let connected = false;
      socket.once('secureConnect', () => {
        connected = true;
        const certificate = socket.getPeerX509Certificate();
        const { error } = certificate
          ? identify(certificate.raw, singlePeer(peer))
          : { error: new SessionError('UNKNOWN_PEER', 'no certificate') };
        if (error) conclude(error.code, `${at}: it shows ${error.message}`);
      });
      // The node speaks first in HTTP/2: what it accepts it greets, what it refuses it closes.
      socket.once('data', () => conclude('UNREACHABLE', `${at}: ${cause.message}`));
      const onEnd = (error?: Error): void => {
        if (connected) conclude('NOT_ACCEPTED', `${at} does not accept this node's certificate`);
        else conclude('UNREACHABLE', `${at}: ${error?.message ?? cause.message}`);
      };
      socket.once('error', onEnd);
      socket.once('close', () => onEnd());
      socket.setTimeout(DIAGNOSIS_TIMEOUT_MS, () =>
        conclude('UNREACHABLE', `${at}: ${cause.message}`),
      );
    });
  } finally {
    socket.destroy();
  }
}

function singlePeer(peer: PeerRecord): PeerBook {
  return {
    all: [peer],
    byName: (name) => (name === peer.name ? peer : undefined),
    byFingerprint: (fingerprint) => (fingerprint === peer.fingerprint ? peer : undefined),
  };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

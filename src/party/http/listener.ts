import {
  createServer as createHttpListener,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createHttpsListener } from 'node:https';
import { isLoopback } from './access.ts';

/** Certificate chain and key of the HTTP interface; not those that peers pin. */
export interface TlsOptions {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface ListenerOptions {
  readonly host: string;
  readonly tls?: TlsOptions;
  /** Lets tokens travel unencrypted off loopback: where a proxy in front does TLS. */
  readonly allowPlaintext?: boolean;
}

/**
 * What a caller may take of the server: time for the head and the whole of a request to arrive, bytes
 * of headers, idle connections. Own choices. TCP keep-alive is on: a synchronous call is silent for
 * minutes.
 */
export const LIMITS = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
  keepAliveTimeout: 30_000,
  keepAlive: true,
} as const satisfies ServerOptions;
const MAX_CONNECTIONS = 1024;

/**
 * The server socket, with limits on slow and large requests. Throws `RangeError` for plain HTTP off
 * loopback, unless it is allowed.
 */
export function createListener(
  options: ListenerOptions,
  handle: RequestListener,
  limits: ServerOptions = LIMITS,
): Server {
  const { host, tls, allowPlaintext = false } = options;
  const server = tls
    ? createHttpsListener(
        { ...limits, cert: tls.certificatePem, key: tls.privateKeyPem, minVersion: 'TLSv1.2' },
        handle,
      )
    : plainListener(host, allowPlaintext, limits, handle);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

function plainListener(
  host: string,
  allowed: boolean,
  limits: ServerOptions,
  handle: RequestListener,
): Server {
  if (!allowed && !isLoopback(host)) {
    throw new RangeError(
      `"host" expected a loopback address while tokens travel unencrypted, got ${host}: ` +
        'give the interface a certificate, or allow plaintext behind a proxy that does TLS',
    );
  }
  return createHttpListener(limits, handle);
}

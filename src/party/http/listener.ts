import { createServer as createHttpListener, type RequestListener, type Server } from 'node:http';
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
 * The server socket, with Node's own limits on slow requests. TCP keep-alive is on: a synchronous call
 * is silent for minutes. Throws `RangeError` for plain HTTP off loopback, unless it is allowed.
 */
export function createListener(options: ListenerOptions, handle: RequestListener): Server {
  const { host, tls, allowPlaintext = false } = options;
  if (tls) {
    const { certificatePem: cert, privateKeyPem: key } = tls;
    return createHttpsListener({ cert, key, minVersion: 'TLSv1.2', keepAlive: true }, handle);
  }
  requireSafePlaintext(host, allowPlaintext);
  return createHttpListener({ keepAlive: true }, handle);
}

function requireSafePlaintext(host: string, allowed: boolean): void {
  if (allowed || isLoopback(host)) return;
  throw new RangeError(
    `"host" expected a loopback address while tokens travel unencrypted, got ${host}: ` +
      'give the interface a certificate, or allow plaintext behind a proxy that does TLS',
  );
}

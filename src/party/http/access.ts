import { isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Caller, Tokens } from '../tokens.ts';
import { ApiError } from './api-error.ts';

export const ANONYMOUS: Caller = { id: 'anonymous', role: 'admin' };
const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;

/** Whether a host name or address can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return plain === 'localhost' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}

/** Who sends a request. Throws `UNAUTHENTICATED` or `FORBIDDEN`. */
export type Authenticate = (request: FastifyRequest) => Promise<Caller>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the body is read, unless anyone may call. */
    caller: Caller;
  }
}

/** Authentication by bearer token. */
export function byToken(tokens: Tokens): Authenticate {
  return async (request) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) {
      const message = 'send a token in the header "Authorization: Bearer <token>"';
      throw new ApiError('UNAUTHENTICATED', message);
    }
    const caller = await tokens.verify(token);
    if (caller) return caller;
    throw new ApiError('UNAUTHENTICATED', 'the token is not valid');
  };
}

/**
 * No authentication, for loopback only. The `Host` header must be loopback as well: otherwise a web
 * page could reach the node through a name that resolves to 127.0.0.1. Nor may a page of another site
 * send what needs no leave of this one, such as a POST without a body: browsers name its origin.
 */
export function anonymousOnLoopback(bindHost: string): Authenticate {
  if (!isLoopback(bindHost)) {
    throw new RangeError(
      `"host" expected a loopback address while authentication is off, got ${bindHost}`,
    );
  }
  return async (request) => {
    if (!isLoopback(request.hostname)) {
      throw new ApiError('FORBIDDEN', 'without authentication only loopback host names are served');
    }
    if (isFromElsewhere(request.headers.origin)) {
      throw new ApiError('FORBIDDEN', 'without authentication no page of another site is served');
    }
    return ANONYMOUS;
  };
}

function isFromElsewhere(origin: string | undefined): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || !isLoopback(new URL(origin).hostname);
}

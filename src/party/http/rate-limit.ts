import rateLimitPlugin from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS } from './access.ts';
import { ApiError } from './api-error.ts';
import type { App } from './api-reply.ts';

/** Counts a call for its caller; throws `RATE_LIMITED` when it is one too many. */
export type CountCall = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

const WINDOW_MS = 60_000;
/** Callers whose calls are counted at a time; the one longest silent is forgotten first. Own choice. */
const MAX_CALLERS = 10_000;

/**
 * A limit of calls in each minute: of a token's, or of an address's where there is no valid token, so
 * that nobody's guessing of tokens uses up a holder's calls.
 * @param callsPerMinute 0 for no limit
 */
export async function rateLimit(app: App, callsPerMinute: number): Promise<CountCall> {
  if (callsPerMinute === 0) return async () => undefined;
  await app.register(rateLimitPlugin, { global: false, cache: MAX_CALLERS });
  const count = app.createRateLimit({
    max: callsPerMinute,
    timeWindow: WINDOW_MS,
    keyGenerator: callerKey,
  });
  return async (request, reply) => {
    const found = await count(request);
    if (found.isAllowed) return;
    void reply.headers({
      'X-RateLimit-Limit': found.max,
      'X-RateLimit-Remaining': found.remaining,
      'X-RateLimit-Reset': found.ttlInSeconds,
    });
    if (!found.isExceeded) return;
    throw new ApiError(
      'RATE_LIMITED',
      `more than ${callsPerMinute} calls in a minute; http.callsPerMinute is the limit`,
      { retryAfterSec: Math.max(1, found.ttlInSeconds) },
    );
  };
}

function callerKey(request: FastifyRequest): string {
  const { caller } = request as { readonly caller?: FastifyRequest['caller'] };
  return caller && caller.id !== ANONYMOUS.id ? `caller ${caller.id}` : `address ${request.ip}`;
}

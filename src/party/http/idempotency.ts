/**
 * Calls that must not run twice: `Idempotency-Key`.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 *
 * A record is made with the task it leads to, in one batch: after a crash there are both or neither.
 * The reply to a task is not kept, it is made again of the task; of calls that make no task, and of
 * refusals, the reply itself is kept. What ended with a status of 500 or more may be tried again.
 */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { canonicalDigest } from '../consensus/canonical-json.ts';
import type { Store, Write } from '../store.ts';
import { ApiError } from './api-error.ts';
import type { ApiReply } from './api-reply.ts';
import { operationOf } from './operations.ts';

/** One use of a key: who called what with it, and with which body. */
export interface KeyUse {
  /** SHA-256 of caller, method, path and key, hex. */
  readonly id: string;
  /** SHA-256 of the canonical body, hex. */
  readonly fingerprint: string;
}

export interface KeyRecord {
  readonly fingerprint: string;
  /** Unix ms. */
  readonly usedAt: number;
  readonly taskId: string | null;
  readonly reply: ApiReply | null;
}

/** How long a key is remembered. */
export const KEY_LIFETIME_MS = 24 * 3600 * 1000;
const KEY = /^[\x20-\x7e]{1,255}$/;
const RETRY_AFTER_S = 1; // own choice

/** The use that a request makes of a key; null without one. Throws `INVALID_REQUEST`. */
export function keyUse(request: FastifyRequest): KeyUse | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const message = 'Idempotency-Key must be 1 to 255 printable ASCII characters';
    throw new ApiError('INVALID_REQUEST', message);
  }
  const { method, path } = operationOf(request.routeOptions.config.operation!);
  const scope = JSON.stringify([request.caller.id, method, path, key]);
  return {
    id: createHash('sha256').update(scope).digest('hex'),
    fingerprint: canonicalDigest(request.body ?? null),
  };
}

export interface IdempotencyKeys {
  /**
   * Claims a key until `release`. Resolves with what an earlier use came to, null for the first one.
   * Throws `KEY_REUSED` for another body, `CONFLICT` while the same request is being worked on.
   */
  claim(use: KeyUse): Promise<KeyRecord | null>;
  release(use: KeyUse): void;
  /** To be written with the task. */
  taskMade(use: KeyUse, taskId: string): readonly Write[];
  /** Keeps the reply of a call that is over. */
  replied(use: KeyUse, reply: ApiReply): Promise<void>;
  /** Forgets keys that were used too long ago; returns how many. */
  prune(): Promise<number>;
}

/** @param now - Unix ms. */
export function idempotencyKeys(store: Store, now: () => number): IdempotencyKeys {
  const table = store.table<KeyRecord>('idempotency');
  /** Fingerprints by id of what is being worked on. */
  const claimed = new Map<string, string>();

  const isOld = ({ usedAt }: KeyRecord): boolean => now() - usedAt >= KEY_LIFETIME_MS;
  const requireSame = (earlier: string, use: KeyUse): void => {
    if (earlier === use.fingerprint) return;
    const message = 'Idempotency-Key was used with another request; use a new key';
    throw new ApiError('KEY_REUSED', message);
  };

  return {
    async claim(use) {
      const other = claimed.get(use.id);
      if (other !== undefined) {
        requireSame(other, use);
        const message = 'the same request is being worked on; ask again';
        throw new ApiError('CONFLICT', message, { retryAfterSec: RETRY_AFTER_S });
      }
      claimed.set(use.id, use.fingerprint);
      try {
        const record = await table.get(use.id);
        if (!record || isOld(record)) return null;
        requireSame(record.fingerprint, use);
        return record;
      } catch (error) {
        claimed.delete(use.id);
        throw error;
      }
    },

    release: ({ id }) => void claimed.delete(id),

    taskMade: ({ id, fingerprint }, taskId) => [
      table.put(id, { fingerprint, usedAt: now(), taskId, reply: null }),
    ],

    async replied({ id, fingerprint }, reply) {
      await store.write(table.put(id, { fingerprint, usedAt: now(), taskId: null, reply }));
    },

    async prune() {
      const old = (await table.list()).filter(([, record]) => isOld(record));
      await store.write(...old.map(([id]) => table.delete(id)));
      return old.length;
    },
  };
}

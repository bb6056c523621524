import { createHash, timingSafeEqual } from 'node:crypto';
import type { Rng } from '../protocols/primitives/rng.ts';
import type { Store } from './store.ts';

/** `coordinator` submits and follows tasks, `auditor` reads, `admin` does everything. */
export type Role = 'coordinator' | 'auditor' | 'admin';

export const ROLES: readonly Role[] = ['coordinator', 'auditor', 'admin'];

/** Who calls over HTTP: the holder of a token, or anybody on this machine without authentication. */
export interface Caller {
  /** The token's id, or `anonymous`. */
  readonly id: string;
  readonly role: Role;
}

/** What is kept of a token: enough to recognise it, not to use it. */
export interface TokenRecord {
  /** Public name of the token, for lists and for revoking it. */
  readonly id: string;
  readonly role: Role;
  /** For people. */
  readonly label: string;
  /** SHA-256 of the token, hex. The token is 256 random bits, so nothing slower is needed. */
  readonly hash: string;
  /** ISO 8601 UTC with milliseconds. */
  readonly createdAt: string;
}

const TOKEN_BYTES = 32;
const TOKEN = /^entente_[A-Za-z0-9_-]{43}$/;
/** 64 bits of the hash: ids do not collide, and tell nothing of the token. */
const ID_DIGITS = 16;

/** The tokens of a node. */
export interface Tokens {
  /** A new token, which is returned here and never again. */
  create(options: {
    readonly role: Role;
    readonly label?: string;
  }): Promise<{ readonly token: string; readonly record: TokenRecord }>;
  /** The holder of a token, or null when it is malformed, unknown or revoked. */
  verify(token: string): Promise<Caller | null>;
  /** Whether there was such a token. It is refused from now on. */
  revoke(id: string): Promise<boolean>;
  list(): Promise<readonly TokenRecord[]>;
}

/** The tokens kept in a store. */
export function storedTokens(store: Store, rng: Rng): Tokens {
  const table = store.table<TokenRecord>('tokens');
  return {
    async create({ role, label = '' }) {
      const token = `entente_${Buffer.from(rng(TOKEN_BYTES)).toString('base64url')}`;
      const hash = digestOf(token);
      const record: TokenRecord = {
        id: idOf(hash),
        role,
        label,
        hash: hash.toString('hex'),
        createdAt: new Date().toISOString(),
      };
      await store.write(table.put(record.id, record));
      return { token, record };
    },

    async verify(token) {
      if (!TOKEN.test(token)) return null;
      const hash = digestOf(token);
      const record = await table.get(idOf(hash));
      if (!record || !timingSafeEqual(hash, Buffer.from(record.hash, 'hex'))) return null;
      return { id: record.id, role: record.role };
    },

    async revoke(id) {
      if (!(await table.get(id))) return false;
      await store.write(table.delete(id));
      return true;
    },

    async list() {
      return (await table.list()).map(([, record]) => record);
    },
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function idOf(hash: Buffer): string {
  return `token-${hash.toString('hex').slice(0, ID_DIGITS)}`;
}

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Rng } from '../protocols/primitives/rng.ts';
import type { Store, Table } from './store.ts';

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

/** A new token, which is returned here and never again. */
export async function createToken(
  store: Store,
  { role, label = '' }: { readonly role: Role; readonly label?: string },
  rng: Rng,
): Promise<{ readonly token: string; readonly record: TokenRecord }> {
  const token = `entente_${Buffer.from(rng(TOKEN_BYTES)).toString('base64url')}`;
  const hash = digestOf(token);
  const record: TokenRecord = {
    id: idOf(hash),
    role,
    label,
    hash: hash.toString('hex'),
    createdAt: new Date().toISOString(),
  };
  await store.write(tokens(store).put(record.id, record));
  return { token, record };
}

/** The holder of a token, or null when it is malformed, unknown or revoked. */
export async function verifyToken(store: Store, token: string): Promise<Caller | null> {
  if (!TOKEN.test(token)) return null;
  const hash = digestOf(token);
  const record = await tokens(store).get(idOf(hash));
  if (!record || !timingSafeEqual(hash, Buffer.from(record.hash, 'hex'))) return null;
  return { id: record.id, role: record.role };
}

/** Whether there was such a token. It is refused from now on. */
export async function revokeToken(store: Store, id: string): Promise<boolean> {
  const table = tokens(store);
  if (!(await table.get(id))) return false;
  await store.write(table.delete(id));
  return true;
}

export async function listTokens(store: Store): Promise<readonly TokenRecord[]> {
  return (await tokens(store).list()).map(([, record]) => record);
}

function tokens(store: Store): Table<TokenRecord> {
  return store.table<TokenRecord>('tokens');
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function idOf(hash: Buffer): string {
  return `token-${hash.toString('hex').slice(0, ID_DIGITS)}`;
}

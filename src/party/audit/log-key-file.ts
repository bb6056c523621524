import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import type { SealOptions } from '../identity.ts';
import { AuditError } from './errors.ts';

const KEY_FILE = 'log.key';

/** Of a sealed key file, as the identity's. */
const CIPHER = 'aes-256-cbc';

/**
 * The node's log key in `dir`; made at the first start. It stands with the log and not with the identity,
 * whose folder may be one that the node cannot write or that is made anew at each start. With a passphrase the
 * file is sealed with it. Refuses a file that others can read, one that is no Ed25519 key, and none
 * where the log was signed before: a new key would make every peer take the log for a forked one.
 */
export async function openLogKeyFile(
  dir: string,
  { passphrase }: SealOptions = {},
  { isSigned = false }: { readonly isSigned?: boolean } = {},
): Promise<KeyObject> {
  const path = join(dir, KEY_FILE);
  const mode = await modeOf(path);
  if (mode === undefined && isSigned) {
    throw badFile(`${path} is missing, and the audit log was signed with it: put back its copy`);
  }
  if (mode === undefined) return createKeyFile(path, passphrase);
  if ((mode & 0o077) !== 0) {
    throw badFile(`${path} is accessible to others than its owner: run chmod 600 on it`);
  }
  const pem = await readFile(path, 'utf8');
  let key: KeyObject;
  try {
    key = createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (cause) {
    throw badFile(`${path} is no private key, or sealed with another passphrase`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw badFile(`${path} is no Ed25519 key`);
  return key;
}

async function createKeyFile(path: string, passphrase: string | undefined): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const format = { type: 'pkcs8', format: 'pem' } as const;
  const sealed = passphrase === undefined ? format : { ...format, cipher: CIPHER, passphrase };
  await writeDurably(path, privateKey.export(sealed).toString(), { mode: 0o600 });
  return privateKey;
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).mode;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function badFile(message: string, options?: ErrorOptions): AuditError {
  return new AuditError('bad_log_key', message, options);
}

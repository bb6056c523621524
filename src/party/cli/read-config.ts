import { readFile } from 'node:fs/promises';
import { ConfigError, loadConfig, type NodeConfig } from '../config.ts';
import type { Environment } from '../config-source.ts';
import { type Identity, loadIdentity } from '../identity.ts';
import { CliError } from './command.ts';

/** Where a node's configuration comes from. */
export interface ConfigSource {
  /** The file. */
  readonly config: string;
  readonly env: Environment;
}

/** The node's configuration. Throws `CliError` with all that is wrong with it. */
export async function readConfig({ config, env }: ConfigSource): Promise<NodeConfig> {
  try {
    return await loadConfig(config, env);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const hint = 'name another file with --config, or repair this one';
    throw new CliError(cause.message, hint, { cause });
  }
}

/** The node's identity, unsealed where its key file is sealed. */
export async function readIdentity({ identity }: NodeConfig): Promise<Identity> {
  const { dir, passphraseFile } = identity;
  if (passphraseFile === null) return loadIdentity(dir);
  // Editors end files with a line break that is no part of the passphrase.
  const passphrase = (await readFile(passphraseFile, 'utf8')).replace(/\r?\n$/, '');
  return loadIdentity(dir, { passphrase });
}

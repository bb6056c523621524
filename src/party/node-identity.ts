/** Who a node is, from its configuration. */
import { readFile } from 'node:fs/promises';
import type { NodeConfig } from './config.ts';
import { type Identity, loadIdentity, type SealOptions } from './identity.ts';

/** What opens the keys of a node, if they are sealed. */
export async function sealOf({ identity }: Pick<NodeConfig, 'identity'>): Promise<SealOptions> {
  const { passphraseFile } = identity;
  if (passphraseFile === null) return {};
  return { passphrase: (await readFile(passphraseFile, 'utf8')).trimEnd() };
}

/** Throws when the identity bears another name than the configuration. */
export async function identityOf(
  { identity: { dir }, name }: Pick<NodeConfig, 'identity' | 'name'>,
  seal: SealOptions,
): Promise<Identity> {
  const loaded = await loadIdentity(dir, seal);
  if (loaded.name !== name) {
    throw new Error(`${dir} is the identity of ${loaded.name}, but the configuration says ${name}`);
  }
  return loaded;
}

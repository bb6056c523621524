import type { NodeConfig } from '../config.ts';
import { URL_VARIABLE } from '../config-source.ts';
import { storeFolder } from '../node-folders.ts';
import { Store, StoreError } from '../store.ts';
import { CliError } from './command.ts';
import { type Connection, connect, type NodeAddress } from './node-api.ts';
import { readConfig } from './read-config.ts';

/** One piece of work in both states of a node. */
export interface StoreOrNode<T> {
  /** The node is stopped: its store is open to this process. */
  store(store: Store, config: NodeConfig): Promise<T>;
  /** The node runs, and does it. */
  node(connection: Connection): Promise<T>;
}

/** Works on the store of a stopped node, and asks a running one. */
export async function storeOrNode<T>(address: NodeAddress, work: StoreOrNode<T>): Promise<T> {
  if (address.url ?? address.env[URL_VARIABLE]) return work.node(await connect(address));
  const config = await readConfig(address);
  let store: Store;
  try {
    store = await Store.open(storeFolder(config));
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    if (cause.code === 'LOCKED') return work.node(await connect(address));
    throw new CliError(cause.message, 'check the folder and who may write to it', { cause });
  }
  try {
    return await work.store(store, config);
  } finally {
    await store.close();
  }
}

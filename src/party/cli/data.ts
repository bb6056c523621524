import { systemRng } from '../../protocols/primitives/rng.ts';
import type { DatasetView } from '../../sdk/node-client.ts';
import type { LocalCatalog } from '../catalog/local-catalog.ts';
import type { NodeConfig } from '../config.ts';
import { datasetReference } from '../datasets/registered-name.ts';
import type { Store } from '../store.ts';
import type { CommandResult } from './command.ts';
import { connect, type NodeAddress } from './node-api.ts';
import { typeByName } from './request-flags.ts';
import { storeOrNode } from './store-or-node.ts';
import { facts, table } from './tables.ts';

/** Gives one of this node's files a name that tasks and policies can use. */
export async function dataRegister(
  address: NodeAddress,
  { name, path, type }: { readonly name: string; readonly path: string; readonly type?: string },
): Promise<CommandResult> {
  const typeName = type ?? typeByName(path);
  const made = await storeOrNode<Pick<DatasetView, 'name' | 'path' | 'type'>>(address, {
    store: async (store, config) => (await catalogOf(store, config)).register(name, path, typeName),
    node: ({ api }) => api.registerDataset(name, path, typeName),
  });
  const reference = datasetReference(made.name);
  return {
    text: `${made.path} is ${reference} for tasks\nLet peers use it by that name in policy.yaml: datasets: ['${reference}']\n`,
    json: { name: made.name, path: made.path, type: made.type, reference },
  };
}

export async function dataRemove(address: NodeAddress, name: string): Promise<CommandResult> {
  await storeOrNode(address, {
    store: async (store, config) => (await catalogOf(store, config)).unregister(name),
    node: ({ api }) => api.removeDataset(name),
  });
  return {
    text: `${datasetReference(name)} names nothing any more; the file is untouched\n`,
    json: { removed: name },
  };
}

/** The datasets of this node, or those of a peer that its policy shows this node. */
export async function dataList(address: NodeAddress, party?: string): Promise<CommandResult> {
  if (party === undefined) {
    const paths = await storeOrNode(address, {
      store: async (store, config) => (await catalogOf(store, config)).paths(),
      node: async ({ api }) => api.dataPaths((await api.dataProviders())[0]!),
    });
    return listed(paths, 'No data yet: put files into the folders that data.roots names.\n');
  }
  const { api } = await connect(address);
  const nothing = `${party} shows no dataset to this node: its policy decides.\n`;
  return listed(await api.dataPaths(party), nothing);
}

/** Columns, types and rows; of a peer's dataset what its policy shows this node. */
export async function dataShow(
  address: NodeAddress,
  path: string,
  party?: string,
): Promise<CommandResult> {
  const show = ({ type, rows, columns }: Described): CommandResult => ({
    text: `${facts([
      ['type', type],
      ['rows', String(rows)],
    ])}${table(columns.map((column) => [`  ${column.name}`, column.type]))}`,
    json: { path, type, rows, columns },
  });
  if (party === undefined) {
    return show(
      await storeOrNode(address, {
        store: async (store, config): Promise<Described> =>
          (await catalogOf(store, config)).metadata(path),
        node: async ({ api }) => api.metadata((await api.dataProviders())[0]!, path),
      }),
    );
  }
  return show(await (await connect(address)).api.metadata(party, path));
}

interface Described {
  readonly type: string;
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

function listed(paths: readonly string[], nothing: string): CommandResult {
  const text = paths.length === 0 ? nothing : table(paths.map((path) => [path]));
  return { text, json: { paths } };
}

/** Loaded only here: it brings the database. */
async function catalogOf(store: Store, config: NodeConfig): Promise<LocalCatalog> {
  const [{ datasetRegistry }, { localCatalog }, { createDatasets }] = await Promise.all([
    import('../catalog/dataset-registry.ts'),
    import('../catalog/local-catalog.ts'),
    import('../datasets/datasets.ts'),
  ]);
  const registry = datasetRegistry(store, Date.now);
  const datasets = createDatasets({ ...config.data, registered: registry.find }, systemRng);
  return localCatalog(datasets, registry);
}

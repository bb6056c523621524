import type { DatasetTerms } from '../consensus/contract.ts';
import { DatasetError } from '../datasets/dataset-error.ts';
import type { Datasets } from '../datasets/datasets.ts';
import { datasetReference, referencedName, typeBySuffix } from '../datasets/registered-name.ts';
import { parseDatasetType } from '../datasets/table.ts';
import type { DatasetMetadata, RegisteredDataset } from '../http/services.ts';
import type { DatasetRegistry } from './dataset-registry.ts';

/** This node's own datasets: files under its roots, and the names it gave to some. */
export interface LocalCatalog {
  /** As requests may name them: files by path, registered ones by `dataset:NAME`; sorted. */
  paths(): Promise<readonly string[]>;
  /** Throws `DatasetError`. */
  metadata(path: string): Promise<DatasetMetadata>;
  /** Names a file that can be used. Throws `DatasetError`, and as the registry's `put`. */
  register(name: string, path: string, type: string): Promise<RegisteredDataset>;
  /** Throws as the registry's `remove`. */
  unregister(name: string): Promise<void>;
  registered(): Promise<readonly RegisteredDataset[]>;
}

/** @param datasets - Made with the registry's `find`. */
export function localCatalog(datasets: Datasets, registry: DatasetRegistry): LocalCatalog {
  async function typeOf(path: string): Promise<DatasetTerms['type']> {
    const name = referencedName(path);
    if (name === undefined) {
      const type = typeBySuffix(path);
      if (type) return type;
      const what = 'its name tells no type: let it end in .csv, .json or .parquet, or register it';
      throw new DatasetError('bad_type', `${path}: ${what}`);
    }
    const found = await registry.find(name);
    if (!found) throw new DatasetError('missing_dataset', `${path}: no such dataset`);
    return found.type;
  }

  return {
    async paths() {
      const registered = await registry.list();
      const references = registered.map(({ name }) => datasetReference(name));
      return [...references, ...(await datasets.list())].sort();
    },

    async metadata(path) {
      const { type, rowCount, columns } = await datasets.describe(path, await typeOf(path));
      return { type, rows: rowCount, columns: columns.map(({ name, type }) => ({ name, type })) };
    },

    async register(name, path, typeName) {
      if (referencedName(path) !== undefined) {
        throw new DatasetError('bad_path', `${path}: is a name itself; register a file`);
      }
      const type = parseDatasetType(path, typeName);
      await datasets.columns(path, type); // there, inside the roots, readable and of the type
      return registry.put(name, { path, type });
    },

    unregister: (name) => registry.remove(name),
    registered: () => registry.list(),
  };
}

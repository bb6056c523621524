import {
  datasetReference,
  type FindRegistered,
  isDatasetName,
  type RegisteredFile,
} from '../datasets/registered-name.ts';
import { ApiError } from '../http/api-error.ts';
import type { RegisteredDataset } from '../http/services.ts';
import type { Store } from '../store.ts';

type Row = RegisteredFile & { readonly createdAt: string };

/** The names that this node gave to its files. Rows only: whether a file is there, nobody looks. */
export interface DatasetRegistry {
  /** For `createDatasets`. */
  readonly find: FindRegistered;
  /** Sorted by name. */
  list(): Promise<readonly RegisteredDataset[]>;
  /** The same again changes nothing. Throws `INVALID_REQUEST`, `CONFLICT`. */
  put(name: string, file: RegisteredFile): Promise<RegisteredDataset>;
  /** Throws `NOT_FOUND`. */
  remove(name: string): Promise<void>;
}

export function datasetRegistry(store: Store, now: () => number): DatasetRegistry {
  const table = store.table<Row>('datasets');
  // A name that cannot be registered is not looked up: it may be no key of the store.
  const find = async (name: string) => (isDatasetName(name) ? table.get(name) : undefined);
  return {
    find,
    list: async () => (await table.list()).map(([name, row]) => ({ name, ...row })),

    async put(name, { path, type }) {
      if (!isDatasetName(name)) {
        const form = '1-64 letters, digits, and inside also ".", "_", "-"';
        throw new ApiError('INVALID_REQUEST', `the name of a dataset has ${form}`);
      }
      return store.exclusive(`datasets/${name}`, async () => {
        const earlier = await find(name);
        if (earlier && earlier.path === path && earlier.type === type) return { name, ...earlier };
        if (earlier) {
          const taken = `${datasetReference(name)} is ${earlier.path} already`;
          throw new ApiError('CONFLICT', `${taken}; remove it first, or choose another name`);
        }
        const row = { path, type, createdAt: new Date(now()).toISOString() };
        await store.write(table.put(name, row));
        return { name, ...row };
      });
    },

    async remove(name) {
      await store.exclusive(`datasets/${name}`, async () => {
        if (!(await find(name))) {
          throw new ApiError('NOT_FOUND', 'there is no registered dataset of this name');
        }
        await store.write(table.delete(name));
      });
    },
  };
}

import { DatasetError } from '../datasets/dataset-error.ts';
import type { Datasets, LoadedDataset } from '../datasets/datasets.ts';
import type { LabelKind } from '../datasets/read-table.ts';
import type { Store } from '../store.ts';
import { canonicalJson } from './canonical-json.ts';
import type { DatasetTerms, LinearAlgorithm } from './contract.ts';
import type { DatasetDirectory } from './task-draft.ts';

/** Terms that this node gave away, and what opens their commitment. */
interface Offer {
  readonly terms: DatasetTerms;
  /** 32 bytes, hex. Never leaves the node. */
  readonly salt: string;
}

/** What label an algorithm learns. */
export const LABEL_KINDS: Readonly<Record<LinearAlgorithm['name'], LabelKind>> = {
  logistic_regression: 'binary',
  linear_regression: 'numeric',
};

/** The node's datasets, with a memory of every description it gave. */
export interface OfferedDatasets extends DatasetDirectory {
  /** Reads the data of an agreed contract. Throws like `verify`. */
  load(terms: DatasetTerms, algorithm: LinearAlgorithm['name']): Promise<LoadedDataset>;
}

export function offeredDatasets(datasets: Datasets, store: Store): OfferedDatasets {
  const offers = store.table<Offer>('offers');

  /** The salt of terms that are, to the last field, those that this node gave. */
  async function saltOf(terms: DatasetTerms): Promise<Uint8Array> {
    const offer = await offers.get(terms.commitment);
    if (!offer || canonicalJson(offer.terms) !== canonicalJson(terms)) {
      throw new DatasetError('changed', `${terms.path}: the terms are not those that were given`);
    }
    return new Uint8Array(Buffer.from(offer.salt, 'hex'));
  }

  return {
    columns: (path, type) => datasets.columns(path, type),

    async describe({ algorithm, alignment, dataset }, conditions) {
      const { path, type, keyColumn, labelColumn, selectColumns } = dataset;
      const {
        terms: described,
        salt,
        duplicateKeys,
      } = await datasets.terms({
        path,
        type,
        keyColumn,
        label:
          labelColumn === null || algorithm.name === 'intersection'
            ? null
            : { column: labelColumn, kind: LABEL_KINDS[algorithm.name] },
        selectColumns,
        discreteColumns: dataset.discreteColumns,
        notFeatures: dataset.notFeatures,
      });
      if (duplicateKeys > 0 && alignment.method === 'psi' && alignment.duplicates === 'reject') {
        // How many they are is the owner's to know.
        const what = 'rows repeat a key: remove them, or ask for privacy.duplicates first';
        throw new DatasetError('duplicate_key', `${path}: ${what}`);
      }
      const terms = { ...described, ...conditions };
      const offer = { terms, salt: Buffer.from(salt).toString('hex') };
      await store.write(offers.put(terms.commitment, offer));
      return { terms };
    },

    identity: ({ path, type }) => datasets.identity(path, type),

    verify: async (terms) => datasets.verify(terms, await saltOf(terms)),

    load: async (terms, algorithm) => {
      const options = terms.labelColumn === null ? {} : { labelKind: LABEL_KINDS[algorithm] };
      return datasets.load(terms, await saltOf(terms), options);
    },
  };
}

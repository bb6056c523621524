import { DatasetError } from '../datasets/dataset-error.ts';
import type { Datasets, LoadedDataset, LoadOptions } from '../datasets/datasets.ts';
import type { FeatureEncoding } from '../datasets/encoding.ts';
import type { Store } from '../store.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Contract, DatasetTerms } from './contract.ts';
import { keepsMissing, labelKindOf } from './model-data.ts';
import { type Offer, storedOffers } from './offers.ts';
import { fitsTraining, holdersOf, type Trained } from './scoring.ts';
import { type DatasetDirectory, type TaskDraft, UNKNOWN_MODEL } from './task-draft.ts';

/** This node's place in a model: what it needs to bring records to a prediction. */
export interface OwnPart extends Trained {
  /** Of this node's columns. */
  readonly encoding: readonly FeatureEncoding[];
}

/** The models that this node helped to train; null for any other id. */
export type FindPart = (model: string) => Promise<OwnPart | null>;

/** What reads a dataset of an agreed contract, wherever it is read: for `Datasets.load`. */
export interface DatasetReading {
  readonly terms: DatasetTerms;
  /** Opens the commitment. */
  readonly salt: Uint8Array;
  readonly options: LoadOptions;
}

/** The node's datasets, with a memory of every description it gave. */
export interface OfferedDatasets extends DatasetDirectory {
  /** What reads the data of `owner`, this node, in an agreed contract. Throws `DatasetError`. */
  reading(contract: Contract, owner: string): Promise<DatasetReading>;
  /** Reads them. Throws like `verify`. */
  load(contract: Contract, owner: string): Promise<LoadedDataset>;
}

/** @param now - Unix ms. */
export function offeredDatasets(
  datasets: Datasets,
  store: Store,
  findPart: FindPart,
  now: () => number,
): OfferedDatasets {
  const offers = storedOffers(store, now);

  /** This node's part of a model, as far as `others`, who ask or take part, may know of it. */
  async function partFor(
    model: string,
    algorithm: string,
    others: readonly string[],
  ): Promise<OwnPart> {
    const part = await findPart(model);
    if (part?.training.algorithm.name !== algorithm) throw unknownModel();
    const holders = holdersOf(part.training);
    if (!others.every((name) => holders.includes(name))) throw unknownModel();
    return part;
  }

  async function encodingFor(
    { model, algorithm, parties, dataset }: TaskDraft,
    peer: string,
  ): Promise<readonly FeatureEncoding[]> {
    const { encoding } = await partFor(model ?? '', algorithm.name, [...parties, peer]);
    // The policy judged the columns that the draft names: no others are read.
    const asked = new Set(dataset.selectColumns);
    if (encoding.length !== asked.size || !encoding.every(({ name }) => asked.has(name))) {
      throw unknownModel();
    }
    return encoding;
  }

  /** The offer whose terms are, to the last field, those of the contract. */
  async function offerOf(contract: Contract, owner: string): Promise<Offer> {
    const terms = contract.parties.find(({ name }) => name === owner)?.dataset;
    if (!terms) throw new TypeError(`"owner" expected a data holder, got ${owner}`);
    const offer = await offers.find(terms.commitment);
    const model = contract.kind === 'predict' ? contract.model.id : null;
    if (
      !offer ||
      canonicalJson(offer.terms) !== canonicalJson(terms) ||
      (offer.model ?? null) !== model
    ) {
      throw new DatasetError('changed', `${terms.path}: the terms are not those that were given`);
    }
    return offer;
  }

  async function reading(contract: Contract, owner: string): Promise<DatasetReading> {
    const { terms, salt } = await offerOf(contract, owner);
    return {
      terms,
      salt: new Uint8Array(Buffer.from(salt, 'hex')),
      options: await optionsOf(contract),
    };
  }

  async function optionsOf(contract: Contract): Promise<LoadOptions> {
    switch (contract.kind) {
      case 'train':
        return { labelKind: labelKindOf(contract), keepMissing: keepsMissing(contract.algorithm) };
      case 'psi':
        return {};
      case 'predict': {
        const { model, algorithm } = contract;
        const part = await partFor(model.id, algorithm.name, holdersOf(contract));
        if (!fitsTraining(contract, part)) throw unknownModel();
        return { encoding: part.encoding };
      }
    }
  }

  return {
    columns: (path, type) => datasets.columns(path, type),

    async describe(draft, conditions, peer) {
      const { kind, alignment, dataset } = draft;
      const { path, type, keyColumns, payload } = dataset;
      const source = { path, type, keyColumns, payload };
      const described = await datasets.terms(
        kind === 'train'
          ? { ...source, ...columnsOf(draft) }
          : {
              ...source,
              label: null,
              selectColumns: null,
              discreteColumns: [],
              // A set intersection reads no features: an encoding without any.
              encoding: kind === 'predict' ? await encodingFor(draft, peer) : [],
              mayBeEmpty: kind === 'psi',
            },
      );
      const { repeatedKey } = described;
      if (repeatedKey !== null && alignment.method === 'psi' && alignment.duplicates === 'reject') {
        // How many they are is the owner's to know.
        const where = `${path}: row ${repeatedKey}, column ${keyColumns?.join(', ')}`;
        const what =
          'repeats the key of an earlier row: remove it, or ask for privacy.duplicates first';
        throw new DatasetError('duplicate_key', `${where}: ${what}`);
      }
      const terms = { ...described.terms, ...conditions };
      const model = kind === 'predict' ? draft.model : null;
      const [salt, digest] = [described.salt, described.digest].map((bytes) =>
        Buffer.from(bytes).toString('hex'),
      );
      await offers.add({ terms, salt: salt!, digest: digest!, model });
      return { terms };
    },

    identity: ({ path, type }) => datasets.identity(path, type),

    async verify(contract, owner) {
      const { terms, salt } = await reading(contract, owner);
      await datasets.verify(terms, salt);
      await offers.keep(terms.commitment);
    },

    reading,

    async load(contract, owner) {
      const { terms, salt, options } = await reading(contract, owner);
      return datasets.load(terms, salt, options);
    },
  };
}

/** The columns that a training asks for. */
function columnsOf({ algorithm, dataset }: TaskDraft) {
  const { labelColumn, labelKind, selectColumns, discreteColumns, notFeatures } = dataset;
  return {
    // A checked draft has a kind with every label.
    label: labelColumn === null ? null : { column: labelColumn, kind: labelKind! },
    selectColumns,
    discreteColumns,
    notFeatures,
    keepMissing: keepsMissing(algorithm),
  };
}

function unknownModel(): DatasetError {
  return new DatasetError(UNKNOWN_MODEL, 'this node has no part in such a model');
}

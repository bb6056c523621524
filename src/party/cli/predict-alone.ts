/** A released model applied to one file that holds every column of it. No node takes part. */
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { systemRng } from '../../protocols/primitives/rng.ts';
import type { NodeConfig } from '../config.ts';
import { DatasetError } from '../datasets/dataset-error.ts';
import { createDatasets, type LoadedDataset } from '../datasets/datasets.ts';
import type { FeatureEncoding } from '../datasets/encoding.ts';
import { writeDurably } from '../durable-file.ts';
import { type ModelDocument, parseModelDocument } from '../models/model-document.ts';
import { type ModelPart, parseModelPart } from '../models/model-part.ts';
import { partFile } from '../models/model-registry.ts';
import { ModelUseError } from '../models/model-use-error.ts';
import { partsFolder } from '../node-folders.ts';
import { localPrediction } from '../tasks/programs/predict-local.ts';
import { CliError, type CommandResult } from './command.ts';
import type { NodeAddress } from './node-api.ts';
import { readConfig } from './read-config.ts';
import { typeByName } from './request-flags.ts';
import { unreadable } from './unreadable.ts';

export interface AloneOptions {
  /** The file of the model. */
  readonly model: string;
  readonly data: string;
  readonly out: string;
  /** Null: records are told by their row. */
  readonly keyColumns: readonly string[] | null;
  /** Null: by the name of the file. */
  readonly type: string | null;
  /** Null: the model's own. */
  readonly threshold: number | null;
}

/** Limits of reading where no configuration sets others: as in a new one. */
const READ_LIMITS = { threads: 2, memoryLimit: '1GB' };

export async function predictAlone(
  address: NodeAddress,
  { model: modelFile, data, out, keyColumns, type: typeName, threshold }: AloneOptions,
): Promise<CommandResult> {
  const model = parseModelDocument(await readText(modelFile));
  const type = typeName ?? typeByName(data);
  // The part of this machine's own node, if it has one: it knows its categories and fillings.
  const config = await readConfig(address).catch(() => null);
  const part = config && (await ownPart(config, model));
  try {
    const { chunks } = await localPrediction({
      model,
      part,
      path: data,
      keyColumns,
      threshold: threshold ?? model.threshold,
      load: (encoding) => load(data, type, keyColumns, encoding, config?.data ?? READ_LIMITS),
    });
    await writeDurably(out, chunks, { mode: 0o640 });
  } catch (cause) {
    if (cause instanceof ModelUseError) {
      const hint = 'submit a joint prediction: "entente predict --model ID --data PARTY=PATH ..."';
      throw new CliError(cause.message, hint, { cause });
    }
    if (!(cause instanceof DatasetError)) throw cause;
    const hint = 'the file needs every column of the model, as at its training; repair it';
    throw new CliError(cause.message, hint, { cause });
  }
  return {
    text: `The predictions of ${model.model_id} are in ${out}\n`,
    json: { model_id: model.model_id, out },
  };
}

/** The columns of the model, read as its encoding says. */
async function load(
  file: string,
  type: string,
  keyColumns: readonly string[] | null,
  encoding: readonly FeatureEncoding[],
  { threads, memoryLimit }: typeof READ_LIMITS,
): Promise<LoadedDataset> {
  const path = await realpath(file).catch(() => {
    throw new DatasetError('missing_dataset', `${file}: there is no such file`);
  });
  const datasets = createDatasets({ roots: [dirname(path)], threads, memoryLimit }, systemRng);
  const { terms, salt } = await datasets.terms({
    path: basename(path),
    type,
    keyColumns,
    label: null,
    selectColumns: encoding.map(({ name }) => name),
    discreteColumns: [],
    encoding,
  });
  return datasets.load(terms, salt, { encoding });
}

async function ownPart(config: NodeConfig, model: ModelDocument): Promise<ModelPart | null> {
  const file = partFile(partsFolder(config), model.task_id);
  if (file === null) return null;
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : parseModelPart(text);
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadable(file, 'name the file that "entente model export" wrote', cause);
  });
}

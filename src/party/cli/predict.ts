import { constants, copyFile } from 'node:fs/promises';
import type { NodeConfig } from '../config.ts';
import { CliError, type CommandResult, usageError } from './command.ts';
import { detachedResult, followTask } from './follow-task.ts';
import { connect, type NodeAddress } from './node-api.ts';
import { refuseExisting } from './output-file.ts';
import type { AloneOptions } from './predict-alone.ts';
import { parseDatasets, providersOf, refuseColumns, requestFile } from './request-flags.ts';
import { resultFile } from './task-text.ts';
import { conditions, type RunOptions, type TaskFlags } from './train.ts';

export interface PredictFlags extends TaskFlags {
  /** A model's id; or its file, to apply it alone. */
  readonly model?: string;
  readonly threshold?: string;
  /** Copies the predictions there. */
  readonly out?: string;
  /** Replaces a file that is there. */
  readonly force?: boolean;
}

/** Scores records jointly, or alone where the flags name a model's file. */
export async function predict(
  address: NodeAddress,
  flags: PredictFlags,
  { context, quiet }: RunOptions,
): Promise<CommandResult> {
  const { out } = flags;
  if (out !== undefined && !flags.force) await refuseExisting(out);
  if (isAlone(flags)) {
    // Loaded only here: it brings the database.
    const { predictAlone } = await import('./predict-alone.ts');
    return predictAlone(address, aloneOptions(flags));
  }
  const body = flags.request ? await requestFile(flags.request, context) : predictRequest(flags);
  const connection = await connect(address);
  const { api, config } = connection;
  if (out !== undefined) requireReceiver(config, body);
  const taskId = await api.submitPredictTask(body);
  if (flags.detach) return detachedResult(taskId);
  const { view, result } = await followTask(connection, taskId, context, { quiet });
  if (out === undefined) return result;
  // Somebody may have made the file while the task ran.
  const mode = flags.force ? 0 : constants.COPYFILE_EXCL;
  const file = resultFile(view.path!, config!);
  await copyFile(file, out, mode).catch((cause: unknown) => {
    const message = `the predictions are in ${file}, but cannot be copied to ${out}`;
    throw new CliError(message, 'copy them from there: the task is done', { cause });
  });
  return { text: `${result.text}  copied to ${out}\n`, json: { ...view, out } };
}

/** Whether the flags mean a model file that one party applies alone, without any node. */
export function isAlone({ model, data, request }: PredictFlags): boolean {
  return !request && model !== undefined && /\.json$/i.test(model) && data?.length === 1;
}

function aloneOptions({ model, data, out, key, type, threshold }: PredictFlags): AloneOptions {
  if (out === undefined) {
    throw usageError('--out is missing', 'say where the predictions go: --out predictions.csv');
  }
  return {
    model: model!,
    data: data![0]!,
    out,
    keyColumns: key ?? null,
    type: type?.[0] ?? null,
    threshold: threshold === undefined ? null : probability(threshold),
  };
}

/** Throws before anything is computed whose result would not come to this machine. */
function requireReceiver(config: NodeConfig | null, body: object): void {
  const { result_receivers: receivers } = body as { readonly result_receivers?: unknown };
  if (config && Array.isArray(receivers) && receivers.includes(config.name)) return;
  const who = Array.isArray(receivers) ? receivers.join(', ') : 'others';
  throw usageError(
    `--out copies what this machine's node receives, but ${who} will receive the predictions`,
    'leave out --out, or add this node with --receiver and its configuration with --config',
  );
}

/** The body of `runModelPredictTask` that the flags describe. */
export function predictRequest(flags: PredictFlags): object {
  const datasets = parseDatasets(flags.data);
  if (flags.model === undefined || datasets.length === 0) {
    throw usageError(
      'the model and the parties’ data are missing',
      'give --model ID and --data PARTY=PATH for each party, or --request FILE',
    );
  }
  refuseColumns(datasets, 'a prediction reads the columns of the model: leave them out');
  const { threshold } = flags;
  return {
    model_id: flags.model,
    data_providers: providersOf(datasets, flags),
    result_receivers: flags.receiver ?? [datasets[0]!.party],
    ...(threshold !== undefined && { params: { threshold: probability(threshold) } }),
    ...conditions(flags),
  };
}

function probability(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw usageError(`--threshold ${text} is no probability`, 'give a number from 0 to 1');
}

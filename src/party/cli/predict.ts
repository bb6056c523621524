import { copyFile } from 'node:fs/promises';
import { type CommandResult, usageError } from './command.ts';
import { detachedResult, followTask } from './follow-task.ts';
import { connect, type NodeAddress } from './node-api.ts';
import { parseDatasets, providersOf, requestFile } from './request-flags.ts';
import { resultFile } from './task-text.ts';
import { conditions, type RunOptions, type TaskFlags } from './train.ts';

export interface PredictFlags extends TaskFlags {
  /** A model's id; or its file, to apply it alone. */
  readonly model?: string;
  readonly threshold?: string;
  /** Copies the predictions there. */
  readonly out?: string;
}

export async function predict(
  address: NodeAddress,
  flags: PredictFlags,
  { context, quiet }: RunOptions,
): Promise<CommandResult> {
  const body = flags.request ? await requestFile(flags.request, context) : predictRequest(flags);
  const connection = await connect(address);
  const taskId = await connection.api.submitPredictTask(body);
  if (flags.detach) return detachedResult(taskId);
  const { view, result } = await followTask(connection, taskId, context, { quiet });
  if (flags.out === undefined) return result;
  const { config } = connection;
  if (!config || !view.path || !view.receivers.includes(config.name)) {
    throw usageError(
      `the predictions are at ${view.receivers.join(', ')}, not here`,
      `leave out --out; there they are in ${view.path}`,
    );
  }
  await copyFile(resultFile(view.path, config), flags.out);
  return { text: `${result.text}  copied to ${flags.out}\n`, json: { ...view, out: flags.out } };
}

/** Whether the flags mean a model file that one party applies alone, without any node. */
export function isAlone({ model, data, request }: PredictFlags): boolean {
  return !request && model !== undefined && /\.json$/i.test(model) && data?.length === 1;
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
  const selecting = datasets.find(({ columns }) => columns !== null);
  if (selecting) {
    throw usageError(
      `--data ${selecting.party}=${selecting.path} selects columns`,
      'a prediction reads the columns of the model: leave them out',
    );
  }
  const { threshold } = flags;
  return {
    model_id: flags.model,
    data_providers: providersOf(datasets, flags),
    result_receivers: flags.receiver ?? [datasets[0]!.party],
    ...(threshold !== undefined && { params: { threshold: probability(threshold) } }),
    ...conditions(flags),
  };
}

export function probability(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw usageError(`--threshold ${text} is no probability`, 'give a number from 0 to 1');
}

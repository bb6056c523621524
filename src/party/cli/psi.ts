import { type CommandResult, usageError } from './command.ts';
import { detachedResult, followTask } from './follow-task.ts';
import { connect, type NodeAddress } from './node-api.ts';
import {
  parseDatasets,
  providersOf,
  refuseColumns,
  requestFile,
  requireParty,
} from './request-flags.ts';
import { conditions, type RunOptions, type TaskFlags } from './train.ts';

export async function psi(
  address: NodeAddress,
  flags: TaskFlags,
  { context, quiet }: RunOptions,
): Promise<CommandResult> {
  const body = flags.request ? await requestFile(flags.request, context) : psiRequest(flags);
  const connection = await connect(address);
  const taskId = await connection.api.submitPsiTask(body);
  if (flags.detach) return detachedResult(taskId);
  return (await followTask(connection, taskId, context, { quiet })).result;
}

/** The body of `runPSITask` that the flags describe: the first party asks, the second answers. */
export function psiRequest(flags: TaskFlags): object {
  const datasets = parseDatasets(flags.data);
  if (datasets.length !== 2 || !flags.key) {
    throw usageError(
      'a set intersection is of two parties’ keys',
      'give --data PARTY=PATH twice, the asking party first, and --key COLUMN; or --request FILE',
    );
  }
  const parties = datasets.map(({ party }) => party);
  refuseColumns(datasets, 'a set intersection reads keys alone: name the column with --key');
  const [requester, provider] = providersOf(datasets, flags);
  const receivers = flags.receiver ?? [requester!.name];
  for (const party of receivers) requireParty('--receiver', party, parties);
  if (!receivers.includes(requester!.name)) {
    throw usageError(
      `--receiver leaves out ${requester!.name}, which asks`,
      'name the party that is to learn the result first with --data',
    );
  }
  return {
    algo_type: 'DH',
    requester,
    provider,
    result_recv_type: receivers.includes(provider!.name) ? 2 : 1,
    ...conditions(flags),
  };
}

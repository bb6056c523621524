import { type CommandResult, usageError } from './command.ts';
import { detachedResult, followTask } from './follow-task.ts';
import { connect, type NodeAddress } from './node-api.ts';
import {
  list,
  oneOf,
  parseDatasets,
  providersOf,
  refuseColumns,
  requestFile,
  requireParty,
} from './request-flags.ts';
import { conditionsWith, ENGINES, type RunOptions, type TaskFlags } from './train.ts';

export interface PsiFlags extends TaskFlags {
  readonly output?: string;
  readonly join?: string;
  /** Columns of the second party that the first one learns. */
  readonly select?: readonly string[];
}

export async function psi(
  address: NodeAddress,
  flags: PsiFlags,
  { context, quiet }: RunOptions,
): Promise<CommandResult> {
  const body = flags.request ? await requestFile(flags.request, context) : psiRequest(flags);
  const connection = await connect(address);
  const { api } = connection;
  const taskId = await (isLabelled(body)
    ? api.submitLabeledPsiTask(body)
    : api.submitPsiTask(body));
  if (flags.detach) return detachedResult(taskId);
  return (await followTask(connection, taskId, context, { quiet })).result;
}

const OUTPUTS = ['rows', 'size'] as const;
const JOINS = ['inner', 'left', 'right', 'full', 'difference'] as const;

/**
 * The body of `runPSITask`, or of `runLabeledPSITask` where columns are selected, that the flags
 * describe: the first party asks, the others answer.
 */
export function psiRequest(flags: PsiFlags): object {
  const { output, join, receiver, select, engine } = flags;
  const datasets = parseDatasets(flags.data);
  if (datasets.length < 2 || !flags.key) {
    throw usageError(
      'a set intersection is of two or more parties’ keys',
      'give --data PARTY=PATH for each party, the asking one first, and --key COLUMN; or --request FILE',
    );
  }
  const parties = datasets.map(({ party }) => party);
  refuseColumns(
    datasets,
    'a set intersection reads keys alone: name them with --key; --select names columns of the second party to learn',
  );
  for (const party of receiver ?? []) requireParty('--receiver', party, parties);
  const [requester, provider, ...others] = providersOf(datasets, flags);
  return {
    ...(engine !== undefined && { algo_type: oneOf('--engine', engine, ENGINES) }),
    requester,
    ...(select
      ? { provider: { ...provider, selected_columns: selected(select, parties) } }
      : others.length === 0
        ? { provider }
        : { providers: [provider, ...others] }),
    ...(receiver && { result_receivers: receiver }),
    ...(output !== undefined && { output: oneOf('--output', output, OUTPUTS) }),
    ...(join !== undefined && { join: oneOf('--join', join, JOINS) }),
    ...conditionsWith(flags),
  };
}

function selected(texts: readonly string[], parties: readonly string[]): readonly string[] {
  if (parties.length > 2) {
    throw usageError(
      '--select is for two parties: the first learns columns of the second',
      `name ${parties.slice(0, 2).join(' and ')} alone with --data, or leave out --select`,
    );
  }
  return texts.flatMap((text) => list('--select', text));
}

/** Whether a request, also one of a file, asks for columns. */
function isLabelled(body: object): boolean {
  const { provider } = body as { readonly provider?: unknown };
  return typeof provider === 'object' && provider !== null && 'selected_columns' in provider;
}

import { type CliContext, type CommandResult, usageError } from './command.ts';
import { detachedResult, followTask } from './follow-task.ts';
import { connect, type NodeAddress } from './node-api.ts';
import {
  list,
  oneOf,
  parseDatasets,
  parseOf,
  parseParameter,
  providersOf,
  requestFile,
  requireParty,
  wholeNumber,
} from './request-flags.ts';

/** As given on the command line. */
export interface TaskFlags {
  readonly data?: readonly string[];
  readonly key?: readonly string[];
  readonly type?: readonly string[];
  readonly receiver?: readonly string[];
  readonly purpose?: string;
  /** What matches the keys. */
  readonly engine?: string;
  readonly duplicates?: string;
  readonly minimumIntersection?: string;
  /** A file with the whole request in place of the other flags. */
  readonly request?: string;
  readonly detach?: boolean;
}

export interface TrainFlags extends TaskFlags {
  readonly label?: string;
  readonly discrete?: readonly string[];
  readonly algorithm?: string;
  readonly param?: readonly string[];
  readonly metrics?: string;
  readonly release?: string;
}

/** How a command follows what it submitted. */
export interface RunOptions {
  readonly context: CliContext;
  readonly quiet: boolean;
}

export async function train(
  address: NodeAddress,
  flags: TrainFlags,
  { context, quiet }: RunOptions,
): Promise<CommandResult> {
  const body = flags.request ? await requestFile(flags.request, context) : trainRequest(flags);
  const connection = await connect(address);
  const taskId = await connection.api.submitTrainTask(body);
  if (flags.detach) return detachedResult(taskId);
  return (await followTask(connection, taskId, context, { quiet })).result;
}

/** The body of `runModelTrainTask` that the flags describe. */
export function trainRequest(flags: TrainFlags): object {
  const datasets = parseDatasets(flags.data);
  if (datasets.length === 0 || flags.label === undefined) {
    throw usageError(
      'the parties’ data and the label are missing',
      'give --data PARTY=PATH for each party and --label PARTY:COLUMN, or --request FILE',
    );
  }
  const parties = datasets.map(({ party }) => party);
  const [labelHolder, labelColumn] = parseOf('--label', flags.label);
  requireParty('--label', labelHolder, parties);
  const discrete = (flags.discrete ?? []).map((text) => parseOf('--discrete', text));
  for (const [party] of discrete) requireParty('--discrete', party, parties);

  const providers = providersOf(datasets, flags);
  const hyper = Object.fromEntries((flags.param ?? []).map(parseParameter));
  return {
    data_providers: providers.map((provider, i) => {
      const { party, columns } = datasets[i]!;
      const categories = discrete
        .filter(([of]) => of === party)
        .flatMap(([, names]) => list('--discrete', names));
      return {
        ...provider,
        ...(party === labelHolder && { label_column: labelColumn }),
        ...(columns && { select_columns: columns }),
        ...(categories.length > 0 && { discrete_cols: categories }),
      };
    }),
    result_receivers: flags.receiver ?? [labelHolder],
    ...(flags.algorithm !== undefined && { algorithm: flags.algorithm }),
    hyper_params: {
      ...hyper,
      ...(flags.release !== undefined && { model_release: flags.release }),
    },
    ...(flags.metrics !== undefined && { metrics: list('--metrics', flags.metrics) }),
    ...conditions(flags),
  };
}

export const ENGINES = ['auto', 'rr22', 'ecdh'] as const;

/** What training and prediction may say of their purpose and their alignment. */
export function conditions(flags: TaskFlags): object {
  const { engine } = flags;
  return conditionsWith(
    flags,
    engine === undefined ? {} : { psi_engine: oneOf('--engine', engine, ENGINES) },
  );
}

/** What every kind of task may say, beside what it calls otherwise. */
export function conditionsWith(
  { purpose, duplicates, minimumIntersection: least }: TaskFlags,
  more: object = {},
): object {
  const privacy = {
    ...more,
    ...(duplicates !== undefined && { duplicates }),
    ...(least !== undefined && {
      minimum_intersection: wholeNumber('--minimum-intersection', least),
    }),
  };
  return {
    ...(purpose !== undefined && { purpose }),
    ...(Object.keys(privacy).length > 0 && { privacy }),
  };
}

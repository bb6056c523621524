/** The commands that submit tasks, follow them, and use what they made. */
import type { Command } from 'commander';
import type { CommandResult } from './command.ts';
import { modelExport, modelList, modelShow } from './models.ts';
import { type PredictFlags, predict } from './predict.ts';
import { type PsiFlags, psi } from './psi.ts';
import { addressOf, each, group, type NodeOptions, type Shell, withNode } from './shell.ts';
import {
  type TaskListFlags,
  taskApprove,
  taskCancel,
  taskList,
  taskShow,
  taskWatch,
} from './tasks.ts';
import { type RunOptions, type TrainFlags, train } from './train.ts';

export function addTaskCommands(program: Command, shell: Shell): void {
  const { print } = shell;
  const run = runOptions(shell);

  withTaskFlags(program.command('train'), shell)
    .description('train a model jointly and wait for it')
    .option('--label <party:column>', 'what to predict, and who has it')
    .option('--algorithm <name>', 'logistic_regression, linear_regression or xgboost')
    .option('--discrete <party:columns>', 'columns that are categories; repeatable', each)
    .option('--metrics <names>', 'for example auc,ks')
    .option('--release <how>', 'full: receivers get the model; split: each party keeps its part')
    .option(
      '--param <name=value>',
      'a hyper-parameter, of xgboost by its own names; repeatable',
      each,
    )
    .addHelpText('after', TRAIN_EXAMPLE)
    .action(async (options: NodeOptions & TrainFlags) =>
      print(await train(addressOf(shell, options), options, run)),
    );
  withTaskFlags(program.command('predict'), shell)
    .description('score records with a model, jointly or alone')
    .option('--model <id>', 'a model of "entente model list"; or its file, to apply it alone')
    .option('--threshold <probability>', "class 1 from there on; else the model's own")
    .option('--out <file>', 'copy the predictions there')
    .option('--force', 'replace a file that is there')
    .addHelpText('after', PREDICT_EXAMPLE)
    .action(async (options: NodeOptions & PredictFlags) =>
      print(await predict(addressOf(shell, options), options, run)),
    );
  withTaskFlags(program.command('psi'), shell, PSI_TEXTS)
    .description('find the records that two or more parties have in common')
    .option('--output <what>', 'rows: which they are; size: how many, told to both (default: rows)')
    .option('--join <which>', 'inner, left, right, full or difference; left: the first party')
    .option('--select <columns>', 'of the second party, for the first to learn; repeatable', each)
    .addHelpText('after', PSI_EXAMPLE)
    .action(async (options: NodeOptions & PsiFlags) =>
      print(await psi(addressOf(shell, options), options, run)),
    );

  addTaskGroup(group(program, 'task', 'what this node computes, or is asked to'), shell);
  addModelGroup(group(program, 'model', 'the models of this node, and its parts of models'), shell);
}

function runOptions({ context, json }: Shell): RunOptions {
  return { context, quiet: json };
}

/** Flags that mean less, or more, in one command than in others, and what they mean there. */
interface FlagTexts {
  readonly data: readonly [flag: string, text: string];
  readonly duplicates: string;
}

const TEXTS: FlagTexts = {
  data: ['--data <party=path:columns>', 'its dataset, columns optional; repeatable'],
  duplicates: 'rows that repeat a key: reject, or keep the first',
};
const PSI_TEXTS: FlagTexts = {
  data: ['--data <party=path>', 'its dataset; repeatable, the party that asks first'],
  duplicates: 'rows that repeat a key: reject, first, or expand: every pair is a line',
};

function withTaskFlags(
  command: Command,
  shell: Shell,
  { data, duplicates }: FlagTexts = TEXTS,
): Command {
  return withNode(command, shell)
    .option(...data, each)
    .option(
      '--key <column>',
      'tells records apart; party:column where names differ; repeated: all of them together',
      each,
    )
    .option('--type <party:type>', 'csv, json, parquet; else by the name of the file', each)
    .option('--receiver <party>', 'who gets the result; repeatable', each)
    .option('--purpose <text>', 'as the parties’ policies name it')
    .option('--engine <name>', 'how keys are matched: auto, rr22 or ecdh (default: auto)')
    .option('--duplicates <how>', duplicates)
    .option('--minimum-intersection <n>', 'fewer common records end the task')
    .option('--request <file>', 'the whole request as JSON, - for standard input')
    .option('--detach', 'print the id of the task and do not wait');
}

function addTaskGroup(task: Command, shell: Shell): void {
  const { print } = shell;
  const command = (name: string, description: string): Command =>
    withNode(task.command(name).description(description), shell);
  const ofTask = (
    name: string,
    description: string,
    act: (address: ReturnType<typeof addressOf>, id: string) => Promise<CommandResult>,
  ): void => {
    command(name, description)
      .argument('<id>', 'as listed')
      .action(async (id: string, options: NodeOptions) =>
        print(await act(addressOf(shell, options), id)),
      );
  };

  command('list', 'tasks, newest first')
    .option('--state <state>', 'pending, running, stopping, completed, failed or cancelled')
    .option('--kind <kind>', 'train, predict or psi')
    .option('--limit <n>', 'at most so many', '20')
    .action(async (options: NodeOptions & TaskListFlags) =>
      print(await taskList(addressOf(shell, options), options)),
    );
  ofTask('show', 'all that is known of a task', taskShow);
  ofTask('watch', 'progress until the task has ended', (address, id) =>
    taskWatch(address, id, runOptions(shell)),
  );
  ofTask('approve', 'let a task run that the policy wants a person to decide on', taskApprove);
  ofTask('cancel', 'end a task, here and at every party', taskCancel);
}

function addModelGroup(model: Command, shell: Shell): void {
  const { print } = shell;
  const command = (name: string, description: string): Command =>
    withNode(model.command(name).description(description), shell);

  command('list', 'models, oldest first').action(async (options: NodeOptions) =>
    print(await modelList(addressOf(shell, options))),
  );
  command('show', 'where a model comes from, and how good it is')
    .argument('<id>', 'as listed')
    .action(async (id: string, options: NodeOptions) =>
      print(await modelShow(addressOf(shell, options), id)),
    );
  command('export', 'write a whole model to a file')
    .argument('<id>', 'as listed')
    .requiredOption('--out <file>', 'where to')
    .option('--force', 'replace a file that is there')
    .action(async (id: string, options: NodeOptions & { out: string; force?: boolean }) =>
      print(await modelExport(addressOf(shell, options), id, options)),
    );
}

const TRAIN_EXAMPLE = `
Examples:
  entente train --data bank=clients.csv --data partner=customers.csv:age,income \\
    --key id --label bank:defaulted --metrics auc,ks --purpose 'credit scoring'
  entente train --data bank=clients.csv --data partner=customers.csv --data lab=cases.csv \\
    --key id --label bank:defaulted --algorithm xgboost --param n_estimators=30 --param max_depth=3
`;

const PREDICT_EXAMPLE = `
Examples:
  entente predict --model model-... --data bank=new.csv --data partner=new.csv --key id
  entente predict --model model.json --data joined.csv --out predictions.csv
`;

const PSI_EXAMPLE = `
The party named first asks and alone gets the result, unless --receiver names others; the size
is told to both.
Examples:
  entente psi --data bank=clients.csv --data partner=customers.csv --key id
  entente psi --data bank=clients.csv --data partner=customers.csv --data lab=cases.csv \\
    --key id --receiver bank --receiver lab
  entente psi --data bank=clients.csv --data partner=customers.csv --output size \\
    --key bank:name --key bank:born --key partner:surname --key partner:birth_date
  entente psi --data bank=clients.csv --data partner=customers.csv --key id --select segment,since
`;

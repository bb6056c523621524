import type { NodeClient, TaskView } from '../../sdk/node-client.ts';
import {
  type CliContext,
  CliError,
  type CommandResult,
  EXIT_FAILED,
  EXIT_INTERRUPTED,
  EXIT_OF_CODE,
} from './command.ts';
import type { Connection } from './node-api.ts';
import { progressDisplay } from './progress.ts';
import { outcomeResult } from './task-text.ts';

export interface FollowOptions {
  /** No progress bar: standard error is for errors alone. */
  readonly quiet: boolean;
}

/** Shows a task's progress until it has ended. Throws `CliError` unless it completed. */
export async function followTask(
  { api, config }: Connection,
  taskId: string,
  context: CliContext,
  { quiet }: FollowOptions,
): Promise<{ readonly view: TaskView; readonly result: CommandResult }> {
  const display = progressDisplay(quiet ? null : context.terminal);
  const leave = new AbortController();
  const interrupted = context.untilStopped().then(() => {
    leave.abort();
    return null;
  });
  try {
    const ended = endOf(api, taskId, (view) => display.show(view), leave.signal);
    // What the wait comes to after an interruption nobody wants to know.
    ended.catch(() => undefined);
    const view = await Promise.race([ended, interrupted]);
    if (view === null) throw detached(taskId);
    if (view.state !== 'completed') throw failureOfTask(view);
    return { view, result: outcomeResult(view, config) };
  } finally {
    display.stop();
    leave.abort();
  }
}

/** The view with which the task ends. A connection that breaks is made again. */
async function endOf(
  api: NodeClient,
  taskId: string,
  onView: (view: TaskView) => void,
  signal: AbortSignal,
): Promise<TaskView> {
  for await (const { task, type } of api.taskEvents(taskId, { signal })) {
    if (type === 'end') return task;
    onView(task);
  }
  throw new CliError(
    `the events of task ${taskId} ended before the task`,
    `"entente task show ${taskId}" says how it stands`,
  );
}

/** What `--detach` prints. */
export function detachedResult(taskId: string): CommandResult {
  return { text: `${taskId}\n`, json: { task_id: taskId } };
}

function detached(taskId: string): CliError {
  const hint = `the task goes on: "entente task watch ${taskId}" shows it again, "entente task cancel ${taskId}" ends it`;
  return new CliError(`stopped waiting for task ${taskId}`, hint, { exit: EXIT_INTERRUPTED });
}

const HINT_OF_CODE: Readonly<Record<string, string>> = {
  REFUSED: 'ask that party to allow it: its policy.yaml, and its log, say which rule came closest',
  UNREACHABLE: 'check that the party’s node runs and its address is right: "entente peer list"',
  CANCELLED: 'submit it again if it was ended by mistake',
  DATASET_UNUSABLE: 'repair the data, or name others: "entente data list" shows them',
};

/** A task that ended in another way than by completing. */
function failureOfTask({ task_id, state, error }: TaskView): CliError {
  const code = error?.code ?? 'FAILED';
  const message = `task ${task_id} ${state}: ${error?.message ?? 'no reason is known'}`;
  const hint = HINT_OF_CODE[code] ?? `"entente task show ${task_id}" and the node's log say more`;
  return new CliError(message, hint, { code, exit: EXIT_OF_CODE[code] ?? EXIT_FAILED });
}

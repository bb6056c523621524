import { TASK_KINDS, TASK_STATES } from '../tasks/task-view.ts';
import type { CommandResult } from './command.ts';
import { followTask } from './follow-task.ts';
import { connect, type NodeAddress } from './node-api.ts';
import { oneOf, wholeNumber } from './request-flags.ts';
import { taskResult, taskTable } from './task-text.ts';
import type { RunOptions } from './train.ts';

export interface TaskListFlags {
  readonly state?: string;
  readonly kind?: string;
  readonly limit: string;
}

export async function taskList(
  address: NodeAddress,
  { state, kind, limit }: TaskListFlags,
): Promise<CommandResult> {
  const query = {
    ...(state !== undefined && { state: oneOf('--state', state, TASK_STATES) }),
    ...(kind !== undefined && { kind: oneOf('--kind', kind, TASK_KINDS) }),
    limit: wholeNumber('--limit', limit),
  };
  const tasks = await (await connect(address)).api.listTasks(query);
  const nothing = 'No tasks. "entente train" and "entente psi" submit one.\n';
  return { text: tasks.length === 0 ? nothing : taskTable(tasks), json: { tasks } };
}

export async function taskShow(address: NodeAddress, taskId: string): Promise<CommandResult> {
  return taskResult(await (await connect(address)).api.task(taskId));
}

/** Shows progress until the task has ended. Throws unless it completed. */
export async function taskWatch(
  address: NodeAddress,
  taskId: string,
  { context, quiet }: RunOptions,
): Promise<CommandResult> {
  const connection = await connect(address);
  return (await followTask(connection, taskId, context, { quiet })).result;
}

export async function taskApprove(address: NodeAddress, taskId: string): Promise<CommandResult> {
  const view = await (await connect(address)).api.approveTask(taskId);
  return { text: `${taskId} is approved: this node votes for it\n`, json: view };
}

export async function taskCancel(address: NodeAddress, taskId: string): Promise<CommandResult> {
  const view = await (await connect(address)).api.cancelTask(taskId);
  const text =
    view.state === 'cancelled'
      ? `${taskId} is cancelled\n`
      : `${taskId} stops, here and at every party: "entente task watch ${taskId}" shows when\n`;
  return { text, json: view };
}

/** What a started node does with the tasks that an earlier process left, from what is on its disk. */
import type { Contract } from '../consensus/contract.ts';
import type { CertificateRecord } from '../consensus/records.ts';
import { abortTask } from '../consensus/task-end.ts';
import type { Finishing } from './finish-task.ts';
import type { TaskHead } from './task-board.ts';
import type { TaskEngineDeps } from './task-engine.ts';
import type { TaskEntry } from './task-entry.ts';
import { TaskError } from './task-error.ts';
import { endError } from './task-failure.ts';

/** What recovery makes the engine do. */
export interface Recovery {
  take(taskId: string, record: CertificateRecord, entry: TaskEntry, prepared: boolean): void;
  publishAgain(finishing: Finishing): void;
  head(taskId: string, contract: Contract): TaskHead;
  end(entry: TaskEntry, error: Error): Promise<void>;
}

type RecoverDeps = Pick<
  TaskEngineDeps,
  'consensus' | 'board' | 'results' | 'checkpoints' | 'attempts' | 'log'
>;

/**
 * Agreed tasks go on, decided results are published, tasks that ended elsewhere end here; what was
 * being agreed is left to `endStaleTasks`. Calls no peer and waits for none.
 */
export async function recoverTasks(deps: RecoverDeps, recovery: Recovery): Promise<void> {
  const { board, checkpoints, consensus, log, results } = deps;
  await results.removeLeftovers();
  const entries = new Map((await board.open()).map((entry) => [entry.taskId, entry]));
  for (const { taskId, state } of await consensus.records.current()) {
    if (state !== 'committed' || entries.has(taskId)) continue;
    const entry = await missingRow(deps, recovery, taskId);
    if (entry) entries.set(taskId, entry);
  }
  for (const [taskId, entry] of entries) {
    const agreed = await recoverTask(deps, recovery, entry);
    if (!agreed) entries.delete(taskId);
  }
  for (const taskId of await checkpoints.tasks()) {
    if (!entries.has(taskId)) await checkpoints.remove(taskId);
  }
  if (entries.size > 0) log.info({ tasks: [...entries.keys()] }, 'tasks taken up again');
}

/** A row for an agreed task that has none, or undefined when its row has ended. */
async function missingRow(
  { board, consensus, log }: RecoverDeps,
  recovery: Recovery,
  taskId: string,
): Promise<TaskEntry | undefined> {
  const { certificate } = (await consensus.records.certificate(taskId))!;
  const view = await board.find(taskId);
  if (!view) return board.add(recovery.head(taskId, certificate.contract));
  // Consensus is ended before the row is: this is no state that a crash can leave.
  const refusal = { code: 'task_failed', reason: 'the task had ended at this party' } as const;
  log.error({ task: taskId, state: view.state }, 'an ended task was still agreed');
  abortTask(consensus, taskId, refusal).catch((error: unknown) => {
    log.error({ task: taskId, err: error }, 'peers not told');
  });
  return undefined;
}

/** Whether the task goes on. */
async function recoverTask(
  deps: RecoverDeps,
  recovery: Recovery,
  entry: TaskEntry,
): Promise<boolean> {
  const { consensus, results } = deps;
  const { taskId } = entry;
  const record = await consensus.records.find(taskId);
  if (!record) {
    await results.discard(taskId);
    const alone = entry.view().parties.length === 1;
    const why = alone ? 'while the task ran' : 'before the other parties were asked';
    await recovery.end(entry, new TaskError('STOPPED', `the node was stopped ${why}`));
    return false;
  }
  if (record.end) {
    await deps.attempts.finish(Buffer.from(taskId, 'hex'));
    await results.discard(taskId);
    await recovery.end(entry, endError(record.end));
    return false;
  }
  if (record.state !== 'committed' && record.state !== 'finished') {
    if (entry.view().state === 'stopping') cancelAgain(deps, taskId);
    return false;
  }
  const prepared = await results.find(taskId);
  const committed = (await consensus.records.certificate(taskId))!;
  if (record.state === 'finished') {
    if (prepared) {
      recovery.publishAgain({ contract: committed.certificate.contract, prepared, entry });
      return true;
    }
    await recovery.end(entry, new TaskError('RESULT_LOST', 'the result is not on the disk'));
    return false;
  }
  if (entry.view().state === 'stopping' && !prepared) {
    cancelAgain(deps, taskId);
    return false;
  }
  recovery.take(taskId, committed, entry, prepared !== null);
  return true;
}

/** A person had asked for the end of the task. */
function cancelAgain({ consensus, log }: RecoverDeps, taskId: string): void {
  const refusal = { code: 'cancelled', reason: `cancelled by ${consensus.signer.name}` } as const;
  abortTask(consensus, taskId, refusal).catch((error: unknown) => {
    log.error({ task: taskId, err: error }, 'not cancelled');
  });
}

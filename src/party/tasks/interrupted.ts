import type { ConsensusNode } from '../consensus/consensus-node.ts';
import { ConsensusError } from '../consensus/errors.ts';
import { abortTask } from '../consensus/task-end.ts';
import type { AttemptStore } from '../transport/attempts.ts';

/**
 * Ends what an earlier process of this node left running, here and at every party that can be
 * reached: its sessions and their keys are gone.
 */
export async function endInterrupted(
  consensus: ConsensusNode,
  attempts: AttemptStore,
  taskIds: readonly string[],
): Promise<void> {
  const refusal = {
    code: 'task_failed',
    reason: 'the node was stopped while the task ran',
  } as const;
  await Promise.all(
    taskIds.map(async (taskId) => {
      await attempts.finish(Buffer.from(taskId, 'hex'));
      try {
        await abortTask(consensus, taskId, refusal);
      } catch (error) {
        // Stopped before the contract was proposed: nobody else knows of it.
        if (!(error instanceof ConsensusError && error.code === 'unknown_task')) throw error;
      }
    }),
  );
}

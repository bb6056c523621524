/** Tasks as callers see them. Field names are the interface's. */
import type { FastifyReply } from 'fastify';
import type { TaskKind, TaskOutcome, TaskView } from '../tasks/task-view.ts';
import { statusOf } from './api-error.ts';
import { type ApiReply, success } from './api-reply.ts';

/** The reply to a call that waited for its task. */
export function outcomeReply(kind: TaskKind, taskId: string, outcome: TaskOutcome): ApiReply {
  const { modelId, path, type, metrics } = outcome;
  return success({
    ...(modelId !== null && { model_id: modelId }),
    path,
    type,
    extra: extraOf(taskId, outcome),
    ...((kind === 'train' || Object.keys(metrics).length > 0) && { metrics }),
  });
}

/** 202 and where the task can be followed. */
export function acceptedReply(reply: FastifyReply, taskId: string): ApiReply {
  void reply.code(202).header('Location', `/api/v1/tasks/${taskId}`);
  return { status: 202, result: { task_id: taskId }, msg: 'accepted' };
}

export function taskResult(view: TaskView): object {
  const { progress, outcome, error } = view;
  return {
    task_id: view.taskId,
    kind: view.kind,
    algorithm: view.algorithm,
    initiator: view.initiator,
    parties: view.parties,
    receivers: view.receivers,
    purpose: view.purpose,
    state: view.state,
    phase: view.phase,
    awaits_approval: view.awaitsApproval,
    attempt: view.attempt,
    progress: {
      percentage: progress.percentage,
      iteration: progress.iteration?.number ?? null,
      iterations: progress.iteration?.of ?? null,
      bytes_sent: progress.bytesSent,
      bytes_received: progress.bytesReceived,
      bytes_per_second: progress.bytesPerSecond,
      seconds_remaining: progress.secondsRemaining,
    },
    created_at: view.createdAt,
    started_at: view.startedAt,
    finished_at: view.finishedAt,
    model_id: outcome?.modelId ?? null,
    path: outcome?.path ?? null,
    type: outcome?.type ?? null,
    extra: outcome ? extraOf(view.taskId, outcome) : null,
    metrics: outcome?.metrics ?? null,
    error: error
      ? { status: statusOf(error.code), code: error.code, message: error.message }
      : null,
  };
}

/** Free text to the contract; here always JSON. */
function extraOf(taskId: string, { extra }: TaskOutcome): string {
  return JSON.stringify({ task_id: taskId, ...extra });
}

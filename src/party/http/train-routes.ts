import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { TaskOutcome, TaskView } from '../tasks/task-view.ts';
import { type Authenticate, guard } from './access.ts';
import { ApiError, statusOf } from './api-error.ts';
import type { ApiReply, App } from './api-reply.ts';
import type { TaskHandle, TaskService } from './services.ts';
import { parseTrainRequest } from './train-request.ts';

export interface TrainRouteDeps {
  readonly tasks: TaskService;
  readonly authenticate: Authenticate;
  /** How long a synchronous call waits for its task. */
  readonly syncWaitMs: number;
  /** Aborted when the server begins to stop: waiting calls are then answered at once. */
  readonly stopping: AbortSignal;
}

const TaskParams = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' }) });

/** `runModelTrainTask` and the view of the tasks it creates. */
export function addTrainRoutes(app: App, deps: TrainRouteDeps): void {
  const { tasks, authenticate, syncWaitMs, stopping } = deps;
  app.decorateRequest('caller');

  const submit = { onRequest: guard(authenticate, 'coordinator') };
  for (const url of ['/runModelTrainTask', '/api/v1/runModelTrainTask']) {
    app.post(url, submit, async (request, reply) => {
      const trainRequest = parseTrainRequest(request.body);
      const task = await tasks.submit({ kind: 'train', request: trainRequest }, request.caller);
      const waits = !trainRequest.async && !prefersAsync(request);
      const outcome = await waitForOutcome(task, waits ? syncWaitMs : 0, stopping);
      return outcome ? trainReply(task.taskId, outcome) : acceptedReply(reply, task.taskId);
    });
  }

  const read = {
    onRequest: guard(authenticate, 'coordinator', 'auditor'),
    schema: { params: TaskParams },
  };
  app.get('/api/v1/tasks/:id', read, async (request) => {
    const view = await tasks.find(request.params.id, request.caller);
    if (!view) throw new ApiError('NOT_FOUND', 'there is no such task');
    return { status: 200, result: taskResult(view), msg: 'success' } satisfies ApiReply;
  });
}

/** The outcome, or null when the time is up or the server stops first; the task goes on alone. */
async function waitForOutcome(
  { done }: TaskHandle,
  waitMs: number,
  stopping: AbortSignal,
): Promise<TaskOutcome | null> {
  // A failure that nobody waits for is in the task's view and must not end the process.
  done.catch(() => undefined);
  if (waitMs === 0 || stopping.aborted) return null;
  let giveUp: () => void = () => undefined;
  const givenUp = new Promise<null>((resolve) => {
    giveUp = () => resolve(null);
  });
  const timer = setTimeout(giveUp, waitMs);
  stopping.addEventListener('abort', giveUp);
  try {
    return await Promise.race([done, givenUp]);
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', giveUp);
  }
}

/** RFC 7240: `Prefer: respond-async`, alone or in a list. */
function prefersAsync(request: FastifyRequest): boolean {
  const prefer = [request.headers.prefer ?? []].flat().join(',');
  return prefer
    .split(',')
    .some((part) => part.split(';')[0]!.trim().toLowerCase() === 'respond-async');
}

function trainReply(taskId: string, outcome: TaskOutcome): ApiReply {
  return {
    status: 200,
    result: {
      model_id: outcome.modelId,
      path: outcome.path,
      type: outcome.type,
      extra: JSON.stringify({ task_id: taskId, ...outcome.extra }),
      metrics: outcome.metrics,
    },
    msg: 'success',
  };
}

function acceptedReply(reply: FastifyReply, taskId: string): ApiReply {
  void reply.code(202).header('Location', `/api/v1/tasks/${taskId}`);
  return { status: 202, result: { task_id: taskId }, msg: 'accepted' };
}

function taskResult(view: TaskView): object {
  return {
    task_id: view.taskId,
    state: view.state,
    phase: view.phase,
    progress: {
      percentage: view.progress.percentage,
      iteration: view.progress.iteration?.number ?? null,
      iterations: view.progress.iteration?.of ?? null,
    },
    created_at: view.createdAt,
    started_at: view.startedAt,
    finished_at: view.finishedAt,
    model_id: view.outcome?.modelId ?? null,
    path: view.outcome?.path ?? null,
    type: view.outcome?.type ?? null,
    extra: view.outcome ? JSON.stringify({ task_id: view.taskId, ...view.outcome.extra }) : null,
    metrics: view.outcome?.metrics ?? null,
    error: view.error
      ? { status: statusOf(view.error.code), code: view.error.code, message: view.error.message }
      : null,
  };
}

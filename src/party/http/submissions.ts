/** From a request that was understood to the reply of what it creates: now, later, or again. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TaskOutcome, TaskView } from '../tasks/task-view.ts';
import { ApiError, statusOf } from './api-error.ts';
import { type ApiReply, errorReply } from './api-reply.ts';
import { type IdempotencyKeys, type KeyRecord, type KeyUse, keyUse } from './idempotency.ts';
import type { RequestTrail } from './request-trail.ts';
import type { TaskRequest, TaskService } from './services.ts';
import { acceptedReply, outcomeReply } from './task-reply.ts';

export interface SubmissionDeps {
  readonly tasks: TaskService;
  readonly trail: RequestTrail;
  readonly keys: IdempotencyKeys;
  /** How long a synchronous call waits for its task. */
  readonly syncWaitMs: number;
  /** Aborted when the server begins to stop: waiting calls are then answered at once. */
  readonly stopping: AbortSignal;
}

export interface Submissions {
  /** Makes a task, or finds the one that the same request made before, and answers for it. */
  readonly submit: (
    request: FastifyRequest,
    reply: FastifyReply,
    task: TaskRequest,
  ) => Promise<ApiReply>;
  /** Runs what makes no task, once for each key. */
  readonly once: (
    request: FastifyRequest,
    reply: FastifyReply,
    run: () => Promise<ApiReply>,
  ) => Promise<ApiReply>;
}

/** A task that somebody may wait for. */
interface Pending {
  readonly taskId: string;
  /** Null: the task goes on and this node cannot say more. `enough` ends the wait. */
  readonly outcome: (enough: AbortSignal) => Promise<TaskOutcome | null>;
}

export function submissions({
  tasks,
  trail,
  keys,
  syncWaitMs,
  stopping,
}: SubmissionDeps): Submissions {
  /** Runs with the key claimed, if there is one; `again` answers for an earlier use. */
  async function withKey<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    again: (record: KeyRecord) => Promise<T | null>,
    run: (use: KeyUse | null) => Promise<T>,
  ): Promise<T | ApiReply> {
    const use = keyUse(request);
    if (!use) return run(null);
    const earlier = await keys.claim(use);
    try {
      if (earlier?.reply) {
        replayed(reply);
        return earlier.reply;
      }
      const found = earlier && (await again(earlier));
      if (found !== null) {
        replayed(reply);
        return found;
      }
      return await run(use);
    } catch (error) {
      if (error instanceof ApiError && statusOf(error.code) < 500) {
        await keys.replied(use, errorReply(error));
      }
      throw error;
    } finally {
      keys.release(use);
    }
  }

  /** The task that a key led to, unless it is gone or its failure may be tried again. */
  async function taskOf(
    { taskId }: KeyRecord,
    request: FastifyRequest,
  ): Promise<{ readonly pending: Pending } | null> {
    const view = taskId === null ? null : await tasks.find(taskId, request.caller);
    if (!view) return null;
    if (view.error && statusOf(view.error.code) >= 500) return null;
    return { pending: pendingTask(view) };
  }

  function pendingTask(view: TaskView): Pending {
    const { taskId } = view;
    return {
      taskId,
      async outcome(enough) {
        if (view.finishedAt !== null) return outcomeOf(view);
        for await (const event of (await tasks.events(taskId, 0, enough)) ?? []) {
          if (event.type === 'end') return outcomeOf(event.view);
        }
        return null;
      },
    };
  }

  return {
    async submit(request, reply, task) {
      const found = await withKey<{ readonly pending: Pending }>(
        request,
        reply,
        (record) => taskOf(record, request),
        async (use) => {
          const handle = await tasks.submit(task, request.caller, (taskId) =>
            use ? keys.taskMade(use, taskId) : [],
          );
          // A failure that nobody waits for is in the task's view and must not end the process.
          handle.done.catch(() => undefined);
          return { pending: { taskId: handle.taskId, outcome: () => handle.done } };
        },
      );
      if (!('pending' in found)) return answered(reply, found);
      const waits = !task.request.async && !prefersAsync(request);
      const outcome = await waitFor(found.pending, reply, waits ? syncWaitMs : 0, stopping);
      const { taskId } = found.pending;
      if (outcome) await trail.toldOutcome(request.caller, taskId, outcome);
      return outcome ? outcomeReply(task.kind, taskId, outcome) : acceptedReply(reply, taskId);
    },

    async once(request, reply, run) {
      const answer = await withKey<ApiReply>(
        request,
        reply,
        async () => null,
        async (use) => {
          const fresh = await run();
          if (use) await keys.replied(use, fresh);
          return fresh;
        },
      );
      return answered(reply, answer);
    },
  };
}

function replayed(reply: FastifyReply): void {
  void reply.header('Idempotent-Replayed', 'true');
}

function answered(reply: FastifyReply, answer: ApiReply): ApiReply {
  void reply.code(answer.status);
  return answer;
}

/** The outcome of an ended task. Throws the error that it ended with. */
function outcomeOf({ outcome, error }: TaskView): TaskOutcome | null {
  if (error) throw new ApiError(error.code, error.message);
  return outcome;
}

/**
 * The outcome, or null when the time is up, the caller is gone or the server stops first; the task
 * goes on alone.
 */
async function waitFor(
  { outcome }: Pending,
  reply: FastifyReply,
  waitMs: number,
  stopping: AbortSignal,
): Promise<TaskOutcome | null> {
  if (waitMs === 0 || stopping.aborted) return null;
  const enough = new AbortController();
  const giveUp = (): void => enough.abort();
  const givenUp = new Promise<null>((resolve) => {
    enough.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  const timer = setTimeout(giveUp, waitMs);
  stopping.addEventListener('abort', giveUp);
  reply.raw.once('close', giveUp);
  const ended = outcome(enough.signal);
  ended.catch(() => undefined); // it may fail after the wait is over
  try {
    return await Promise.race([ended, givenUp]);
  } finally {
    giveUp();
    clearTimeout(timer);
    stopping.removeEventListener('abort', giveUp);
    reply.raw.off('close', giveUp);
  }
}

/** RFC 7240: `Prefer: respond-async`, alone or in a list. */
function prefersAsync(request: FastifyRequest): boolean {
  const prefer = [request.headers.prefer ?? []].flat().join(',');
  return prefer
    .split(',')
    .some((part) => part.split(';')[0]!.trim().toLowerCase() === 'respond-async');
}

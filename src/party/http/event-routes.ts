import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { TaskEvent } from '../tasks/task-view.ts';
import type { Caller } from '../tokens.ts';
import type { Authenticate } from './access.ts';
import { ApiError } from './api-error.ts';
import type { App } from './api-reply.ts';
import type { RequestTrail } from './request-trail.ts';
import type { Routes } from './routes.ts';
import type { TaskService } from './services.ts';
import { taskResult } from './task-reply.ts';
import { TaskParams } from './task-routes.ts';

export interface EventRouteDeps {
  readonly tasks: TaskService;
  readonly trail: Pick<RequestTrail, 'toldOutcome'>;
  /** Asked again before each piece: a stream ends soon after its token is revoked. */
  readonly authenticate: Authenticate;
  readonly heartbeatMs: number;
  /** Aborted when the server begins to stop: streams then end, and readers come again. */
  readonly stopping: AbortSignal;
}

export const HEARTBEAT_MS = 15_000;
/** Own choices: what one caller may hold open, and for how long without reading. */
export const MAX_STREAMS = 16;
const STALL_MS = 60_000;
const RECONNECT_MS = 1000;
const RETRY_AFTER_S = 10;

const EventId = /^\d{1,15}$/;
const EventQuery = Type.Object({
  after: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e15 - 1 })),
});

/**
 * A task's events as server-sent events. The header `Last-Event-ID` counts before `?after=`: readers
 * that connect again send the header with the address they began with.
 */
export function addEventRoutes(
  app: App,
  routes: Routes,
  { tasks, trail, authenticate, heartbeatMs, stopping }: EventRouteDeps,
): void {
  const open = new Map<string, number>();
  /** Counts a stream of a caller; the function that is returned takes it back, once. */
  const enter = (caller: string): (() => void) => {
    const count = open.get(caller) ?? 0;
    if (count >= MAX_STREAMS) {
      throw new ApiError('RATE_LIMITED', `a caller may follow ${MAX_STREAMS} tasks at a time`, {
        retryAfterSec: RETRY_AFTER_S,
      });
    }
    open.set(caller, count + 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      const rest = open.get(caller)! - 1;
      if (rest === 0) open.delete(caller);
      else open.set(caller, rest);
    };
  };

  for (const route of routes('getTaskEvents')) {
    app.route({
      ...route,
      schema: { params: TaskParams, querystring: EventQuery },
      handler: async (request, reply) => {
        const after = lastEventId(request) ?? request.query.after ?? 0;
        const leave = enter(request.caller.id);
        const gone = new AbortController();
        const end = (): void => gone.abort();
        const close = (): void => {
          leave();
          end();
          stopping.removeEventListener('abort', end);
        };
        let events: AsyncIterable<TaskEvent> | null;
        try {
          if (!(await tasks.find(request.params.id, request.caller))) throw noSuchTask();
          events = await tasks.events(request.params.id, after, gone.signal);
          if (!events) throw noSuchTask();
        } catch (error) {
          close();
          throw error;
        }
        stopping.addEventListener('abort', end);
        if (stopping.aborted) end();
        reply.raw.once('close', close);
        if (reply.raw.destroyed) close(); // gone while the task was looked for
        reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
        void reply
          .type('text/event-stream; charset=utf-8')
          .header('Cache-Control', 'no-cache, no-transform')
          .header('X-Accel-Buffering', 'no'); // proxies pass each event on at once
        const told = recorded(events, request.caller, trail);
        const text = eventText(told, heartbeatMs, gone.signal);
        const stillKnown = () =>
          authenticate(request).then(
            () => true,
            () => false,
          );
        return reply.send(Readable.from(whileKnown(text, stillKnown)));
      },
    });
  }
}

/** The events; the outcome of the last one is recorded as told before it is. */
async function* recorded(
  events: AsyncIterable<TaskEvent>,
  caller: Caller,
  trail: EventRouteDeps['trail'],
): AsyncGenerator<TaskEvent> {
  for await (const event of events) {
    const { taskId, outcome } = event.view;
    if (outcome) await trail.toldOutcome(caller, taskId, outcome);
    yield event;
  }
}

async function* whileKnown(
  text: AsyncIterable<string>,
  stillKnown: () => Promise<boolean>,
): AsyncGenerator<string> {
  for await (const piece of text) {
    if (!(await stillKnown())) return;
    yield piece;
  }
}

function noSuchTask(): ApiError {
  return new ApiError('NOT_FOUND', 'there is no such task');
}

function lastEventId(request: FastifyRequest): number | undefined {
  const id = request.headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && EventId.test(id)) return Number(id);
  throw new ApiError('INVALID_REQUEST', 'Last-Event-ID must be the id of an event');
}

/**
 * The text of the stream, an event or a comment at a time; the next event is asked for when this one
 * was taken. Ends with the events, or when the signal is aborted.
 */
export async function* eventText(
  events: AsyncIterable<TaskEvent>,
  heartbeatMs: number,
  gone: AbortSignal,
): AsyncGenerator<string> {
  const iterator = events[Symbol.asyncIterator]();
  const left = new Promise<'gone'>((resolve) => {
    if (gone.aborted) resolve('gone');
    else gone.addEventListener('abort', () => resolve('gone'), { once: true });
  });
  yield `retry: ${RECONNECT_MS}\n\n`;
  try {
    let next = nextOf(iterator);
    for (;;) {
      const { beat, stop } = heartbeat(heartbeatMs);
      const found = await Promise.race([next, left, beat]).finally(stop);
      if (found === 'gone') return;
      if (found === 'beat') {
        yield ': alive\n\n';
        continue;
      }
      if (found.done) return;
      yield textOf(found.value);
      next = nextOf(iterator);
    }
  } finally {
    // Not awaited: an iterator that waits for an event returns after it.
    iterator.return?.().catch(() => undefined);
  }
}

function nextOf(iterator: AsyncIterator<TaskEvent>): Promise<IteratorResult<TaskEvent>> {
  const next = iterator.next();
  next.catch(() => undefined); // it may fail when nobody waits any more
  return next;
}

function heartbeat(ms: number): { readonly beat: Promise<'beat'>; readonly stop: () => void } {
  let timer: NodeJS.Timeout;
  const beat = new Promise<'beat'>((resolve) => {
    timer = setTimeout(() => resolve('beat'), ms);
  });
  return { beat, stop: () => clearTimeout(timer) };
}

function textOf({ id, type, time, view }: TaskEvent): string {
  const data = JSON.stringify({ time, ...taskResult(view) });
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}

import Type from 'typebox';
import { TASK_KINDS, TASK_STATES } from '../tasks/task-view.ts';
import { ApiError } from './api-error.ts';
import { type App, success } from './api-reply.ts';
import { replyOf, shared } from './reply-schemas.ts';
import { ID_PATTERN } from './request-fields.ts';
import type { RequestTrail } from './request-trail.ts';
import type { Routes } from './routes.ts';
import type { TaskService } from './services.ts';
import { taskResult } from './task-reply.ts';

export const TaskParams = Type.Object({ id: Type.String({ pattern: ID_PATTERN }) });

const PAGE = 50;
const MAX_PAGE = 200;

const ListQuery = Type.Object({
  state: Type.Optional(Type.Enum([...TASK_STATES])),
  kind: Type.Optional(Type.Enum([...TASK_KINDS])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE, default: PAGE })),
  after: Type.Optional(
    Type.String({ pattern: ID_PATTERN, description: 'next of the page before' }),
  ),
});

const ListResult = Type.Object({
  tasks: Type.Array(shared('Task')),
  next: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
});

/** Listing, showing, ending and approving tasks. */
export function addTaskRoutes(
  app: App,
  routes: Routes,
  { tasks, trail }: { readonly tasks: TaskService; readonly trail: RequestTrail },
): void {
  for (const route of routes('listTasks')) {
    app.route({
      ...route,
      schema: { querystring: ListQuery, response: { 200: replyOf(ListResult) } },
      handler: async (request) => {
        const { state, kind, limit = PAGE, after } = request.query;
        const query = {
          ...(state !== undefined && { state }),
          ...(kind !== undefined && { kind }),
          ...(after !== undefined && { after }),
          limit: limit + 1, // one more tells whether there is a next page
        };
        const found = await tasks.list(query, request.caller);
        const page = found.slice(0, limit);
        const next = found.length > limit ? page.at(-1)!.taskId : null;
        for (const { taskId, outcome } of page) {
          if (outcome) await trail.toldOutcome(request.caller, taskId, outcome);
        }
        return success({ tasks: page.map(taskResult), next });
      },
    });
  }

  const one = { params: TaskParams, response: { 200: replyOf(shared('Task')) } };
  for (const route of routes('getTask')) {
    app.route({
      ...route,
      schema: one,
      handler: async (request) => {
        const view = await tasks.find(request.params.id, request.caller);
        if (!view) throw new ApiError('NOT_FOUND', 'there is no such task');
        if (view.outcome) await trail.toldOutcome(request.caller, view.taskId, view.outcome);
        return success(taskResult(view));
      },
    });
  }
  for (const route of routes('cancelTask')) {
    app.route({
      ...route,
      schema: one,
      handler: async (request) =>
        success(taskResult(await tasks.cancel(request.params.id, request.caller))),
    });
  }
  for (const route of routes('approveTask')) {
    app.route({
      ...route,
      schema: one,
      handler: async (request) =>
        success(taskResult(await tasks.approve(request.params.id, request.caller))),
    });
  }
}

import { deepEqual, equal, match } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { endedView, FakeTasks, OUTCOME, taskView } from '../../support/fake-tasks.ts';
import { as, errorOf, fakeServer } from '../../support/http-server.ts';

const headers = as('auditor');

describe('task routes', () => {
  it('show a task', async () => {
    const tasks = new FakeTasks();
    const failed = new ApiError('REFUSED', 'orgB refused');
    for (const view of [
      taskView({ taskId: 'running' }),
      endedView(OUTCOME, { taskId: 'completed' }),
      endedView(failed, { taskId: 'failed' }),
    ]) {
      tasks.tell(view);
    }
    const { app } = fakeServer({ tasks });
    const get = async (id: string) => app.inject({ url: `/api/v1/tasks/${id}`, headers });
    deepEqual((await get('running')).json(), {
      status: 200,
      result: {
        task_id: 'running',
        kind: 'train',
        algorithm: 'logistic_regression',
        initiator: 'orgA',
        parties: ['orgA', 'orgB'],
        receivers: ['orgA'],
        purpose: 'credit risk',
        state: 'running',
        phase: 'training',
        awaits_approval: false,
        attempt: 1,
        progress: {
          percentage: 40,
          iteration: 4,
          iterations: 10,
          bytes_sent: 1000,
          bytes_received: 2000,
          bytes_per_second: 300,
          seconds_remaining: 6,
        },
        created_at: '2026-02-03T12:00:00.000Z',
        started_at: '2026-02-03T12:00:01.000Z',
        finished_at: null,
        model_id: null,
        path: null,
        type: null,
        extra: null,
        metrics: null,
        error: null,
      },
      msg: 'success',
    });
    const completed = (await get('completed')).json().result;
    deepEqual([completed.model_id, completed.metrics.accuracy], ['model-01', 0.95]);
    deepEqual(JSON.parse(completed.extra).task_id, 'completed');
    deepEqual((await get('failed')).json().result.error, {
      status: 500,
      code: 'REFUSED',
      message: 'orgB refused',
    });
    equal(errorOf(await get('task-9')).code, 'NOT_FOUND');
  });

  it('list tasks newest first, page by page, by state and kind', async () => {
    const tasks = new FakeTasks();
    for (let i = 1; i <= 7; i++) {
      const taskId = `task-${i}`;
      tasks.tell(i % 2 ? taskView({ taskId }) : endedView(OUTCOME, { taskId, kind: 'psi' }));
    }
    const { app } = fakeServer({ tasks });
    const list = async (query: string): Promise<readonly [string[], string | null]> => {
      const reply = await app.inject({ url: `/api/v1/tasks${query}`, headers });
      equal(reply.statusCode, 200, reply.body);
      const { tasks: page, next } = reply.json().result;
      return [page.map(({ task_id }: { task_id: string }) => task_id.slice(5)), next];
    };
    deepEqual(await list(''), [['7', '6', '5', '4', '3', '2', '1'], null]);
    deepEqual(await list('?limit=3'), [['7', '6', '5'], 'task-5']);
    deepEqual(await list('?limit=3&after=task-5'), [['4', '3', '2'], 'task-2']);
    deepEqual(await list('?limit=3&after=task-2'), [['1'], null]);
    deepEqual(await list('?state=completed'), [['6', '4', '2'], null]);
    deepEqual(await list('?kind=train&limit=2'), [['7', '5'], 'task-5']);
    deepEqual(await list('?kind=psi&state=running'), [[], null]);
    for (const [query, message] of [
      ['state=done', /^state must be one of pending, running, /],
      ['kind=sql', /^kind must be one of train, predict, psi$/],
      ['limit=0', /^limit must be >= 1$/],
      ['limit=201', /^limit must be <= 200$/],
      ['limit=ten', /^limit must be integer$/],
      ['limit=1.5', /^limit must be integer$/],
      ['after=..%2f', /^after must match pattern/],
      ['status=running', /^status is not known here; known: state, kind, limit, after$/],
      ['state=running&state=failed', /^state must be one of/],
      ['__proto__=1', /is not known here/],
    ] as const) {
      const { status, msg } = errorOf(await app.inject({ url: `/api/v1/tasks?${query}`, headers }));
      equal(status, 400);
      match(msg, message, query);
    }
  });

  it('cancel and approve with or without a body, and say what the service says', async () => {
    const tasks = new FakeTasks();
    tasks.tell(taskView({ awaitsApproval: true }));
    const { app } = fakeServer({ tasks });
    const call = (action: string, more = {}) =>
      app.inject({
        method: 'POST',
        url: `/api/v1/tasks/task-1/${action}`,
        headers: as('admin'),
        ...more,
      });
    equal((await call('approve')).json().result.awaits_approval, false);
    equal((await call('cancel')).json().result.state, 'stopping');
    const json = { headers: { ...as('admin'), 'content-type': 'application/json' } };
    equal((await call('cancel', json)).statusCode, 200);
    equal((await call('cancel', { ...json, payload: '{}' })).statusCode, 200);

    tasks.cancel = () => Promise.reject(new ApiError('CONFLICT', 'the task has completed'));
    tasks.approve = () => Promise.reject(new ApiError('NOT_FOUND', 'there is no such task'));
    deepEqual((await call('cancel')).json(), {
      status: 409,
      result: null,
      msg: 'the task has completed',
      code: 'CONFLICT',
    });
    equal((await call('approve')).statusCode, 404);
  });
});

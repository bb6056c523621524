import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import {
  NodeRequestError,
  type TaskView,
  type TrainTaskRequest,
} from '../../src/sdk/node-client.ts';
import { jointTables } from '../support/joint-tables.ts';
import {
  endedTask,
  eventually,
  postTrain,
  proposedTasks,
  putData,
  runningPair,
  trainingTask,
} from '../support/running-pair.ts';

/** Keeps the nodes at work for minutes. */
const ENDLESS = 10_000;

/** The shortest that the configuration takes. */
const PEER_TIMEOUT_SEC = 5;

/** To stop, or to notice that the peer is gone, a node needs no more; measured well under 1 s. */
const PROMPT_MS = 10_000;

describe('e2e: nodes that fail', function () {
  this.timeout(120_000);
  const pair = runningPair({ ENTENTE_TASKS_PEER_TIMEOUT_SEC: String(PEER_TIMEOUT_SEC) });

  const request = (epochs: number): TrainTaskRequest => {
    const provider = (name: string) => ({
      name,
      data_path: 'people.csv',
      data_type: 'csv',
      key_column: 'id',
      select_columns: ['f1', 'f2'],
    });
    return {
      data_providers: [{ ...provider('orgA'), label_column: 'y' }, provider('orgB')],
      result_receivers: ['orgA', 'orgB'],
      metrics: ['auc'],
      hyper_params: { epochs },
    };
  };

  before(() => {
    const table = jointTables({ common: 150, apart: 10, label: 'binary' });
    putData(pair.a, 'people.csv', table.labelled);
    putData(pair.b, 'people.csv', table.features);
  });

  async function runsATask(): Promise<void> {
    const result = await pair.a.client.runModelTrainTask(request(2));
    deepEqual(Object.keys(result.metrics), ['auc']);
    ok(result.path.startsWith('results/'));
    equal((JSON.parse(result.extra) as { aligned_rows: number }).aligned_rows, 150);
  }

  /** A task whose training both nodes are in the middle of. */
  async function underWay(): Promise<string> {
    const taskId = await pair.a.client.submitTrainTask(request(ENDLESS));
    await Promise.all([pair.a, pair.b].map((node) => trainingTask(node, taskId)));
    return taskId;
  }

  function failed(view: TaskView, message: RegExp): void {
    equal(view.state, 'failed');
    match(view.error!.message, message);
    deepEqual([view.model_id, view.metrics], [null, null]);
  }

  it('names the party that is down when a task is submitted', async () => {
    equal(await pair.b.stop(), 0);
    await rejects(pair.a.client.runModelTrainTask(request(2)), (error) => {
      ok(error instanceof NodeRequestError);
      equal(error.status, 500);
      match(error.message, /^orgB cannot be reached: orgB at .*ECONNREFUSED/);
      return true;
    });
    equal(await pair.b.client.isHealthy(), false);
    await rejects(pair.b.client.task('x'), { name: 'NodeRequestError', status: 0 });
  });

  it('lets an auditor look, and only look', async () => {
    const { token } = (await pair.b.cli(...['token', 'create', '--role', 'auditor', '--json'])) as {
      token: string;
    };
    await pair.b.start();
    const headers = { authorization: `Bearer ${token}` };
    const answer = await postTrain(pair.b, request(2), headers);
    equal(answer.status, 403);
    match(answer.msg, /a token of role coordinator or admin is needed/);
    const unknown = await fetch(`http://${pair.b.http}/api/v1/tasks/${'0'.repeat(64)}`, {
      headers,
    });
    equal(unknown.status, 404);
  });

  it('serves on while its peer is gone, and fails their task once it is back', async () => {
    const taskId = await underWay();
    equal(await pair.b.stop('SIGKILL'), null);
    ok(await pair.a.client.isHealthy());
    await rejects(pair.a.client.runModelTrainTask(request(2)), /orgB/);

    await pair.b.start();
    const start = Date.now();
    failed(
      await endedTask(pair.a, taskId),
      /^(orgA: orgB was started anew .+|orgB: the node was stopped while .+)$/,
    );
    ok(Date.now() - start < PROMPT_MS, 'in time');
    failed(await endedTask(pair.b, taskId), /^the node was stopped while the task ran$/);
    await runsATask();
  });

  it('fails a task in order when a node is stopped, at both parties', async () => {
    const taskId = await underWay();
    const start = Date.now();
    equal(await pair.a.stop('SIGTERM'), 0);
    ok(Date.now() - start < PROMPT_MS, 'in time');
    failed(await endedTask(pair.b, taskId), /^orgA: the node was stopped$/);

    await pair.a.start();
    failed(await endedTask(pair.a, taskId), /^orgA: the node was stopped$/);
    await runsATask();
  });

  it('answers a waiting call before it stops', async () => {
    const before = await proposedTasks(pair.a);
    const waiting = postTrain(pair.a, request(ENDLESS));
    const taskId = await eventually('the task', async () =>
      (await proposedTasks(pair.a)).find((id) => !before.includes(id)),
    );
    await trainingTask(pair.b, taskId);
    equal(await pair.a.stop(), 0);
    const answer = await waiting;
    deepEqual([answer.status, answer.result], [202, { task_id: taskId }]);
    await pair.a.start();
    equal((await endedTask(pair.a, taskId)).state, 'failed');
  });

  it('tells the peer after a restart what it dropped', async () => {
    const taskId = await underWay();
    await pair.a.stop('SIGKILL');
    await pair.a.start();
    failed(await endedTask(pair.a, taskId), /^the node was stopped while the task ran$/);
    failed(
      await endedTask(pair.b, taskId),
      /^(orgB: orgA was started anew .+|orgA: the node was stopped while .+)$/,
    );
    await runsATask();
  });
});

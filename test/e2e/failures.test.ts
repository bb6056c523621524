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
  type RunningPair,
  runningPair,
  trainingTask,
} from '../support/running-pair.ts';

/** Keeps the nodes at work for minutes. */
const ENDLESS = 10_000;

/** Longer than a node takes to start again on a busy machine, short enough to wait for. */
const PEER_TIMEOUT_SEC = 10;

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

  it('goes on with a task whose node was killed and came back', async () => {
    for (const node of [pair.b, pair.a]) {
      const taskId = await underWay();
      equal(await node.stop('SIGKILL'), null);
      await node.start();
      await resumed(taskId);
      await cancelled(taskId, pair.b);
    }
    await runsATask();
  });

  it('goes on with a task whose node was stopped in order, and answers who waits for it', async () => {
    const before = await proposedTasks(pair.a);
    const waiting = postTrain(pair.a, request(ENDLESS));
    const taskId = await eventually('the task', async () =>
      (await proposedTasks(pair.a)).find((id) => !before.includes(id)),
    );
    await Promise.all([pair.a, pair.b].map((node) => trainingTask(node, taskId)));
    const start = Date.now();
    equal(await pair.a.stop(), 0);
    ok(Date.now() - start < PROMPT_MS, 'in time');
    const answer = await waiting;
    deepEqual([answer.status, answer.result], [202, { task_id: taskId }]);
    await pair.a.start();
    await resumed(taskId);
    await cancelled(taskId, pair.a);
  });

  it('fails a task whose peer stays away, serves on, and trains once it is back', async () => {
    const taskId = await underWay();
    equal(await pair.b.stop('SIGKILL'), null);
    failed(await endedTask(pair.a, taskId), /^orgA: orgB could not be reached for \d+ s/);
    ok(await pair.a.client.isHealthy());
    await rejects(pair.a.client.runModelTrainTask(request(2)), /orgB/);

    await pair.b.start();
    failed(await endedTask(pair.b, taskId), /^orgA: orgB could not be reached for \d+ s/);
    await runsATask();
  });

  /** Both nodes train again, in an attempt after the first. */
  async function resumed(taskId: string): Promise<void> {
    for (const node of [pair.a, pair.b]) {
      await eventually(`another attempt at ${node.name}`, async () => {
        const { progress, attempt, state } = await node.client.task(taskId);
        equal(state, 'running');
        return attempt > 1 && (progress.iteration ?? 0) > 1;
      });
    }
  }

  /** Cancels at one party: the task ends at both. */
  async function cancelled(taskId: string, at: RunningPair['a']): Promise<void> {
    await at.client.cancelTask(taskId);
    for (const node of [pair.a, pair.b]) {
      const { state, error } = await endedTask(node, taskId);
      deepEqual([state, error!.message], ['cancelled', `cancelled by ${at.name}`]);
    }
  }
});

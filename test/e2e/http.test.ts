import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Organisation, openPolicy } from '../../examples/organisation.ts';
import { NodeClient, NodeRequestError, type TaskEvent } from '../../src/sdk/node-client.ts';
import { jointTables } from '../support/joint-tables.ts';
import {
  type Answer,
  eventually,
  postTrain,
  putData,
  runningPair,
} from '../support/running-pair.ts';

const provider = (name: string, path = 'people.csv') => ({
  name,
  data_path: path,
  data_type: 'csv',
  key_column: 'id',
});

const TRAIN = {
  data_providers: [
    { ...provider('orgA'), label_column: 'y', select_columns: ['f1', 'f2'] },
    { ...provider('orgB'), select_columns: ['f1', 'f2'] },
  ],
  result_receivers: ['orgA'],
  algorithm: 'logistic_regression',
  hyper_params: { epochs: 2 },
  metrics: ['accuracy', 'auc'],
};

/** Long enough to be met while it runs. */
const LONG = { ...TRAIN, hyper_params: { epochs: 200 } };

describe('e2e: the interface of a node', function () {
  this.timeout(120_000);
  const pair = runningPair();

  before(() => {
    const any = openPolicy(['orgA', 'orgB'], ['*', '*/*']);
    for (const { directory } of [pair.a, pair.b]) {
      writeFileSync(join(directory, 'policy.yaml'), any);
    }
    const table = jointTables({ common: 60, apart: 5, label: 'binary' });
    putData(pair.a, 'people.csv', table.labelled);
    putData(pair.b, 'people.csv', table.features);
  });

  const client = async (node: Organisation, role: string): Promise<NodeClient> => {
    const { token } = (await node.cli('token', 'create', '--role', role, '--json')) as {
      token: string;
    };
    return new NodeClient({ url: `http://${node.http}`, token });
  };

  it('shows who has which data', async () => {
    const { client: a } = pair.a;
    deepEqual(await a.dataProviders(), ['orgA', 'orgB']);
    ok((await a.dataPaths('orgA')).includes('people.csv'));
    const { type, rows, columns } = await a.metadata('orgA', 'people.csv');
    deepEqual([type, rows > 60], ['csv', true]);
    ok(columns.some(({ name }) => name === 'y'));
    await rejects(a.dataPaths('orgX'), { status: 400, code: 'UNKNOWN_PARTY' });
  });

  it('gives one model for one key, whatever becomes of the connection', async () => {
    const headers = { 'idempotency-key': 'a training' };
    const leave = new AbortController();
    const lost = postTrain(pair.a, TRAIN, headers, leave.signal);
    const known = new Set((await pair.a.client.listTasks()).map(({ task_id }) => task_id));
    const taskId = await eventually('the task', async () => {
      const tasks = await pair.a.client.listTasks();
      return tasks.find(({ task_id }) => !known.has(task_id))?.task_id;
    });
    leave.abort();
    await rejects(lost, { name: 'AbortError' });

    const again = await postTrain(pair.a, TRAIN, headers);
    equal(again.status, 200, again.msg);
    equal(again.headers.get('idempotent-replayed'), 'true');
    equal(JSON.parse(again.result!.extra as string).task_id, taskId);
    await pair.a.stop();
    await pair.a.start();
    const later = await postTrain(pair.a, TRAIN, headers);
    equal(later.text, again.text);
    const other: Answer = await postTrain(pair.a, { ...TRAIN, purpose: 'other' }, headers);
    equal(other.status, 422, other.msg);
    equal((await pair.a.client.listTasks({ kind: 'train' })).length, known.size + 1);

    const models = await pair.a.client.models();
    const model = models.find(({ kind }) => kind === 'model')!;
    equal(model.model_id, again.result!.model_id);
    const document = (await pair.a.client.modelDocument(model.model_id)) as { model_id: string };
    equal(document.model_id, model.model_id);
    // orgB receives no model.
    await rejects(pair.b.client.modelDocument(model.model_id), { status: 404, code: 'NOT_FOUND' });
  });

  it('tells what happens to a task until its end, at both parties', async () => {
    const taskId = await pair.a.client.submitTrainTask(TRAIN);
    const follow = async (node: NodeClient): Promise<TaskEvent[]> => {
      const events: TaskEvent[] = [];
      for await (const event of node.taskEvents(taskId)) events.push(event);
      return events;
    };
    const events = await follow(pair.a.client);
    for (const each of [events, await follow(pair.b.client)]) {
      const ids = each.map(({ id }) => id);
      deepEqual(
        ids,
        ids.toSorted((x, y) => x - y),
      );
      equal(new Set(ids).size, ids.length);
      const { type, task } = each.at(-1)!;
      deepEqual([type, task.state], ['end', 'completed']);
    }
    // From the middle: what is kept comes again, and nothing before.
    const middle = events.filter(({ type }) => type === 'status')[0]!.id;
    const rest: number[] = [];
    for await (const { id } of pair.a.client.taskEvents(taskId, { after: middle })) rest.push(id);
    ok(rest.length > 0 && rest.every((id) => id > middle));
    equal(rest.at(-1), events.at(-1)!.id);
  });

  it('ends a task that either party cancels', async () => {
    for (const [by, other] of [
      [pair.a, pair.b],
      [pair.b, pair.a],
    ] as const) {
      const taskId = await pair.a.client.submitTrainTask(LONG);
      await eventually('the task to run at both', async () => {
        const views = [pair.a, pair.b].map(({ client: each }) => each.task(taskId));
        const states = (await Promise.allSettled(views)).map(
          (view) => view.status === 'fulfilled' && view.value.state === 'running',
        );
        return states.every(Boolean);
      });
      const { state } = await by.client.cancelTask(taskId);
      match(state, /^(stopping|cancelled)$/);
      for (const node of [by, other]) {
        const ended = await node.client.followTask(taskId, { intervalMs: 20 });
        ok(['cancelled', 'failed'].includes(ended.state), ended.state);
        ok(ended.error);
      }
      equal((await by.client.task(taskId)).state, 'cancelled');
    }
  });

  it('intersects and predicts', async () => {
    const psi = await pair.a.client.runPsiTask({
      requester: provider('orgA'),
      provider: provider('orgB'),
    });
    equal(psi.type, 'csv');
    const lines = (await pair.a.result(psi.path!)).trim().split('\n');
    equal(lines.length, 61, 'a header and the common keys');
    const extra = JSON.parse(psi.extra) as Record<string, unknown>;
    deepEqual([extra.psi_engine, extra.rows, extra.intersection_size], ['ecdh', 65, 60]);
    deepEqual(Object.keys(extra.bytes_sent as object), ['orgA', 'orgB']);

    const { model_id } = await pair.a.client.runModelTrainTask(TRAIN);
    const predicted = await pair.a.client.runModelPredictTask({
      data_providers: [provider('orgA'), provider('orgB')],
      result_receivers: ['orgA'],
      model_id,
    });
    equal(predicted.model_id, model_id);
    equal((await pair.a.result(predicted.path)).trim().split('\n').length, 61);
  });

  it('counts, joins and labels', async () => {
    const { client: a } = pair.a;
    const [requester, answering] = [provider('orgA'), provider('orgB')];
    const size = await a.runPsiTask({ requester, provider: answering, output: 'size' });
    deepEqual([size.path, size.type], [null, null]);
    match(size.extra, /"intersection_size":60,/);

    const full = await a.runPsiTask({
      requester,
      provider: answering,
      algo_type: 'RR22',
      join: 'full',
      result_receivers: ['orgA', 'orgB'],
    });
    const [left, right] = await Promise.all(
      [pair.a, pair.b].map(async (node) => (await node.result(full.path!)).trim().split('\n')),
    );
    deepEqual(left!.slice(0, 61), right!.slice(0, 61), 'common records in one order');
    deepEqual([left!.length, right!.length], [71, 71]);

    const labelled = await a.runLabeledPsiTask({
      requester,
      provider: { ...answering, selected_columns: ['f2', 'f1'] },
    });
    const rows = (await pair.a.result(labelled.path!)).trim().split('\n');
    deepEqual([rows[0], rows.length], ['id,f2,f1', 61]);
    await rejects(pair.b.result(labelled.path!), { code: 'ENOENT' });
  });

  it('serves each role what is for it, and figures for Prometheus', async () => {
    const [auditor, admin] = [await client(pair.a, 'auditor'), await client(pair.a, 'admin')];
    const forbidden = (call: Promise<unknown>) =>
      rejects(call, (error) => error instanceof NodeRequestError && error.code === 'FORBIDDEN');
    await forbidden(auditor.submitTrainTask(TRAIN));
    await forbidden(auditor.registerDataset('people', 'people.csv', 'csv'));
    await forbidden(pair.a.client.tokens());
    deepEqual(
      (await auditor.peers()).map(({ name }) => name),
      ['orgB'],
    );
    await admin.registerDataset('people', 'people.csv', 'csv');
    deepEqual(
      (await auditor.datasets()).map(({ name, path }) => [name, path]),
      [['people', 'people.csv']],
    );
    ok((await auditor.dataPaths('orgA')).includes('dataset:people'));
    await admin.removeDataset('people');
    deepEqual(await auditor.datasets(), []);

    const { token } = await admin.createToken('auditor');
    const metrics = await fetch(`http://${pair.a.http}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await metrics.text();
    const sample = (series: string): boolean => new RegExp(`^${series} [1-9]`, 'm').test(text);
    ok(sample('mpc_jobs\\{status="completed"\\}'));
    ok(sample('mpc_peer_bytes_total\\{peer="orgB",direction="sent"\\}'));
    ok(sample('mpc_job_duration_seconds_count\\{algorithm="logistic_regression",.*\\}'));
    const ready = await fetch(`http://${pair.a.http}/readyz`);
    deepEqual([ready.status, await ready.json()], [200, { status: 'ready' }]);
  });
});

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { endedView, FakeTasks, OUTCOME } from '../../support/fake-tasks.ts';
import { as, fakeMetrics, fakeServer, post, TRAIN } from '../../support/http-server.ts';

/** The samples in a text, by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, series, value] = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      ok(series, `not a sample: ${line}`);
      return [series, Number(value)] as const;
    }),
  );
}

describe('metrics', () => {
  it('count calls by route and code, without ids', async () => {
    const tasks = new FakeTasks();
    tasks.quick = true;
    const { app } = fakeServer({ tasks });
    await app.inject(post(TRAIN));
    await app.inject(post(TRAIN, { url: '/api/v1/runModelTrainTask' }));
    await app.inject(post({}));
    await app.inject({ url: '/api/v1/tasks/task-1', headers: as('auditor') });
    await app.inject({ url: '/api/v1/tasks/secret-77', headers: as('auditor') });
    await app.inject({ url: '/api/v1/tasks/task-1/events', headers: as('auditor') });
    await app.inject({ url: '/api/v1/models' });
    await app.inject({ url: '/secret-88' });
    const reply = await app.inject({ url: '/metrics', headers: as('auditor') });
    match(reply.headers['content-type'] as string, /^text\/plain; version=0\.0\.4/);
    const samples = samplesOf(reply.body);
    const calls = (surface: string, route: string, code: number) =>
      samples.get(`mpc_http_requests_total{surface="${surface}",route="${route}",code="${code}"}`);
    equal(calls('A', '/runModelTrainTask', 200), 1);
    equal(calls('A', '/api/v1/runModelTrainTask', 200), 1);
    equal(calls('A', '/runModelTrainTask', 400), 1);
    equal(calls('node', '/api/v1/tasks/:id', 200), 1);
    equal(calls('node', '/api/v1/tasks/:id', 404), 1);
    equal(calls('node', '/api/v1/models', 401), 1);
    equal(calls('node', 'unknown', 404), 1);
    const count = 'mpc_http_request_duration_seconds_count';
    equal(samples.get(`${count}{surface="node",route="/api/v1/tasks/:id"}`), 2);
    equal(calls('node', '/api/v1/tasks/:id/events', 200), 1);
    equal(samples.get(`${count}{surface="node",route="/api/v1/tasks/:id/events"}`), undefined);
    ok(!/secret|task-1|token-of/.test(reply.body), 'no ids');
  });

  it('tell of tasks, peers, the program and the process', async () => {
    const metrics = fakeMetrics();
    metrics.taskEnded(endedView(OUTCOME));
    const samples = samplesOf(await metrics.text());
    equal(samples.get('mpc_jobs{status="running"}'), 2);
    equal(samples.get('mpc_jobs{status="completed"}'), 5);
    equal(samples.get('mpc_peer_bytes_total{peer="orgB",direction="sent"}'), 10);
    equal(samples.get('mpc_peer_bytes_total{peer="orgB",direction="received"}'), 20);
    const labels = 'algorithm="logistic_regression",outcome="completed"';
    equal(samples.get(`mpc_job_duration_seconds_sum{${labels}}`), 60);
    equal(samples.get(`mpc_job_duration_seconds_count{${labels}}`), 1);
    const build = [...samples].find(([series]) => series.startsWith('mpc_build_info'))!;
    match(build[0], /version="1\.2\.3",implementation="(ab){32}",node="v\d+/);
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'nodejs_heap_size_used_bytes',
    ]) {
      ok(samples.get(name)! > 0, name);
    }
    // What is told is told again, not added.
    equal(
      samplesOf(await metrics.text()).get('mpc_peer_bytes_total{peer="orgB",direction="sent"}'),
      10,
    );
  });

  it('are each node’s own', async () => {
    const [one, other] = [fakeMetrics(), fakeMetrics()];
    one.called({ surface: 'A', route: '/x', status: 200, seconds: 1 });
    ok((await one.text()).includes('route="/x"'));
    ok(!(await other.text()).includes('route="/x"'));
  });

  it('are for auditors and admins', async () => {
    const { app } = fakeServer();
    const status = async (headers = {}) =>
      (await app.inject({ url: '/metrics', headers })).statusCode;
    deepEqual(
      [
        await status(),
        await status(as('coordinator')),
        await status(as('auditor')),
        await status(as('admin')),
      ],
      [401, 403, 200, 200],
    );
    const off = fakeServer({}, { auth: 'off' });
    equal(
      (await off.app.inject({ url: '/metrics', headers: { host: 'localhost' } })).statusCode,
      200,
    );
  });
});

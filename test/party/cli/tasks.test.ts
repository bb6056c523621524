import { deepEqual, equal, match } from 'node:assert/strict';
import { runInProcess } from '../../support/cli-run.ts';
import { type FakeNode, runningView, startFakeNode, taskView } from '../../support/fake-node.ts';

const ID = 'ab'.repeat(32);

describe('task', () => {
  let node: FakeNode;
  beforeEach(async () => {
    node = await startFakeNode();
  });
  afterEach(() => node.close());
  const run = (...argv: string[]) => runInProcess(['task', ...argv, '--url', node.url]);

  it('list shows tasks, filtered by the node', async () => {
    const tasks = [runningView(35, { awaits_approval: true }), taskView()];
    node.answers.set('GET /api/v1/tasks', { result: { tasks, next: null } });
    const { out } = await run('list', '--state', 'running', '--kind', 'train', '--limit', '5');
    equal(node.calls[0]!.path, '/api/v1/tasks?state=running&kind=train&limit=5');
    const lines = out.split('\n');
    match(lines[0]!, /^TASK +KIND +STATE +PHASE +CREATED +PARTIES$/);
    match(
      lines[1]!,
      /^(ab){32} {2}train {2}to approve {2}training 35 % {2}2026.* {2}bank, partner$/,
    );
    match(lines[2]!, /completed/);
    deepEqual((await run('list', '--json')).json, { tasks });
    node.answers.set('GET /api/v1/tasks', { result: { tasks: [], next: null } });
    match((await run('list')).out, /No tasks\. "entente train"/);
    for (const wrong of [
      ['--state', 'done'],
      ['--kind', 'x'],
      ['--limit', 'x'],
    ]) {
      equal((await run('list', ...wrong)).code, 2, wrong.join(' '));
    }
  });

  it('show tells all that is known, and what to do next', async () => {
    const view = runningView(35, { awaits_approval: true, attempt: 2 });
    node.answers.set(`GET /api/v1/tasks/${ID}`, { result: view });
    const { out } = await run('show', ID);
    match(out, /running, training\n/);
    match(out, /progress +35 % +training +7\/20/);
    match(out, /bytes +1\.2 kB sent, 25\.6 MB received\n/);
    match(out, /attempt +2\n/);
    match(out, new RegExp(`next +entente task approve ${ID}\n`));
    deepEqual((await run('show', ID, '--json')).json, { ...view });
    const missing = await run('show', 'cd'.repeat(32));
    deepEqual([missing.code, /task list/.test(missing.err)], [1, true]);
  });

  it('watch ends as the task does', async () => {
    node.events = [runningView(35), taskView()];
    const { code, out } = await run('watch', ID);
    equal(code, 0);
    match(out, /auc +0\.7172/);
    const error = { status: 500, code: 'REFUSED', message: 'partner refused' };
    node.events = [taskView({ state: 'failed', error })];
    equal((await run('watch', ID)).code, 3);
  });

  it('approve and cancel ask the node and say what follows', async () => {
    node.answers.set(`POST /api/v1/tasks/${ID}/approve`, { result: runningView(0) });
    match((await run('approve', ID)).out, /is approved: this node votes for it/);
    node.answers.set(`POST /api/v1/tasks/${ID}/cancel`, {
      result: runningView(1, { state: 'stopping' }),
    });
    match((await run('cancel', ID)).out, /stops, here and at every party: "entente task watch/);
    node.answers.set(`POST /api/v1/tasks/${ID}/cancel`, {
      result: taskView({ state: 'cancelled' }),
    });
    equal((await run('cancel', ID)).out, `${ID} is cancelled\n`);
    const msg = 'the task has completed';
    node.answers.set(`POST /api/v1/tasks/${ID}/cancel`, { status: 409, msg, code: 'CONFLICT' });
    const late = await run('cancel', ID);
    deepEqual([late.code, late.err.split('\n')[0]], [1, `error: ${msg}`]);
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { Store } from '../../../src/party/store.ts';
import { type TaskBoard, type TaskHead, taskBoard } from '../../../src/party/tasks/task-board.ts';
import type { TaskEvent, TaskOutcome } from '../../../src/party/tasks/task-view.ts';
import { NOW } from '../../support/contracts.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const TASK = 'ab'.repeat(32);
const OUTCOME: TaskOutcome = {
  modelId: 'model-1',
  path: 'results/x/model.json',
  type: 'json',
  metrics: { auc: 0.75, ks: null },
  extra: { algorithm: 'logistic_regression' },
};

const head = (changes: Partial<TaskHead> = {}): TaskHead => ({
  taskId: TASK,
  kind: 'train',
  algorithm: 'logistic_regression',
  initiator: 'orgA',
  parties: ['orgA', 'orgB'],
  receivers: ['orgA'],
  purpose: 'credit risk',
  phase: 'awaiting_parties',
  createdAt: at(0),
  ...changes,
});

interface Setting {
  readonly board: TaskBoard;
  /** Another board on the same store: what a restarted node has. */
  readonly restarted: () => TaskBoard;
  readonly store: Store;
  readonly clock: FakeClock;
}

async function withBoard(use: (setting: Setting) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (path) => {
    const store = await Store.open(path);
    const clock = fakeClock();
    try {
      const make = (): TaskBoard => taskBoard(store, clock);
      await use({ board: make(), restarted: make, store, clock });
    } finally {
      await store.close();
    }
  });
}

function at(ms: number): string {
  return new Date(NOW + ms).toISOString();
}

/** Everything that a reader gets until the feed ends. */
async function read(
  board: TaskBoard,
  after = 0,
  signal = new AbortController().signal,
): Promise<TaskEvent[]> {
  const events: TaskEvent[] = [];
  for await (const event of (await board.events(TASK, after, signal))!) events.push(event);
  return events;
}

const brief = (events: readonly TaskEvent[]) =>
  events.map(({ type, view }) => `${type} ${view.state}/${view.phase}`);

describe('task board', () => {
  it('keeps a task, with what belongs to it, before it says so', () =>
    withBoard(async ({ board, restarted, store }) => {
      const other = store.table<string>('idempotency');
      const entry = await board.add(head(), undefined, [other.put('key', TASK)]);
      equal(await other.get('key'), TASK);
      const view = (await restarted().find(TASK))!;
      deepEqual(view, entry.view());
      deepEqual(
        [view.state, view.attempt, view.progress.percentage, view.startedAt, view.awaitsApproval],
        ['pending', 0, 2, null, false],
      );
      equal(await board.find('cd'.repeat(32)), null);
      await rejects(board.add(head()), /is there already/);
    }));

  it('goes to its outcome, an event for every change', () =>
    withBoard(async ({ board, restarted, clock }) => {
      const told: string[] = [];
      board.subscribe((event) => told.push(...brief([event])));
      const entry = await board.add(head());
      const events = read(board);
      equal(await entry.change({ awaitsApproval: true }), true);
      await entry.change({ phase: 'queued', awaitsApproval: false });
      await clock.advance(1000);
      await entry.run({ attempt: 1, phase: 'aligning' });
      await entry.change({ phase: 'training' });
      await clock.advance(1000);
      equal(await entry.complete(OUTCOME), true);
      const expected = [
        'status pending/awaiting_parties',
        'status pending/awaiting_parties',
        'status pending/queued',
        'status running/aligning',
        'status running/training',
        'end completed/done',
      ];
      deepEqual(brief(await events), expected);
      deepEqual(told, expected);
      deepEqual(brief(await read(restarted())), expected);
      const view = await entry.ended;
      deepEqual(view, await restarted().find(TASK));
      deepEqual(
        [view.startedAt, view.finishedAt, view.attempt, view.progress.percentage],
        [at(1000), at(2000), 1, 100],
      );
      deepEqual(view.outcome, OUTCOME);
      equal(await board.entry(TASK), undefined);
    }));

  it('makes no change that its state does not allow', () =>
    withBoard(async ({ board }) => {
      const entry = await board.add(head());
      await entry.run({ attempt: 1 });
      // At the same moment: one of them wins.
      const ends = await Promise.all([
        entry.fail('FAILED', 'orgB: no'),
        entry.complete(OUTCOME),
        entry.cancelled('by orgA'),
        entry.stopping(),
        entry.change({ phase: 'training' }),
      ]);
      deepEqual(ends, [true, false, false, false, false]);
      const { state, error, outcome } = (await board.find(TASK))!;
      deepEqual([state, error, outcome], ['failed', { code: 'FAILED', message: 'orgB: no' }, null]);

      const second = await board.add(head({ taskId: 'cd'.repeat(32) }));
      await second.run({ attempt: 1 });
      await second.stopping();
      equal(await second.run({ attempt: 2 }), false);
      equal(await second.cancelled('by orgA'), true);
      const view = await second.ended;
      deepEqual([view.state, view.error!.code], ['cancelled', 'CANCELLED']);
    }));

  it('tells of progress at most twice a second, the last of a burst included, and keeps none', () =>
    withBoard(async ({ board, clock, store }) => {
      const entry = await board.add(head());
      await entry.run({ attempt: 1, phase: 'training' });
      const seen: [number, number][] = [];
      board.subscribe(({ type, view }) => {
        if (type === 'progress') seen.push([clock.now() - NOW, view.progress.iteration!.number]);
      });
      for (let step = 1; step <= 20; step++) {
        entry.step(step, 100);
        await clock.advance(100);
      }
      await clock.advance(1000);
      deepEqual(seen, [
        [0, 1],
        [500, 5],
        [1000, 10],
        [1500, 15],
        [2000, 20],
      ]);
      equal((await store.table('events').list(TASK)).length, 2);
      entry.step(21, 100);
      await entry.fail('FAILED', 'orgA: stopped');
      await clock.advance(1000);
      equal(clock.waiting, 0);
      equal(seen.length, 6);
    }));

  it('numbers events upwards, past a restart, and goes on after the one that a reader saw last', () =>
    withBoard(async ({ board, restarted, clock }) => {
      const entry = await board.add(head());
      await entry.run({ attempt: 1, phase: 'training' });
      const seen: number[] = [];
      board.subscribe(({ id }) => seen.push(id));
      for (let step = 1; step <= 5; step++) {
        entry.step(step, 10);
        await clock.advance(1000);
      }
      const later = restarted();
      const reader = read(later, seen.at(-1));
      const again = (await later.entry(TASK))!;
      await again.change({ phase: 'queued' });
      await again.fail('FAILED', 'orgA: no');
      const events = await reader;
      deepEqual(brief(events), ['status running/queued', 'end failed/queued']);
      const ids = [...seen, ...events.map(({ id }) => id)];
      deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      );
      equal(new Set(ids).size, ids.length);
      deepEqual(await read(later, events.at(-1)!.id), [], 'nothing comes after the end');
      equal((await read(later, events[0]!.id)).length, 1);
    }));

  it('lets readers come and go, and has none for a task that is not there', () =>
    withBoard(async ({ board }) => {
      const controller = new AbortController();
      equal(await board.events(TASK, 0, controller.signal), null);
      const entry = await board.add(head());
      const [cut, whole] = [read(board, 0, controller.signal), read(board)];
      await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      deepEqual(brief(await cut), ['status pending/awaiting_parties']);
      await entry.fail('FAILED', 'no');
      equal((await whole).at(-1)!.type, 'end');
    }));

  it('lists the newest first, by state, kind and page', () =>
    withBoard(async ({ board }) => {
      const ids = [0, 1, 2, 3, 4].map((i) => `0${i}`.repeat(32));
      for (const [i, taskId] of ids.entries()) {
        const kind = i % 2 === 0 ? 'train' : 'psi';
        // The last two are of one moment.
        const entry = await board.add(head({ taskId, kind, createdAt: at(Math.min(i, 3) * 1000) }));
        if (i < 2) await entry.fail('FAILED', 'no');
      }
      const list = async (query: object = {}) =>
        (await board.list({ limit: 10, ...query })).map(({ taskId }) => Number(taskId[1]));
      deepEqual(await list(), [4, 3, 2, 1, 0]);
      deepEqual(await list({ limit: 2 }), [4, 3]);
      deepEqual(await list({ limit: 2, after: ids[3] }), [2, 1]);
      deepEqual(await list({ after: ids[0] }), []);
      deepEqual(await list({ after: 'ff'.repeat(32) }), []);
      deepEqual(await list({ state: 'failed' }), [1, 0]);
      const none = { running: 0, stopping: 0, completed: 0, cancelled: 0 };
      deepEqual(await board.count(), { ...none, pending: 3, failed: 2 });
      deepEqual(await list({ kind: 'train', state: 'pending' }), [4, 2]);
      deepEqual((await board.open()).map(({ taskId }) => taskId).toSorted(), ids.slice(2));
    }));

  it('counts on from the traffic of an earlier process', () =>
    withBoard(async ({ board, restarted }) => {
      const entry = await board.add(head());
      await entry.run({ attempt: 1 });
      entry.traffic({ sent: 10, received: 20 });
      await entry.change({ phase: 'training' });
      const again = (await restarted().entry(TASK))!;
      again.traffic({ sent: 1, received: 2 });
      const { bytesSent, bytesReceived } = again.view().progress;
      deepEqual([bytesSent, bytesReceived], [11, 22]);
      ok((await restarted().open())[0]!.taskId === TASK);
    }));
});

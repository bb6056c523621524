import { deepEqual, equal } from 'node:assert/strict';
import { Store } from '../../../src/party/store.ts';
import {
  failInterrupted,
  type TaskSubject,
  taskBoard,
} from '../../../src/party/tasks/task-board.ts';
import type { TaskOutcome } from '../../../src/party/tasks/task-view.ts';
import { NOW } from '../../support/contracts.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const TASK = 'ab'.repeat(32);
const subject = (taskId = TASK): TaskSubject => ({
  taskId,
  kind: 'train',
  algorithm: 'logistic_regression',
  initiator: 'orgA',
  parties: ['orgA', 'orgB'],
  receivers: ['orgA'],
  purpose: 'credit risk',
});
const OUTCOME: TaskOutcome = {
  modelId: 'model-1',
  path: 'results/x/model.json',
  type: 'json',
  metrics: { auc: 0.75, ks: null },
  extra: { algorithm: 'logistic_regression' },
};

/** A board on a store, and another one on the same store: what a restarted node would see. */
async function withBoard(
  use: (at: {
    readonly board: ReturnType<typeof taskBoard>;
    readonly restarted: ReturnType<typeof taskBoard>;
    readonly store: Store;
    readonly clock: { now: number };
  }) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (path) => {
    const store = await Store.open(path);
    const clock = { now: NOW };
    try {
      const [board, restarted] = [0, 1].map(() => taskBoard(store, () => clock.now));
      await use({ board: board!, restarted: restarted!, store, clock });
    } finally {
      await store.close();
    }
  });
}

const at = (ms: number): string => new Date(NOW + ms).toISOString();

describe('task board', () => {
  it('stores a task before it says so', () =>
    withBoard(async ({ board, restarted }) => {
      const entry = await board.add(subject());
      const view = {
        ...subject(),
        state: 'pending',
        phase: 'awaiting_parties',
        awaitsApproval: false,
        progress: {
          percentage: 2,
          iteration: null,
          bytesSent: 0,
          bytesReceived: 0,
          bytesPerSecond: 0,
          secondsRemaining: null,
        },
        attempt: 1,
        createdAt: at(0),
        startedAt: null,
        finishedAt: null,
        outcome: null,
        error: null,
      };
      deepEqual(entry.view(), view);
      deepEqual(await restarted.find(TASK), view);
      equal(await board.find('cd'.repeat(32)), null);
    }));

  it('goes forward through the phases to its outcome, times included', () =>
    withBoard(async ({ board, restarted, clock }) => {
      const entry = await board.add(subject());
      const percentages: number[] = [entry.view().progress.percentage];
      const note = (): void => void percentages.push(entry.view().progress.percentage);
      for (const phase of ['queued', 'aligning', 'training'] as const) {
        clock.now += 1000;
        await entry.phase(phase);
        note();
      }
      for (const step of [1, 2, 3, 4]) {
        entry.step(step, 4);
        note();
      }
      deepEqual(entry.view().progress.iteration, { number: 4, of: 4 });
      equal((await board.find(TASK))!.progress.iteration!.number, 4);
      equal((await restarted.find(TASK))!.progress.iteration, null, 'steps are not written');
      for (const phase of ['evaluating', 'publishing'] as const) {
        await entry.phase(phase);
        note();
      }
      clock.now += 1000;
      await entry.complete(OUTCOME);
      note();
      deepEqual(
        percentages,
        percentages.toSorted((x, y) => x - y),
      );
      const view = (await board.find(TASK))!;
      deepEqual(view, await restarted.find(TASK));
      const { state, phase, progress, startedAt, finishedAt, outcome, error } = view;
      deepEqual([state, phase, progress.percentage, error], ['completed', 'done', 100, null]);
      deepEqual([startedAt, finishedAt], [at(1000), at(4000)]);
      deepEqual(outcome, OUTCOME);
    }));

  it('keeps where and why a task failed', () =>
    withBoard(async ({ board, restarted }) => {
      const entry = await board.add(subject());
      await entry.phase('aligning');
      await entry.fail('UNREACHABLE', 'orgB: gone');
      const { state, phase, error, outcome, finishedAt } = (await restarted.find(TASK))!;
      deepEqual(
        [state, phase, error, outcome, finishedAt],
        ['failed', 'aligning', { code: 'UNREACHABLE', message: 'orgB: gone' }, null, at(0)],
      );
    }));

  it('marks what a stopped process left unfinished as failed, and nothing else', () =>
    withBoard(async ({ board, restarted, store, clock }) => {
      const ids = [1, 2, 3, 4].map((i) => `0${i}`.repeat(32));
      const entries = await Promise.all(ids.map((id) => board.add(subject(id))));
      await entries[0]!.phase('training');
      await entries[1]!.complete(OUTCOME);
      await entries[2]!.fail('REFUSED', 'orgB: no');
      clock.now += 5000;
      deepEqual(await failInterrupted(store, () => clock.now), [ids[0], ids[3]]);
      const views = await Promise.all(ids.map((id) => restarted.find(id)));
      deepEqual(
        views.map((view) => [view!.state, view!.phase, view!.error?.code ?? null]),
        [
          ['failed', 'training', 'FAILED'],
          ['completed', 'done', null],
          ['failed', 'awaiting_parties', 'REFUSED'],
          ['failed', 'awaiting_parties', 'FAILED'],
        ],
      );
      equal(views[0]!.finishedAt, at(5000));
      equal(views[1]!.finishedAt, at(0));
      deepEqual(await failInterrupted(store, () => clock.now), []);
    }));
});

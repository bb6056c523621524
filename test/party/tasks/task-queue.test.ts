import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { byAge, type Slot, taskQueue } from '../../../src/party/tasks/task-queue.ts';

const NEVER = new AbortController().signal;

/** A queue whose tasks are numbers, the smaller the older; `turns` says who got one, in order. */
function queueOf(concurrent: number) {
  const queue = taskQueue(concurrent);
  const turns: number[] = [];
  const slots = new Map<number, Slot>();
  const ask = async (task: number, signal = NEVER): Promise<void> => {
    const order = { createdAt: `2026-01-01T00:00:0${task}.000Z`, taskId: 'ab' };
    const slot = await queue.acquire(order, signal);
    turns.push(task);
    slots.set(task, slot);
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { ask, turns, slot: (task: number) => slots.get(task)!, settle };
}

describe('task queue', () => {
  it('gives so many turns, and the next to the oldest that waits', async () => {
    const { ask, turns, slot, settle } = queueOf(2);
    for (const task of [2, 3]) await ask(task);
    slot(2).keep();
    slot(3).keep();
    for (const task of [7, 5, 9, 6]) void ask(task);
    await settle();
    deepEqual(turns, [2, 3]);
    slot(2).release();
    slot(2).release(); // once is enough
    slot(3).release();
    await settle();
    deepEqual(turns, [2, 3, 5, 6]);
  });

  it('sends back the youngest that has not met its peers when an older one comes', async () => {
    const { ask, turns, slot, settle } = queueOf(3);
    for (const task of [4, 5, 6]) await ask(task);
    equal(slot(6).keep(), true);
    void ask(2);
    deepEqual(
      [4, 5, 6].map((task) => slot(task).preempted.aborted),
      [false, true, false],
    );
    // The one turn that comes back is the older task's: nobody else is sent back for a younger one.
    void ask(8);
    equal(slot(4).preempted.aborted, false);
    void ask(1);
    equal(slot(4).preempted.aborted, true);
    equal(slot(5).keep(), false);
    slot(5).release();
    void ask(5);
    slot(4).release();
    await settle();
    deepEqual(turns, [4, 5, 6, 1, 2]);
  });

  it('lets two nodes that began with different tasks come together', async () => {
    const [here, there] = [queueOf(1), queueOf(1)];
    await here.ask(1);
    await there.ask(2);
    void here.ask(2);
    void there.ask(1);
    equal(here.slot(1).preempted.aborted, false);
    equal(there.slot(2).preempted.aborted, true);
    there.slot(2).release();
    await there.settle();
    deepEqual([here.turns, there.turns], [[1], [2, 1]]);
  });

  it('forgets who gives up', async () => {
    const { ask, turns, slot, settle } = queueOf(1);
    await ask(3);
    slot(3).keep();
    const controller = new AbortController();
    const waits = ask(1, controller.signal);
    void ask(2);
    controller.abort(new Error('cancelled'));
    await rejects(waits, /cancelled/);
    await rejects(ask(4, controller.signal), /cancelled/);
    slot(3).release();
    await settle();
    deepEqual(turns, [3, 2]);
  });

  it('orders tasks of one moment by their ids', () => {
    const at = (taskId: string) => ({ createdAt: '2026-01-01T00:00:00.000Z', taskId });
    deepEqual(
      [byAge(at('a'), at('b')), byAge(at('b'), at('a')), byAge(at('a'), at('a'))],
      [-1, 1, 0],
    );
    throws(() => taskQueue(0), RangeError);
  });
});

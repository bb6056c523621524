import { deepEqual, equal } from 'node:assert/strict';
import { eventFeed } from '../../../src/party/tasks/task-events.ts';
import type { TaskEvent, TaskView } from '../../../src/party/tasks/task-view.ts';

const event = (id: number, type: TaskEvent['type'] = 'status'): TaskEvent => ({
  id,
  type,
  time: '',
  view: {} as TaskView,
});

function feedOf() {
  const controller = new AbortController();
  let ends = 0;
  const feed = eventFeed(controller.signal, () => {
    ends++;
  });
  return { feed, controller, ends: () => ends };
}

async function idsOf(feed: AsyncIterable<TaskEvent>, stopAt = Infinity): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of feed) {
    ids.push(id);
    if (id >= stopAt) break;
  }
  return ids;
}

describe('event feed', () => {
  it('gives everything in order, before and after its reader comes', async () => {
    const { feed, ends } = feedOf();
    feed.push(event(1));
    const read = idsOf(feed);
    await new Promise((resolve) => setImmediate(resolve));
    feed.push(event(2));
    await new Promise((resolve) => setImmediate(resolve));
    feed.push(event(3, 'end'));
    feed.end();
    feed.push(event(4));
    deepEqual(await read, [1, 2, 3]);
    equal(ends(), 1);
  });

  it('keeps of progress that waits only the latest', async () => {
    const { feed } = feedOf();
    feed.push(event(1));
    for (const id of [2, 3, 4]) feed.push(event(id, 'progress'));
    feed.push(event(5));
    for (const id of [6, 7]) feed.push(event(id, 'progress'));
    feed.end();
    deepEqual(await idsOf(feed), [1, 5, 7]);
  });

  it('ends when its reader stops, or the signal says so', async () => {
    const left = feedOf();
    left.feed.push(event(1));
    left.feed.push(event(2));
    deepEqual(await idsOf(left.feed, 1), [1]);
    equal(left.ends(), 1);
    const cut = feedOf();
    const read = idsOf(cut.feed);
    cut.controller.abort();
    deepEqual(await read, []);
    equal(cut.ends(), 1);
  });
});

import { deepEqual, rejects } from 'node:assert/strict';
import { onceAMinute } from '../../../src/party/audit/once-a-minute.ts';

describe('what is recorded once a minute', () => {
  function setting() {
    const clock = { now: 0 };
    const seldom = onceAMinute(() => clock.now);
    const recorded: string[] = [];
    const at = (now: number, what: string): Promise<void> => {
      clock.now = now;
      return seldom(what, async () => void recorded.push(`${what} ${now}`));
    };
    return { seldom, recorded, at };
  }

  it('is recorded the first time, and again after a minute; everything by itself', async () => {
    const { recorded, at } = setting();
    for (const now of [0, 1, 59_999]) await at(now, 'a');
    await at(59_999, 'b');
    await at(60_000, 'a');
    await at(119_998, 'b');
    await at(119_999, 'b');
    deepEqual(recorded, ['a 0', 'b 59999', 'a 60000', 'b 119999']);
  });

  it('is recorded anew when that failed, for whoever waited for it, too', async () => {
    const { seldom, recorded, at } = setting();
    let fail = (_error: Error): void => undefined;
    const pending = new Promise((_resolve, reject) => {
      fail = reject;
    });
    const both = [seldom('a', () => pending), seldom('a', async () => void recorded.push('odd'))];
    fail(new Error('disk full'));
    for (const each of both) await rejects(each, /disk full/);
    await at(1, 'a');
    deepEqual(recorded, ['a 1']);
  });
});

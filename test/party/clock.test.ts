import { deepEqual, equal } from 'node:assert/strict';
import { pause, systemClock } from '../../src/party/clock.ts';
import { fakeClock } from '../support/fake-clock.ts';

describe('clock', () => {
  it('runs what is due, unless it was taken back', async () => {
    const clock = fakeClock(0);
    const seen: string[] = [];
    const note = (text: string) => () => void seen.push(`${text} ${clock.now()}`);
    clock.after(20, note('b'));
    clock.after(10, note('a'));
    clock.after(15, note('never'))();
    await clock.advance(15);
    deepEqual(seen, ['a 10']);
    await clock.advance(5);
    deepEqual(seen, ['a 10', 'b 20']);
    equal(clock.waiting, 0);
  });

  it('pauses until the time is up, or a signal says so', async () => {
    const clock = fakeClock(0);
    const controller = new AbortController();
    const over: string[] = [];
    void pause(clock, 10).then(() => over.push('time'));
    void pause(clock, 1e9, controller.signal).then(() => over.push('signal'));
    await clock.advance(10);
    deepEqual(over, ['time']);
    controller.abort();
    await pause(clock, 1e9, controller.signal);
    await clock.advance(0);
    deepEqual(over, ['time', 'signal']);
    equal(clock.waiting, 0);
  });

  it('of the machine takes delays that its timers cannot', async () => {
    let ran = false;
    const cancel = systemClock.after(2 ** 40, () => {
      ran = true;
    });
    await new Promise<void>((resolve) => void systemClock.after(20, resolve));
    cancel();
    equal(ran, false);
  });
});

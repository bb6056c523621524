import { deepEqual, equal } from 'node:assert/strict';
import { NO_PROGRESS, progressMeter } from '../../../src/party/tasks/task-progress.ts';
import type { TaskPhase } from '../../../src/party/tasks/task-view.ts';

function meterAt(from = NO_PROGRESS, phase: TaskPhase = 'queued') {
  const clock = { now: 1_000_000 };
  return { clock, meter: progressMeter(() => clock.now, from, phase) };
}

describe('task progress', () => {
  it('goes from phase to phase, and within each by its steps', () => {
    const { meter } = meterAt();
    const seen: number[] = [];
    const note = (): void => void seen.push(meter.view().percentage);
    for (const phase of ['queued', 'aligning', 'training'] as const) {
      meter.phase(phase);
      note();
    }
    for (const step of [0, 1, 2, 3, 4, 9]) {
      meter.step(step, 4);
      note();
    }
    deepEqual(meter.view().iteration, { number: 9, of: 4 });
    for (const phase of ['evaluating', 'publishing', 'done'] as const) {
      meter.phase(phase);
      note();
      equal(meter.view().iteration, null);
    }
    deepEqual(seen, [4, 5, 20, 20, 38, 57, 75, 93, 93, 93, 96, 100]);
  });

  it('estimates what is left from the pace of the phase', () => {
    const { meter, clock } = meterAt();
    meter.phase('training');
    meter.step(10, 100); // resumed: the first step of this run is no pace
    equal(meter.view().secondsRemaining, null);
    clock.now += 4000;
    meter.step(12, 100);
    equal(meter.view().secondsRemaining, 176);
    clock.now += 1000;
    equal(meter.view().secondsRemaining, 175);
    clock.now += 1e6;
    equal(meter.view().secondsRemaining, 0);
    meter.phase('evaluating');
    equal(meter.view().secondsRemaining, null);
  });

  it('measures the rate over the last seconds, both ways', () => {
    const { meter, clock } = meterAt();
    for (let second = 0; second <= 20; second++) {
      const slow = Math.min(second, 10) * 100;
      const fast = Math.max(0, second - 10) * 1000;
      meter.traffic({ sent: slow + fast, received: fast });
      clock.now += 1000;
    }
    equal(meter.view().bytesPerSecond, 2000);
    clock.now += 5001;
    equal(meter.view().bytesPerSecond, 0, 'nothing was heard of it since');
  });

  it('adds up the traffic of attempts, an earlier process included', () => {
    const { meter, clock } = meterAt({ ...NO_PROGRESS, bytesSent: 5, bytesReceived: 7 });
    meter.traffic({ sent: 100, received: 10 });
    clock.now += 1000;
    meter.traffic({ sent: 200, received: 20 });
    meter.attemptOver();
    meter.traffic({ sent: 1, received: 2 });
    const { bytesSent, bytesReceived, bytesPerSecond } = meter.view();
    deepEqual([bytesSent, bytesReceived, bytesPerSecond], [206, 29, 0]);
  });
});

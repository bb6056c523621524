import type { Clock } from '../../src/party/clock.ts';
import { NOW } from './contracts.ts';

/** A clock that stands still until the test moves it. */
export interface FakeClock extends Clock {
  /** Timers that have not run. */
  readonly waiting: number;
  /** Moves on, running what falls due in order, with time for what follows from each. */
  advance(ms: number): Promise<void>;
}

export function fakeClock(start: number = NOW): FakeClock {
  let time = start;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => time,
    after: (ms, run) => {
      const timer = { at: time + Math.max(0, ms), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    get waiting() {
      return timers.size;
    },
    async advance(ms) {
      const end = time + ms;
      await settled();
      for (;;) {
        const [next] = [...timers].toSorted((a, b) => a.at - b.at);
        if (!next || next.at > end) break;
        timers.delete(next);
        time = next.at;
        next.run();
        await settled();
      }
      time = end;
      await settled();
    },
  };
}

/** What is under way has had its time. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

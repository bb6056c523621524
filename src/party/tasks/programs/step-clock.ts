import { performance } from 'node:perf_hooks';
import type { Channel } from '../../../protocols/channel.ts';

/** What the steps of a run took at this party. */
export interface StepSummary {
  readonly steps: number;
  /** Mean over the steps, the first left out when there are more: it warms up. */
  readonly secondsPerStep: number;
  /** This party's traffic a step. */
  readonly bytesSentPerStep: number;
  readonly bytesReceivedPerStep: number;
}

export interface StepClock {
  /** A step is done. */
  tick(): void;
  summary(): StepSummary;
}

/** Measures the steps of a run: time and the bytes of a channel. */
export function stepClock(channel: Channel): StepClock {
  const marks: { readonly ms: number; readonly sent: number; readonly received: number }[] = [];
  return {
    tick: () => {
      const { bytesSent: sent, bytesReceived: received } = channel.stats;
      marks.push({ ms: performance.now(), sent, received });
    },
    summary: () => {
      const [first, last] = [marks[0], marks.at(-1)];
      const intervals = marks.length - 1;
      const mean = (of: 'ms' | 'sent' | 'received'): number =>
        first && last && intervals > 0 ? (last[of] - first[of]) / intervals : 0;
      return {
        steps: marks.length,
        secondsPerStep: mean('ms') / 1000,
        bytesSentPerStep: Math.round(mean('sent')),
        bytesReceivedPerStep: Math.round(mean('received')),
      };
    },
  };
}

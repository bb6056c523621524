import { SingleBar } from 'cli-progress';
import type { TaskView } from '../../sdk/node-client.ts';
import { bytes, duration, printable } from './tables.ts';

/** Shows where a task stands, until it is told to stop. */
export interface ProgressDisplay {
  show(view: TaskView): void;
  /** Removes what is shown; the same again does nothing. */
  stop(): void;
}

const BAR_WIDTH = 30;
const FRAMES_PER_SECOND = 10;

/** A bar on a terminal; without one nothing. */
export function progressDisplay(terminal: NodeJS.WritableStream | null): ProgressDisplay {
  if (!terminal) return { show: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    stream: terminal,
    format: '{bar} {percentage} %  {line}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: BAR_WIDTH,
    fps: FRAMES_PER_SECOND,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false, // signals are the command's to handle
  });
  let started = false;
  return {
    show(view) {
      const value = Math.min(100, Math.max(0, Math.round(view.progress.percentage)));
      const payload = { line: progressLine(view) };
      if (started) bar.update(value, payload);
      else bar.start(100, value, payload);
      started = true;
    },
    stop() {
      if (started) bar.stop();
      started = false;
    },
  };
}

/** Phase, iteration, rate and estimate, as far as they are known. */
export function progressLine({ phase, state, awaits_approval, progress }: TaskView): string {
  const { iteration, iterations, bytes_per_second: rate, seconds_remaining: left } = progress;
  const parts = [
    state === 'stopping' ? 'stopping' : printable(phase),
    iteration === null ? '' : `${stepName(phase)}${iteration}/${iterations}`,
    rate > 0 ? `${bytes(rate)}/s` : '',
    left === null ? '' : `${duration(left)} left`,
    awaits_approval ? 'waits for your approval' : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Large sets are matched in buckets. */
function stepName(phase: string): string {
  return phase === 'aligning' ? 'bucket ' : '';
}

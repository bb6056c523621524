/** How far a task is, how fast, and how long it may take: in memory, from what its program tells. */
import type { TaskPhase, TaskProgressView } from './task-view.ts';

/** Share of the whole at which each phase begins. */
const PHASE_STARTS: Readonly<Record<TaskPhase, number>> = {
  validating: 0,
  awaiting_parties: 2,
  queued: 4,
  aligning: 5,
  training: 20,
  evaluating: 93,
  publishing: 96,
  done: 100,
};

const PHASES = Object.keys(PHASE_STARTS) as readonly TaskPhase[];

/** The rate is a mean over the last so many ms: own choice. */
const RATE_WINDOW_MS = 5000;

export const NO_PROGRESS: TaskProgressView = {
  percentage: 0,
  iteration: null,
  bytesSent: 0,
  bytesReceived: 0,
  bytesPerSecond: 0,
  secondsRemaining: null,
};

export interface Traffic {
  readonly sent: number;
  readonly received: number;
}

/** Progress of one task at this node. */
export interface ProgressMeter {
  view(): TaskProgressView;
  phase(phase: TaskPhase): void;
  /** `step` of `of` within the present phase are done. */
  step(step: number, of: number): void;
  /** What the present attempt's sessions have carried so far. */
  traffic(bytes: Traffic): void;
  /** The present attempt is over: its traffic stays counted, its rate and estimate go. */
  attemptOver(): void;
}

/**
 * @param from - Where it goes on: of a task that an earlier process had.
 * @param now - Unix ms.
 */
export function progressMeter(
  now: () => number,
  from: TaskProgressView,
  firstPhase: TaskPhase,
): ProgressMeter {
  let current = firstPhase;
  let iteration = from.iteration;
  let percentage = from.percentage;
  const before = { sent: from.bytesSent, received: from.bytesReceived };
  let attempt: Traffic = { sent: 0, received: 0 };
  let samples: { readonly at: number; readonly bytes: number }[] = [];
  /** The first step that was told in this phase, and the last. */
  let steps: { readonly first: Step; readonly last: Step } | null = null;

  return {
    view: () => ({
      percentage,
      iteration,
      bytesSent: before.sent + attempt.sent,
      bytesReceived: before.received + attempt.received,
      bytesPerSecond: rateOf(samples, now()),
      secondsRemaining: steps && remaining(steps.first, steps.last, now()),
    }),

    phase(phase) {
      current = phase;
      steps = null;
      iteration = null;
      percentage = PHASE_STARTS[phase];
    },

    step(step, of) {
      const start = PHASE_STARTS[current];
      const next = PHASE_STARTS[PHASES[PHASES.indexOf(current) + 1] ?? 'done'];
      percentage = of > 0 ? Math.round(start + ((next - start) * Math.min(step, of)) / of) : start;
      iteration = { number: step, of };
      const told = { step, of, at: now() };
      steps = { first: steps?.first ?? told, last: told };
    },

    traffic(bytes) {
      attempt = bytes;
      const at = now();
      samples.push({ at, bytes: bytes.sent + bytes.received });
      // One sample before the window stays, so that the window is full.
      while (samples.length > 2 && samples[1]!.at <= at - RATE_WINDOW_MS) samples.shift();
    },

    attemptOver() {
      before.sent += attempt.sent;
      before.received += attempt.received;
      attempt = { sent: 0, received: 0 };
      samples = [];
      steps = null;
    },
  };
}

interface Step {
  readonly step: number;
  readonly of: number;
  readonly at: number;
}

function rateOf(
  samples: readonly { readonly at: number; readonly bytes: number }[],
  now: number,
): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.at <= first.at || last.at < now - RATE_WINDOW_MS) return 0;
  return Math.round(((last.bytes - first.bytes) * 1000) / (last.at - first.at));
}

/** Seconds for the steps that are left, at the pace since the phase's first; null while there is none. */
function remaining(first: Step, last: Step, now: number): number | null {
  if (last.step <= first.step) return null;
  const msPerStep = (last.at - first.at) / (last.step - first.step);
  const left = (last.of - last.step) * msPerStep - (now - last.at);
  return Math.max(0, Math.round(left / 1000));
}

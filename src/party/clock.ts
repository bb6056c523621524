/** Time, as what waits or measures it takes it: a test moves its own. */
export interface Clock {
  /** Unix ms. */
  now(): number;
  /** Runs `run` once, after so many ms; returns what keeps it from running. */
  after(ms: number, run: () => void): () => void;
}

/** Longest delay of a timer: beyond it, `setTimeout` would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(ms, MAX_DELAY_MS)).unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after so many ms, or as soon as a signal is aborted: whoever waits looks at it. */
export async function pause(
  clock: Clock,
  ms: number,
  ...signals: readonly AbortSignal[]
): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    for (const signal of signals) signal.addEventListener('abort', done);
  });
}

import { SessionError } from '../errors.ts';

/** A time-out and the caller's signals as one. `clear` it when what it bounds is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** The promise's outcome, or the deadline's error if that comes first. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Waits; throws `reason` if the deadline comes first. */
  pause(ms: number, reason: Error): Promise<void>;
  clear(): void;
}

/** A deadline for something that waits for `peer`: `TIMED_OUT` or, by a signal, `CANCELLED`. */
export function deadlineOf(
  timeoutMs: number,
  peer: string,
  signals: readonly (AbortSignal | undefined)[],
): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const cancel = (): void =>
    controller.abort(new SessionError('CANCELLED', `waiting for ${peer} was cancelled`));
  const timer = setTimeout(() => {
    controller.abort(new SessionError('TIMED_OUT', `${peer} did not answer in ${timeoutMs} ms`));
  }, timeoutMs);
  for (const source of signals) {
    source?.addEventListener('abort', cancel, { once: true });
    if (source?.aborted) cancel();
  }
  const race = async <T>(promise: Promise<T>): Promise<T> => {
    let stop = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  return {
    signal,
    race,
    pause: async (ms, reason) => {
      let wait: NodeJS.Timeout | undefined;
      try {
        await race(new Promise<void>((resolve) => (wait = setTimeout(resolve, ms))));
      } catch {
        throw reason;
      } finally {
        clearTimeout(wait);
      }
    },
    clear: () => {
      clearTimeout(timer);
      for (const source of signals) source?.removeEventListener('abort', cancel);
    },
  };
}

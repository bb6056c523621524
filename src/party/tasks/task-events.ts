import type { TaskEvent } from './task-view.ts';

/** What happens to one task, for one reader at its own pace. */
export interface EventFeed extends AsyncIterable<TaskEvent> {
  push(event: TaskEvent): void;
  /** Nothing more comes. */
  end(): void;
}

/**
 * A feed that ends when it is told to, when its reader stops, or when the signal is aborted. Of the
 * progress that a slow reader has not fetched only the latest waits; all else is bounded by the changes
 * that a task can go through.
 *
 * @param onEnd - Called once when nobody reads any more.
 */
export function eventFeed(signal: AbortSignal, onEnd: () => void): EventFeed {
  const waiting: TaskEvent[] = [];
  let over = signal.aborted;
  let wake = (): void => undefined;

  const end = (): void => {
    over = true;
    signal.removeEventListener('abort', stop);
    onEnd();
    wake();
  };
  const stop = (): void => {
    waiting.length = 0;
    end();
  };
  signal.addEventListener('abort', stop, { once: true });

  async function* read(): AsyncGenerator<TaskEvent> {
    try {
      for (;;) {
        const event = waiting.shift();
        if (event) yield event;
        else if (over) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      if (!over) stop();
    }
  }

  return {
    push(event) {
      if (over) return;
      if (waiting.at(-1)?.type === 'progress') waiting.pop();
      waiting.push(event);
      wake();
    },
    end: () => {
      if (!over) end();
    },
    [Symbol.asyncIterator]: read,
  };
}

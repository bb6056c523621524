/**
 * Turns: at most so many tasks of this node work at the same time. A task needs a turn at each of its
 * parties at once, so two nodes whose turns are taken by different tasks would wait for each other. One
 * order for all nodes and the right to send a younger task back that has not met its peers yet prevent
 * it: the oldest task that waits anywhere gets its turn everywhere, once those that work have ended.
 */

/** Where a task stands in the one order: the contract's own words, equal at every party. */
export interface TaskOrder {
  /** ISO 8601 UTC with milliseconds. */
  readonly createdAt: string;
  readonly taskId: string;
}

export interface Slot {
  /** Aborted when an older task wants this turn: release it, and ask for another one. */
  readonly preempted: AbortSignal;
  /** Keeps the turn until it is released: the task has met its peers. False when it is too late. */
  keep(): boolean;
  /** Gives the turn to the oldest task that waits. Again: nothing. */
  release(): void;
}

export interface TaskQueue {
  /** The task's turn, once it comes. Rejects with the signal's reason. */
  acquire(order: TaskOrder, signal: AbortSignal): Promise<Slot>;
}

interface Waiting {
  readonly order: TaskOrder;
  grant(slot: Slot): void;
}

interface Held {
  readonly order: TaskOrder;
  readonly preempted: AbortController;
  kept: boolean;
}

export function taskQueue(concurrent: number): TaskQueue {
  if (!Number.isInteger(concurrent) || concurrent < 1) {
    throw new RangeError(`"concurrent" expected an integer >= 1, got ${concurrent}`);
  }
  /** Oldest first. */
  const waiting: Waiting[] = [];
  const held = new Set<Held>();

  const slotOf = (entry: Held): Slot => ({
    preempted: entry.preempted.signal,
    keep: () => {
      if (entry.preempted.signal.aborted) return false;
      entry.kept = true;
      return true;
    },
    release: () => {
      if (held.delete(entry)) serve();
    },
  });

  /** Gives out free turns; if there are none, sends back as many as older tasks wait for. */
  function serve(): void {
    while (held.size < concurrent && waiting.length > 0) {
      const next = waiting.shift()!;
      const entry: Held = { order: next.order, preempted: new AbortController(), kept: false };
      held.add(entry);
      next.grant(slotOf(entry));
    }
    const yielding = [...held].filter(({ preempted }) => preempted.signal.aborted).length;
    const youngest = [...held]
      .filter(({ kept, preempted }) => !kept && !preempted.signal.aborted)
      .toSorted((a, b) => byAge(b.order, a.order));
    // The turns that are being given back go to the oldest of those that wait.
    for (const { order } of waiting.slice(yielding)) {
      const holder = youngest.shift();
      if (!holder || byAge(order, holder.order) >= 0) return;
      holder.preempted.abort();
    }
  }

  return {
    acquire: (order, signal) =>
      new Promise((resolve, reject) => {
        const entry: Waiting = {
          order,
          grant: (slot) => {
            signal.removeEventListener('abort', giveUp);
            resolve(slot);
          },
        };
        const giveUp = (): void => {
          const at = waiting.indexOf(entry);
          if (at >= 0) waiting.splice(at, 1);
          reject(signal.reason as Error);
        };
        if (signal.aborted) return giveUp();
        signal.addEventListener('abort', giveUp, { once: true });
        const after = waiting.findIndex((other) => byAge(order, other.order) < 0);
        waiting.splice(after < 0 ? waiting.length : after, 0, entry);
        serve();
      }),
  };
}

/** Negative when `a` is the older one. */
export function byAge(a: TaskOrder, b: TaskOrder): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  if (a.taskId === b.taskId) return 0;
  return a.taskId < b.taskId ? -1 : 1;
}

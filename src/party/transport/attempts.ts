/**
 * Which attempts at a task were used, so that none is used twice: keys and randomness of a run that
 * broke must never meet those of the next. Implementations persist a claim before they resolve.
 */
export interface AttemptStore {
  /** One more than the highest attempt claimed for the task with any peer; 1 for a new task. */
  next(taskId: Uint8Array): Promise<number>;
  /** Claims an attempt with one peer. Only `claimed` lets the session open. */
  claim(taskId: Uint8Array, peer: string, attempt: number): Promise<Claim>;
  /** From now on every claim for the task is refused. */
  finish(taskId: Uint8Array): Promise<void>;
}

/** `stale`: this attempt or a later one was claimed with this peer, or a later one with another. */
export type Claim = 'claimed' | 'stale' | 'finished';

/** A store that forgets with the process: for tests and short-lived tools. */
export function memoryAttempts(): AttemptStore {
  const tasks = new Map<string, { highest: number; byPeer: Map<string, number> }>();
  const finished = new Set<string>();
  const keyOf = (taskId: Uint8Array): string => Buffer.from(taskId).toString('hex');
  return {
    next: async (taskId) => (tasks.get(keyOf(taskId))?.highest ?? 0) + 1,
    claim: async (taskId, peer, attempt) => {
      const key = keyOf(taskId);
      if (finished.has(key)) return 'finished';
      const task = tasks.get(key) ?? { highest: 0, byPeer: new Map<string, number>() };
      if (attempt < task.highest || attempt <= (task.byPeer.get(peer) ?? 0)) return 'stale';
      task.highest = attempt;
      task.byPeer.set(peer, attempt);
      tasks.set(key, task);
      return 'claimed';
    },
    finish: async (taskId) => {
      finished.add(keyOf(taskId));
    },
  };
}

import { ConsensusError } from './errors.ts';

/** Most questions of one peer that wait for their turn. Own choice. */
export const MAX_WAITING = 256;

/**
 * Runs one piece of work at a time for each peer, the others in turn. Throws `too_many_tasks` when too
 * much waits, and `aborted` for what nobody waits for any more.
 */
export type TakeTurn = <T>(peer: string, signal: AbortSignal, run: () => Promise<T>) => Promise<T>;

export function turns(): TakeTurn {
  const queues = new Map<string, (() => void)[]>();
  return async (peer, signal, run) => {
    const waiting = queues.get(peer);
    if (waiting && waiting.length >= MAX_WAITING) {
      throw new ConsensusError('too_many_tasks', 'too many questions of this peer wait here');
    }
    if (waiting) await new Promise<void>((resolve) => waiting.push(resolve));
    else queues.set(peer, []);
    try {
      if (signal.aborted) throw new ConsensusError('aborted', 'nobody waits for the answer');
      return await run();
    } finally {
      const next = queues.get(peer)!.shift();
      if (next) next();
      else queues.delete(peer);
    }
  };
}

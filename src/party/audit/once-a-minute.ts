/** The same is recorded again after so long: own choice. */
const AGAIN_MS = 60_000;

/** Records, unless the same was recorded within a minute. Resolves and throws as that record does. */
export type OnceAMinute = (what: string, record: () => Promise<unknown>) => Promise<void>;

/**
 * For what a peer can bring about as often as it likes: every entry stays, so that the same is recorded
 * once a minute. What could not be recorded counts as not recorded.
 *
 * @param now - Unix ms.
 */
export function onceAMinute(now: () => number): OnceAMinute {
  /** Oldest first. */
  const last = new Map<string, { readonly at: number; readonly recorded: Promise<unknown> }>();
  return async (what, record) => {
    const at = now();
    for (const [each, known] of last) {
      if (at - known.at < AGAIN_MS) break;
      last.delete(each);
    }
    let known = last.get(what);
    if (!known) {
      known = { at, recorded: record() };
      last.set(what, known);
    }
    try {
      await known.recorded;
    } catch (error) {
      if (last.get(what) === known) last.delete(what);
      throw error;
    }
  };
}

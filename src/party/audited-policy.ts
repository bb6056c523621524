import type { StoredSalts } from './audit/stored-salts.ts';
import type { Trail } from './audit/trail.ts';
import { canonicalBytes } from './consensus/canonical-json.ts';
import type { PolicySource } from './policy-file.ts';
import type { Policy } from './policy-rule.ts';

/**
 * A policy that has an entry before this process first goes by it: the one it starts with, each that
 * the file changes to, and that there is none that can be read.
 */
export function auditedPolicy(
  policy: PolicySource,
  trail: Trail,
  salts: StoredSalts,
): PolicySource {
  /** What was recorded last, or is being. */
  let last: { readonly text: string; readonly recorded: Promise<unknown> } | null = null;

  function record(read: Policy | null): Promise<unknown> {
    const bytes = read && canonicalBytes(read);
    const text = bytes ? Buffer.from(bytes).toString('utf8') : '';
    if (last?.text === text) return last.recorded;
    const recorded = (async () => {
      const commitment = bytes && (await salts.commit(bytes));
      await trail.record('policy', {}, { policy: commitment, rules: read?.rules.length ?? 0 });
    })();
    last = { text, recorded };
    recorded.catch(() => {
      if (last?.recorded === recorded) last = null;
    });
    return recorded;
  }

  return async () => {
    let read: Policy;
    try {
      read = await policy();
    } catch (error) {
      await record(null);
      throw error;
    }
    await record(read);
    return read;
  };
}

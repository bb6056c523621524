import type { NodeLog } from './log.ts';
import type { Decision } from './policy.ts';

/**
 * Logs that the policy said no to `peer`, a pinned name. What it said no to is text that the peer
 * chose: it is in the log at debug only.
 *
 * @param decision - Null when the policy could not be read; `cause` says why.
 */
export function logDenial(
  log: NodeLog,
  peer: string,
  decision: Decision | null,
  cause?: unknown,
): void {
  const denied = decision?.allow === false ? decision : null;
  const reason = denied?.reason ?? 'unreadable_policy';
  log.warn({ peer, reason, ...(cause === undefined ? {} : { err: cause }) }, 'denied by policy');
  if (denied) log.debug({ peer, rule: denied.rule, subject: denied.subject }, 'what was denied');
}

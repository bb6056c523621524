/** What a policy lets a peer see of this node's datasets before there is a task. */
import { matcher, matchesPath, type Predicate } from './policy-pattern.ts';
import { isValid, type Policy, type PolicyRule } from './policy-rule.ts';

/**
 * Whether any rule lets the peer use any dataset: without one, nothing of the answer depends on what
 * is there. `now`: Unix ms.
 */
export function seesAnyDataset(policy: Policy, peer: string, now: number): boolean {
  return policy.rules.some((rule) => concerns(rule, peer, now));
}

/**
 * The columns of a dataset that the peer may use in some way, by rules that let it use the dataset;
 * null when there is no such rule, and then the dataset must look as if it did not exist.
 */
export function visibleColumns(
  policy: Policy,
  peer: string,
  path: string,
  now: number,
): Predicate | null {
  const rules = policy.rules.filter(
    (rule) => concerns(rule, peer, now) && matchesPath(rule.datasets ?? [], path),
  );
  if (rules.length === 0) return null;
  const usable = rules.map(usableColumns);
  return (column) => usable.some((allows) => allows(column));
}

/**
 * Whether the rule can allow a task of this peer with data of this node, as well one for which a
 * person is asked: without knowing the columns the peer could not propose it.
 */
function concerns(rule: PolicyRule, peer: string, now: number): boolean {
  const { peers, purposes, algorithms, datasets = [], columns = {} } = rule;
  if (!isValid(rule, now) || rule.tasks_per_day === 0) return false;
  const { allow = [], key = [], label = [], feature = [] } = columns;
  const uses = [...allow, ...key, ...label, ...feature];
  const needed = [purposes, algorithms, datasets, uses];
  return needed.every((patterns) => patterns.length > 0) && matcher(peers)(peer);
}

function usableColumns({ columns = {} }: PolicyRule): Predicate {
  const { allow = [], key = [], label = [], feature = [], deny = [] } = columns;
  const denied = matcher(deny);
  const allowed = matcher([...allow, ...key, ...label, ...feature]);
  return (column) => allowed(column) && !denied(column);
}

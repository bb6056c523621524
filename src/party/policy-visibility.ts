/** What a policy lets a peer see of this node's datasets before there is a task. */
import { matcher, matchesPath, type Predicate } from './policy-pattern.ts';
import type { Policy, PolicyRule } from './policy-rule.ts';

/**
 * Whether any rule lets the peer use any dataset: without one, nothing of the answer depends on what
 * is there.
 */
export function seesAnyDataset(policy: Policy, peer: string): boolean {
  return policy.rules.some((rule) => concerns(rule, peer));
}

/**
 * The columns of a dataset that the peer may use in some way, by rules that let it use the dataset;
 * null when there is no such rule, and then the dataset must look as if it did not exist.
 */
export function visibleColumns(policy: Policy, peer: string, path: string): Predicate | null {
  const rules = policy.rules.filter(
    (rule) => concerns(rule, peer) && matchesPath(rule.datasets ?? [], path),
  );
  if (rules.length === 0) return null;
  const usable = rules.map(usableColumns);
  return (column) => usable.some((allows) => allows(column));
}

/** Whether the rule can allow a task of this peer with data of this node. */
function concerns(rule: PolicyRule, peer: string): boolean {
  const { peers, purposes, algorithms, datasets = [], columns = {} } = rule;
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

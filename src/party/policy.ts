/** Whether one of this node's rules allows a task. What rules can say is in `policy-rule.ts`. */
import {
  beyondBudget,
  beyondTasksPerDay,
  expiredSince,
  type Situation,
  TERMS_CHECKS,
} from './policy-limits.ts';
import { matcher, matchesPath, type Predicate, unmatched } from './policy-pattern.ts';
import type { DatasetUse, PolicyRequest } from './policy-request.ts';
import type { Policy, PolicyRule } from './policy-rule.ts';

/** What the closest rule does not allow. For this node's own log; a peer never learns it. */
export type DenialReason =
  | 'no_rules'
  | 'peer'
  | 'purpose'
  | 'algorithm'
  | 'dataset'
  | 'column'
  | 'alignment'
  | 'receiver'
  | 'model_release'
  | (typeof TERMS_CHECKS)[number][0]
  | 'expires'
  | 'tasks_per_day'
  | 'budgets';

export interface Denial {
  readonly allow: false;
  /** The rule that came closest; null when there is none. */
  readonly rule: number | null;
  readonly reason: DenialReason;
  /** What it does not allow, e.g. the column. */
  readonly subject: string;
}

export type Decision =
  /** `ask`: once a person has said yes to it. */
  { readonly allow: true; readonly ask: boolean; readonly rule: number } | Denial;

/**
 * Whether the policy allows the request, by which rule, or what stands against it. Of several rules
 * that allow it one that asks nobody counts, the first of those.
 */
export function decide(policy: Policy, request: PolicyRequest, situation: Situation): Decision {
  let closest: (Denial & { readonly passed: number }) | undefined;
  let asking: number | undefined;
  for (const [rule, terms] of policy.rules.entries()) {
    const objection = firstObjection(CHECKS, terms, request, situation);
    if (!objection && terms.action !== 'ask') return { allow: true, ask: false, rule };
    if (!objection) asking ??= rule;
    else if (!closest || objection.passed > closest.passed) {
      closest = { allow: false, rule, ...objection };
    }
  }
  if (asking !== undefined) return { allow: true, ask: true, rule: asking };
  if (!closest) return { allow: false, rule: null, reason: 'no_rules', subject: '' };
  const { passed: _, ...denial } = closest;
  return denial;
}

/** What a rule does not allow of a request: the first such thing, or undefined when it allows it. */
type Check = (rule: PolicyRule, request: PolicyRequest, situation: Situation) => string | undefined;

/** What depends on the request alone, in the order in which a rule is judged close. */
const REQUEST_CHECKS: readonly (readonly [DenialReason, Check])[] = [
  ['peer', (rule, { peers }) => unmatched(rule.peers, peers)],
  ['purpose', (rule, { purpose }) => unmatched(rule.purposes, [purpose])],
  ['algorithm', (rule, { algorithm }) => unmatched(rule.algorithms, [algorithm])],
  [
    'dataset',
    (rule, { dataset }) =>
      dataset && !matchesPath(rule.datasets ?? [], dataset.path) ? dataset.path : undefined,
  ],
  ['column', (rule, { dataset }) => (dataset ? deniedColumn(rule, dataset) : undefined)],
  [
    'alignment',
    // Without a key, row i is taken to be the peer's row i: it need not know any record to bring one.
    (rule, { dataset }) =>
      rule.alignment === 'psi' && dataset?.keys === null ? 'row_order' : undefined,
  ],
  ['receiver', (rule, { receivers }) => unmatched(rule.receivers, receivers)],
  [
    'model_release',
    (rule, { modelRelease }) =>
      modelRelease === null || rule.model_release.includes(modelRelease) ? undefined : modelRelease,
  ],
  ...TERMS_CHECKS.map(
    ([reason, check]) =>
      [reason, (rule, { terms }) => (terms ? check(rule, terms) : undefined)] satisfies [
        DenialReason,
        Check,
      ],
  ),
];

/** What depends on the time and on other tasks: asked last. */
const SITUATION_CHECKS: readonly (readonly [DenialReason, Check])[] = [
  ['expires', (rule, _request, situation) => expiredSince(rule, situation)],
  [
    'tasks_per_day',
    (rule, _request, situation) =>
      beyondTasksPerDay(
        rule,
        situation.usage?.voted ?? [],
        (other) => !firstObjection(REQUEST_CHECKS, rule, other, situation),
      ),
  ],
  [
    'budgets',
    (rule, { terms }, { usage }) => (terms && usage ? beyondBudget(rule, terms, usage) : undefined),
  ],
];

const CHECKS = [...REQUEST_CHECKS, ...SITUATION_CHECKS];

interface Objection {
  readonly reason: DenialReason;
  readonly subject: string;
  /** Checks that passed before it: the more, the closer the rule. */
  readonly passed: number;
}

function firstObjection(
  checks: readonly (readonly [DenialReason, Check])[],
  rule: PolicyRule,
  request: PolicyRequest,
  situation: Situation,
): Objection | undefined {
  for (const [passed, [reason, check]] of checks.entries()) {
    const subject = check(rule, request, situation);
    if (subject !== undefined) return { reason, subject, passed };
  }
  return undefined;
}

function deniedColumn({ columns }: PolicyRule, use: DatasetUse): string | undefined {
  const { keys, label, features, excluded } = use;
  const denied = matcher(columns?.deny ?? []);
  const refusedAs = (...uses: ('key' | 'label' | 'feature')[]): Predicate => {
    const allowed = matcher([
      ...(columns?.allow ?? []),
      ...uses.flatMap((each) => columns?.[each] ?? []),
    ]);
    return (column) => denied(column) || !allowed(column);
  };
  const deniedKey = keys?.find(refusedAs('key'));
  if (deniedKey !== undefined) return deniedKey;
  if (label !== null && refusedAs('label')(label)) return label;
  return (
    features.find(refusedAs('feature')) ?? excluded?.find(refusedAs('key', 'label', 'feature'))
  );
}

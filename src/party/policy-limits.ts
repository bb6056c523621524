/** What a rule limits in a task, besides who runs it, what for and on which columns. */
import { FEWEST_MARGIN } from '../ml/vertical/trees/leakage.ts';
import { unmatched } from './policy-pattern.ts';
import type { PolicyRequest, TaskTerms } from './policy-request.ts';
import { budgetOf, isValid, type PolicyRule } from './policy-rule.ts';

/** What a decision depends on besides the request. */
export interface Situation {
  /** Unix ms. */
  readonly now: number;
  /** What this node's other tasks take; null while a peer asks what a dataset would bring. */
  readonly usage: Usage | null;
}

export interface Usage {
  /** The other tasks for which this node voted in the last 24 hours. */
  readonly voted: readonly PolicyRequest[];
  /**
   * Values of a class of this task's dataset that a peer has learned, and those that it may learn by
   * the other tasks that this node has agreed to.
   */
  readonly opened: (peer: string, name: string) => number;
}

/** What a rule says against a contract's terms, or undefined when it says nothing. */
export type TermsCheck = (rule: PolicyRule, terms: TaskTerms) => string | undefined;

/** In the order in which a rule is judged close. */
export const TERMS_CHECKS = [
  ['metrics', ({ metrics }, terms) => metrics && unmatched(metrics, terms.metrics)],
  [
    'validation',
    ({ validation }, { heldOut }) =>
      validation === 'held_out' && heldOut === false ? 'scores of training rows' : undefined,
  ],
  [
    'security',
    ({ security: { kappa = 0, sigma = 0 } = {} }, { security }) =>
      shortOf(kappa, security.kappa) ?? shortOf(sigma, security.sigma),
  ],
  ['open_bits', ({ open_bits: most }, { openBits }) => beyond(most, openBits ?? 0)],
  [
    'minimum_columns',
    ({ minimum_columns: least }, { fewestFeatures }) =>
      fewestFeatures === null ? undefined : shortOf(least, fewestFeatures),
  ],
  [
    'minimum_margin',
    ({ minimum_margin: least = FEWEST_MARGIN }, { margin }) =>
      margin === null ? undefined : shortOf(least, margin),
  ],
  [
    'minimum_intersection',
    ({ minimum_intersection: least }, terms) => shortOf(least, terms.minimumIntersection),
  ],
] as const satisfies readonly (readonly [string, TermsCheck])[];

/** Whether the rule still counts. */
export function expiredSince(rule: PolicyRule, { now }: Situation): string | undefined {
  return isValid(rule, now) ? undefined : rule.expires;
}

/**
 * Without other tasks: whether any can run by the rule at all. If not, nobody learns of a dataset by it
 * either.
 *
 * @param voted - See `Usage`.
 * @param allows - Whether the rule allowed one of the other tasks: those count, so that an edit of the
 *   rule takes effect at once.
 */
export function beyondTasksPerDay(
  { tasks_per_day: most }: PolicyRule,
  voted: Usage['voted'],
  allows: (request: PolicyRequest) => boolean,
): string | undefined {
  if (most === undefined) return undefined;
  return beyond(most, voted.filter(allows).length + 1);
}

/** The first class of values of which a peer would learn more than it ever may. */
export function beyondBudget(
  { budgets }: PolicyRule,
  { openings }: TaskTerms,
  { opened }: Usage,
): string | undefined {
  if (!budgets) return undefined;
  const asked = new Map<string, number>(); // a class may stand twice
  for (const { peer, class: name, most } of openings) {
    const key = `${name} to ${peer}`;
    const total = (asked.get(key) ?? opened(peer, name)) + most;
    asked.set(key, total);
    const excess = most > 0 ? beyond(budgetOf(budgets, name), total) : undefined;
    if (excess !== undefined) return `${key}: ${excess}`;
  }
  return undefined;
}

function shortOf(least: number | undefined, value: number): string | undefined {
  return least !== undefined && value < least ? `${value} of at least ${least}` : undefined;
}

function beyond(most: number | undefined, value: number): string | undefined {
  return most !== undefined && value > most ? `${value} of at most ${most}` : undefined;
}

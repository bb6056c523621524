/**
 * What this node agrees to without asking anybody. Default deny: a task runs here only when one rule
 * allows all of it. Rules never forbid what another rule allows, so their order does not matter.
 *
 * ```yaml
 * version: 1
 * rules:
 *   - name: credit scoring with orgB
 *     action: allow                       # or ask: the task waits for `entente task approve`
 *     expires: '2027-06-30'               # allows nothing after that day (UTC), or after that time
 *     peers: [orgB]                       # every other party of the task
 *     purposes: ['credit risk*']
 *     algorithms: ['vertical/*', 'predict/*', 'psi/intersection']
 *     datasets: ['credit/*.csv']          # this node's own; absent: none, it only receives
 *     columns:
 *       key: [id]                         # only as the key
 *       label: [defaulted]                # only as the label
 *       feature: [age, 'income_*']        # only as a feature, or as payload
 *       allow: []                         # as anything
 *       deny: [income_exact]              # as nothing, whatever the lists above say
 *     alignment: psi                      # records are matched by keys, never row by row
 *     receivers: [orgB]                   # other parties that may learn the result
 *     model_release: [full, split]
 *     metrics: [auc, ks]                  # those that may be computed
 *     validation: held_out                # trainings open scores of held-out rows only
 *     security: {kappa: 128, sigma: 40}   # at least
 *     open_bits: 12                       # at most
 *     minimum_columns: 3                  # features that each data holder brings, at least
 *     minimum_margin: 1                   # reconstruction margin of trees on this node's features, at least;
 *                                         # absent: 1
 *     minimum_intersection: 100           # common records below which a task of two ends before any is
 *                                         # known; no task of three or more
 *     tasks_per_day: 10                   # for which this node votes in any 24 hours
 *     budgets:                            # values that each peer ever learns of a dataset, by class
 *       intersection_size: 1000
 *       intersection: 5000000             # own keys, one bit each
 *       multiplicities: 5000000           # how many records a common key has
 *       domain_guard: 5000
 *       validation_scores: 200000         # training_scores: none
 *       prediction_scores: 1000000
 *       score_unit: 1000
 *       metrics: 500
 *       column_scales: 1000
 *       weights: 1000
 *       split_sums: 10000000              # these four of trees
 *       split_sides: 100000000
 *       trees: 10000
 *       thresholds: 10000
 * ```
 *
 * Trees, `vertical/xgboost` and `predict/xgboost`, open other classes: `split_sums` and `split_sides` to the label
 * holder, `winning_splits` and `kept_splits` to feature holders, `metrics`, `trees`, `thresholds` and
 * `prediction_scores` to receivers. Sums are many: number of trees x nodes x candidates x 2, and too many of them for so
 * few records may determine on which side of a split each record is. So rules of a feature holder refuse a
 * reconstruction margin (in the contract's leakage statement) below 1, unless `minimum_margin` says what they
 * accept; 0 is everything.
 *
 * `psi/labelled_intersection` shows a peer the payload columns of common records in clear: of this node's
 * data, as many values as a budget for `payload` says. `psi/*` allows it as well.
 *
 * `name`, `action`, `expires`, `alignment` and the keys from `metrics` on may be absent: then the rule sets no such
 * limit, but for `minimum_margin`. A rule with `budgets` opens no value of a class that it does not name. Budgets count over all
 * tasks, attempts and rules, also what was opened before the rule was written.
 *
 * `*` stands for any characters; in dataset paths for any but `/`, and `**` for any. A dataset goes by
 * the word that the request uses: its path, or `dataset:NAME` for a registered one, which only patterns
 * that begin with `dataset:` match. A rule for a name says nothing of the file's path, and the reverse.
 */
import Type, { type Static } from 'typebox';

const exactly = { additionalProperties: false } as const;
const Patterns = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 10_000 });
const count = (minimum: number) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });

const ColumnRule = Type.Object(
  {
    allow: Type.Optional(Patterns),
    key: Type.Optional(Patterns),
    label: Type.Optional(Patterns),
    feature: Type.Optional(Patterns),
    deny: Type.Optional(Patterns),
  },
  exactly,
);

const SecurityRule = Type.Object(
  { kappa: Type.Optional(count(1)), sigma: Type.Optional(count(1)) },
  exactly,
);

/** A day or a time, UTC. */
const Until = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}Z)?$' });

const Rule = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 256 })),
    action: Type.Optional(Type.Enum(['allow', 'ask'])),
    expires: Type.Optional(Until),
    peers: Patterns,
    purposes: Patterns,
    algorithms: Patterns,
    datasets: Type.Optional(Patterns),
    columns: Type.Optional(ColumnRule),
    alignment: Type.Optional(Type.Enum(['psi'])),
    receivers: Patterns,
    model_release: Type.Array(Type.Enum(['full', 'split'])),
    metrics: Type.Optional(Patterns),
    validation: Type.Optional(Type.Enum(['held_out'])),
    security: Type.Optional(SecurityRule),
    open_bits: Type.Optional(count(0)),
    minimum_columns: Type.Optional(count(1)),
    minimum_margin: Type.Optional(Type.Number({ minimum: 0 })),
    minimum_intersection: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
    tasks_per_day: Type.Optional(count(0)),
    budgets: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), count(0), exactly),
    ),
  },
  exactly,
);

/** The whole policy file; `policy-file.ts` reads it. */
export const PolicySchema = Type.Object(
  { version: Type.Literal(1), rules: Type.Array(Rule, { maxItems: 1000 }) },
  exactly,
);

export type Policy = Static<typeof PolicySchema>;
export type PolicyRule = Policy['rules'][number];

const DAY_MS = 24 * 3_600_000;

/** Unix ms from which a rule no longer holds; NaN when `until` is no date: February 30. */
export function endOf(until: string): number {
  const day = until.length === '2027-06-30'.length;
  const start = Date.parse(day ? `${until}T00:00:00Z` : until);
  const real =
    Number.isFinite(start) && new Date(start).toISOString().startsWith(until.slice(0, 19));
  if (!real) return Number.NaN;
  return day ? start + DAY_MS : start;
}

/** Whether a rule still counts. `now`: Unix ms. */
export function isValid({ expires }: PolicyRule, now: number): boolean {
  return expires === undefined || now < endOf(expires);
}

/** How many values of a class a peer ever learns: none of a class that is not named. */
export function budgetOf(budgets: NonNullable<PolicyRule['budgets']>, name: string): number {
  return Object.hasOwn(budgets, name) ? budgets[name]! : 0;
}

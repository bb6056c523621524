/**
 * What this node agrees to without asking anybody. Default deny: a task runs here only when one rule
 * allows all of it. Rules never forbid what another rule allows, so their order does not matter.
 *
 * ```yaml
 * version: 1
 * rules:
 *   - name: credit scoring with orgB
 *     peers: [orgB]                       # every other party of the task
 *     purposes: ['credit risk*']
 *     algorithms: ['vertical/*', 'predict/*', 'psi/intersection']
 *     datasets: ['credit/*.csv']          # this node's own; absent: none, it only receives
 *     columns:
 *       key: [id]                         # only as the key
 *       label: [defaulted]                # only as the label
 *       feature: [age, 'income_*']        # only as a feature
 *       allow: []                         # as anything
 *       deny: [income_exact]              # as nothing, whatever the lists above say
 *     receivers: [orgB]                   # other parties that may learn the result
 *     model_release: [full, split]
 * ```
 *
 * `*` stands for any characters; in dataset paths for any but `/`, and `**` for any. A dataset goes by
 * the word that the request uses: its path, or `dataset:NAME` for a registered one, which only patterns
 * that begin with `dataset:` match. A rule for a name says nothing of the file's path, and the reverse.
 */
import Type, { type Static } from 'typebox';
import type { Contract, ContractParty } from './consensus/contract.ts';
import { referencedName } from './datasets/registered-name.ts';

const exactly = { additionalProperties: false } as const;
const Patterns = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 10_000 });

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

const Rule = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 256 })),
    peers: Patterns,
    purposes: Patterns,
    algorithms: Patterns,
    datasets: Type.Optional(Patterns),
    columns: Type.Optional(ColumnRule),
    receivers: Patterns,
    model_release: Type.Array(Type.Enum(['full', 'split'])),
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

/** What a policy is asked: the part of a task that concerns this node. */
export interface PolicyRequest {
  /** Every other party, whatever its role. */
  readonly peers: readonly string[];
  readonly purpose: string;
  /** See `policyAlgorithm`. */
  readonly algorithm: string;
  /** This node's own dataset; null when it brings none. */
  readonly dataset: DatasetUse | null;
  /** Parties other than this one that learn the result. */
  readonly receivers: readonly string[];
  /** Null where no model is made. */
  readonly modelRelease: 'full' | 'split' | null;
}

export interface DatasetUse {
  readonly path: string;
  readonly key: string | null;
  readonly label: string | null;
  readonly features: readonly string[];
  /** Columns that are there and left out: what is not allowed in any use may not even be left out. */
  readonly excluded?: readonly string[];
}

/** What the closest rule does not allow. For this node's own log; a peer never learns it. */
export type DenialReason =
  | 'no_rules'
  | 'peer'
  | 'purpose'
  | 'algorithm'
  | 'dataset'
  | 'column'
  | 'receiver'
  | 'model_release';

export type Decision =
  | { readonly allow: true; readonly rule: number }
  | {
      readonly allow: false;
      /** The rule that came closest; null when there is none. */
      readonly rule: number | null;
      readonly reason: DenialReason;
      /** What it does not allow, e.g. the column. */
      readonly subject: string;
    };

/** Whether the policy allows the request, by which rule, or what stands against it. */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  let closest: { rule: number; passed: number; reason: DenialReason; subject: string } | undefined;
  for (const [rule, terms] of policy.rules.entries()) {
    const objections = CHECKS.map(([, check]) => check(terms, request));
    const passed = objections.findIndex((subject) => subject !== undefined);
    if (passed === -1) return { allow: true, rule };
    if (!closest || passed > closest.passed) {
      closest = { rule, passed, reason: CHECKS[passed]![0], subject: objections[passed]! };
    }
  }
  if (!closest) return { allow: false, rule: null, reason: 'no_rules', subject: '' };
  const { rule, reason, subject } = closest;
  return { allow: false, rule, reason, subject };
}

/** The question that a contract puts to the policy of one of its parties. */
export function policyRequest(contract: Contract, me: ContractParty): PolicyRequest {
  const { dataset } = me;
  return {
    peers: contract.parties.map(({ name }) => name).filter((name) => name !== me.name),
    purpose: contract.purpose,
    algorithm: policyAlgorithm(contract),
    dataset: dataset && {
      path: dataset.path,
      key: dataset.keyColumn,
      label: dataset.labelColumn,
      features: dataset.features.map(({ name }) => name),
    },
    receivers: contract.receivers.filter((name) => name !== me.name),
    modelRelease: contract.kind === 'train' ? contract.parameters.model_release : null,
  };
}

/**
 * How rules name what a task does: `vertical/logistic_regression` for a training,
 * `predict/logistic_regression` for scores of such a model, `psi/intersection`.
 */
export function policyAlgorithm({
  kind,
  algorithm,
}: {
  readonly kind: Contract['kind'];
  readonly algorithm: Pick<Contract['algorithm'], 'name' | 'partition'>;
}): string {
  return `${kind === 'predict' ? 'predict' : algorithm.partition}/${algorithm.name}`;
}

/** What a rule does not allow of a request: the first such thing, or undefined when it allows it. */
type Check = (rule: PolicyRule, request: PolicyRequest) => string | undefined;

/** In the order in which a rule is judged close: the more checks pass, the closer. */
const CHECKS: readonly (readonly [DenialReason, Check])[] = [
  ['peer', (rule, { peers }) => unmatched(rule.peers, peers)],
  ['purpose', (rule, { purpose }) => unmatched(rule.purposes, [purpose])],
  ['algorithm', (rule, { algorithm }) => unmatched(rule.algorithms, [algorithm])],
  [
    'dataset',
    (rule, { dataset }) =>
      dataset && !matchesPath(rule.datasets ?? [], dataset.path) ? dataset.path : undefined,
  ],
  ['column', (rule, { dataset }) => (dataset ? deniedColumn(rule, dataset) : undefined)],
  ['receiver', (rule, { receivers }) => unmatched(rule.receivers, receivers)],
  [
    'model_release',
    (rule, { modelRelease }) =>
      modelRelease === null || rule.model_release.includes(modelRelease) ? undefined : modelRelease,
  ],
];

function deniedColumn({ columns }: PolicyRule, use: DatasetUse): string | undefined {
  const { key, label, features, excluded } = use;
  const denied = matcher(columns?.deny ?? []);
  const refusedAs = (...uses: ('key' | 'label' | 'feature')[]): Predicate => {
    const allowed = matcher([
      ...(columns?.allow ?? []),
      ...uses.flatMap((each) => columns?.[each] ?? []),
    ]);
    return (column) => denied(column) || !allowed(column);
  };
  if (key !== null && refusedAs('key')(key)) return key;
  if (label !== null && refusedAs('label')(label)) return label;
  return (
    features.find(refusedAs('feature')) ?? excluded?.find(refusedAs('key', 'label', 'feature'))
  );
}

/** The first of `texts` that no pattern matches. */
function unmatched(patterns: readonly string[], texts: readonly string[]): string | undefined {
  const matches = matcher(patterns);
  return texts.find((text) => !matches(text));
}

/**
 * Paths that could name a file in another place than they read match no pattern: `credit/../x` is not
 * below `credit`.
 */
export function matchesPath(patterns: readonly string[], path: string): boolean {
  const segments = path.replace(/^\//, '').split('/');
  if (path.includes('\\') || segments.some((segment) => ['', '.', '..'].includes(segment))) {
    return false;
  }
  const registered = referencedName(path) !== undefined;
  const ofKind = patterns.filter((each) => (referencedName(each) !== undefined) === registered);
  return matcher(ofKind, '[^/]*')(path);
}

export type Predicate = (text: string) => boolean;

const ANY = '[^]*';

/** Whether a text is matched by one of the patterns. `star`: the expression that `*` stands for. */
export function matcher(patterns: readonly string[], star: string = ANY): Predicate {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split(/(\*+)/).map((part) => {
      if (part.startsWith('*')) return part === '*' ? star : ANY;
      return part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&');
    });
    return new RegExp(`^${parts.join('')}$`, 'u');
  });
  return (text) => expressions.some((expression) => expression.test(text));
}

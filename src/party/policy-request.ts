import { reconstructionMargin } from '../ml/vertical/trees/leakage.ts';
import { type Contract, type ContractParty, isTreeTraining } from './consensus/contract.ts';
import { partiesOfRole } from './declared-disclosures.ts';

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
  /** What only a contract says; null while a peer asks what a dataset would bring. */
  readonly terms: TaskTerms | null;
}

export interface DatasetUse {
  readonly path: string;
  /** All of them make the key. */
  readonly keys: readonly string[] | null;
  readonly label: string | null;
  /** Columns whose values leave in some form: as features, or as payload. */
  readonly features: readonly string[];
  /** Columns that are there and left out: what is not allowed in any use may not even be left out. */
  readonly excluded?: readonly string[];
}

export interface TaskTerms {
  readonly security: { readonly kappa: number; readonly sigma: number };
  /** The fewest that a data holder brings; null for a set intersection, which reads keys alone. */
  readonly fewestFeatures: number | null;
  /**
   * The reconstruction margin, where trees are trained on this node's features: below 1 the sums that the
   * label holder reads may determine on which side of a split each record is.
   */
  readonly margin: number | null;
  /** With fewer common records the task ends before it is known which they are. */
  readonly minimumIntersection: number;
  /** Null where nothing is rounded. */
  readonly openBits: number | null;
  readonly metrics: readonly string[];
  /** Of a training: whether its scores are of held-out rows. */
  readonly heldOut: boolean | null;
  /** What others learn of this node's dataset. */
  readonly openings: readonly Opening[];
}

/** Values of one class that one other party learns, in one attempt. */
export interface Opening {
  readonly peer: string;
  readonly class: string;
  readonly most: number;
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
      keys: dataset.keyColumns,
      label: dataset.labelColumn,
      features: [...dataset.features.map(({ name }) => name), ...dataset.payload],
    },
    receivers: contract.receivers.filter((name) => name !== me.name),
    modelRelease: contract.kind === 'train' ? contract.parameters.model_release : null,
    terms: {
      security: contract.security,
      fewestFeatures: contract.kind === 'psi' ? null : fewestFeatures(contract),
      margin: marginOf(contract, me),
      minimumIntersection: minimumIntersection(contract),
      openBits: contract.kind === 'psi' ? null : contract.parameters.open_bits,
      metrics: contract.kind === 'train' ? contract.metrics : [],
      heldOut: contract.kind === 'train' ? contract.parameters.use_validation_set : null,
      openings: dataset ? openingsTo(contract, me.name) : [],
    },
  };
}

/**
 * How rules name what a task does: `vertical/logistic_regression`, `vertical/xgboost` for a training,
 * `predict/logistic_regression`, `predict/xgboost` for scores of such a model, `psi/intersection`,
 * `psi/labelled_intersection`.
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

function fewestFeatures({ parties }: Contract): number {
  return Math.min(...parties.flatMap(({ dataset }) => dataset?.features.length ?? []));
}

/** Aligned by row order, every row is a common record. */
function minimumIntersection({ alignment, parties }: Contract): number {
  if (alignment.method === 'psi') return alignment.minimumIntersection;
  return fewestRows(parties);
}

/** Rows of the smallest table. */
function fewestRows(parties: Contract['parties']): number {
  return Math.min(...parties.flatMap(({ dataset }) => dataset?.rowCount ?? []));
}

function marginOf(contract: Contract, { role }: ContractParty): number | null {
  if (contract.kind !== 'train' || !isTreeTraining(contract)) return null;
  if (role !== 'feature_holder') return null;
  return reconstructionMargin({
    parameters: contract.parameters,
    rows: fewestRows(contract.parties),
  });
}

/** What the other parties of a contract learn of `me`’s dataset, in one attempt. */
export function openingsTo(contract: Contract, me: string): readonly Opening[] {
  return contract.leakage.opened.flatMap(({ name, to, most }) =>
    partiesOfRole(contract, to)
      .filter((party) => party !== me)
      .map((peer) => ({ peer, class: name, most })),
  );
}

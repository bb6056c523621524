import type { MetricName } from '../../ml/metrics/evaluate.ts';
import type { LinearParameters } from '../../ml/vertical/linear/parameters.ts';
import type { TreeParameters } from '../../ml/vertical/trees/parameters.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import type { PsiEngine } from '../../protocols/psi/intersection.ts';

/** What the parties sign: everything that determines a task, every default resolved. */
export type Contract = TrainContract | PredictContract | PsiContract;

/** What contracts of every kind say. */
interface ContractTerms {
  readonly version: 1;
  readonly security: { readonly model: 'semi-honest'; readonly kappa: 128; readonly sigma: 40 };
  readonly leakage: LeakageStatement;
  readonly alignment: Alignment;
  /** Data holders first, in the order of their roles; then parties that only receive. */
  readonly parties: readonly ContractParty[];
  /** Parties that learn the result; each is in `parties`. */
  readonly receivers: readonly string[];
  /** The party whose node proposes the contract. */
  readonly initiator: string;
  /** What the result is for, in the coordinator's words; matched by policies. */
  readonly purpose: string;
  /** ISO 8601 UTC with milliseconds. */
  readonly createdAt: string;
  readonly expiresAt: string;
  /** 32 random bytes, hex. */
  readonly nonce: string;
}

/** The algorithm of a vertical linear model. */
export interface LinearAlgorithm {
  readonly name: 'logistic_regression' | 'linear_regression';
  readonly partition: 'vertical';
  /** Digest of the implementation: parties that run other code must not agree by accident. */
  readonly implementation: string;
}

/** The algorithm of boosted trees on vertically split columns. */
export interface TreeAlgorithm {
  readonly name: 'xgboost';
  readonly partition: 'vertical';
  readonly implementation: string;
}

/** A joint training. */
export type TrainContract = LinearTraining | TreeTraining;

interface Training extends ContractTerms {
  readonly kind: 'train';
  /** Each once. */
  readonly metrics: readonly MetricName[];
}

/** Of two data holders. */
export interface LinearTraining extends Training {
  readonly algorithm: LinearAlgorithm;
  readonly parameters: LinearParameters;
}

/** Of two data holders or more: a star around the label holder. */
export interface TreeTraining extends Training {
  readonly algorithm: TreeAlgorithm;
  readonly parameters: TreeParameters;
}

/** Scores of a trained model on other records. The data holders are those of the training. */
export type PredictContract = LinearPrediction | TreePrediction;

interface Prediction extends ContractTerms {
  readonly kind: 'predict';
  readonly model: {
    readonly id: string;
    /** The training that made it. */
    readonly taskId: string;
  };
}

export interface LinearPrediction extends Prediction {
  readonly algorithm: LinearAlgorithm;
  readonly parameters: ScoreParameters;
}

export interface TreePrediction extends Prediction {
  readonly algorithm: TreeAlgorithm;
  readonly parameters: TreeScoreParameters;
}

/** How scores are told. */
export interface ScoreParameters {
  /** From this probability on a record is of class 1; null where no probability of two is told. */
  readonly predict_threshold: number | null;
  /** Fraction bits of the opened scores. */
  readonly open_bits: number;
}

/**
 * The training's parameters that say what scoring reveals: bounds, as a training that stops early has
 * fewer trees. Each party compares them with the training's contract.
 */
export interface TreeScoreParameters
  extends ScoreParameters,
    Pick<TreeParameters, 'objective' | 'num_class' | 'max_depth' | 'num_trees'> {}

/** A contract, or terms of one, that names its algorithm. */
interface Named {
  readonly algorithm: { readonly name: Contract['algorithm']['name'] };
}
type OfTrees<C> = Extract<C, { readonly algorithm: { readonly name: TreeAlgorithm['name'] } }>;

/** Whether trees are trained. */
export function isTreeTraining<C extends Named>(training: C): training is OfTrees<C> {
  return training.algorithm.name === 'xgboost';
}

/** Whether trees score. */
export function isTreePrediction<C extends Named>(prediction: C): prediction is OfTrees<C> {
  return prediction.algorithm.name === 'xgboost';
}

/** A private set intersection whose result the receivers keep as a file. */
export interface PsiContract extends ContractTerms {
  readonly kind: 'psi';
  readonly algorithm: {
    /** Labelled: the receiver also learns the payload of the common records. */
    readonly name: 'intersection' | 'labelled_intersection';
    readonly partition: 'psi';
    readonly implementation: string;
  };
  readonly parameters: {
    /** `size`: how many records are in common, and not which. */
    readonly output: 'rows' | 'size';
    /** Which records a receiver's file has; left is the first party of the contract. */
    readonly join: 'inner' | 'left' | 'right' | 'full' | 'difference';
  };
}

/** How the parties' rows are matched. */
export interface Alignment {
  /** `psi`: private set intersection on the key columns. `row_order`: row i is row i everywhere. */
  readonly method: 'psi' | 'row_order';
  /** Which protocol finds the common keys; `ecdh` where the method needs none. */
  readonly engine: PsiEngine;
  /**
   * Rows with the same key: refuse the task, keep the first, or let every pair of records with one
   * key be a line of a set intersection's result.
   */
  readonly duplicates: 'reject' | 'first' | 'expand';
  /**
   * Common records below which the task ends before any party learns which they are, by a run that
   * counts them. 0: no such run. At least what each party's terms ask for.
   */
  readonly minimumIntersection: number;
}

/**
 * Training and prediction have one label holder (of a prediction: who held the label when the model
 * was trained), then feature holders. In a set intersection all bring keys alone: data holders.
 */
export type PartyRole = 'label_holder' | 'feature_holder' | 'data_holder' | 'receiver';

export interface ContractParty {
  readonly name: string;
  /** SHA-256 of the party's public key (SPKI, DER), lower-case hex. */
  readonly fingerprint: string;
  readonly role: PartyRole;
  /** Null for a party that only receives. */
  readonly dataset: DatasetTerms | null;
}

/** What a party brings, as it describes it itself. No values. */
export interface DatasetTerms {
  /** As the request names it: a path inside the party's roots. */
  readonly path: string;
  readonly type: 'csv' | 'json' | 'parquet';
  readonly rowCount: number;
  /** One or more, whose values in this order are the key; null for alignment by row order. */
  readonly keyColumns: readonly string[] | null;
  /** Null unless this party is the label holder of a training. */
  readonly labelColumn: string | null;
  /** Empty in a set intersection. */
  readonly features: readonly FeatureTerms[];
  /**
   * Columns whose values the receivers learn of the common records; empty unless this party provides
   * them in a labelled intersection.
   */
  readonly payload: readonly string[];
  /** This party's condition on the number of common records; 0 for none. */
  readonly minimumIntersection: number;
  /**
   * SHA-256("entente/dataset/v1" | salt | SHA-256(file)), hex; the owner keeps the 32-byte salt,
   * which it may show to an auditor.
   */
  readonly commitment: string;
}

export interface FeatureTerms {
  readonly name: string;
  readonly kind: 'numeric' | 'categorical';
  /**
   * Of a categorical feature only: its model columns, the levels but one. Their names stay at the
   * owner.
   */
  readonly categories?: number;
}

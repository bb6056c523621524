import { ROW_VARIANCE } from '../../../protocols/aggregation/parameters.ts';
import type { DisclosureClass, LeakageStatement } from '../../../protocols/disclosure.ts';
import { alignmentLeakage, type MatchingInputs } from '../../../protocols/psi/leakage.ts';
import { computedNodes, innerNodes, type TreeParameters, treesOf } from './parameters.ts';

/** A feature holder's model columns. */
export interface HolderColumns {
  readonly numeric: number;
  /** Columns of 0 and 1, of categorical features. */
  readonly indicators: number;
}

/** What the statement depends on. */
export interface TreeLeakageInputs extends Omit<MatchingInputs, 'parties'> {
  readonly parameters: TreeParameters;
  readonly alignment: 'psi' | 'row_order';
  /** Rows of the smallest table. */
  readonly rows: number;
  /** Columns of the label holder, and of each feature holder. */
  readonly labelHolderColumns: number;
  readonly featureHolders: readonly HolderColumns[];
  /** Number of requested metrics. */
  readonly metrics: number;
}

/** A task whose margin is smaller is refused, unless its owner's policy says otherwise. */
export const FEWEST_MARGIN = 1;

/** Range of an opened sum, log2: as wide as scales make it. */
const RANGE_BITS = 31;

/**
 * How much of the feature holders' bins the opened sums leave undetermined, by counting: rows over the bits that the
 * values of one candidate tell, one a row being what it takes. Below 1 the sums may determine which rows a candidate
 * sends to the left. It is no guard: above it regression still finds most rows' sides for columns that trees use, and
 * rows in small bins and small nodes (AUDIT.md, VT-1).
 *
 * rows / (vectors x log2(range / deviation)): vectors as they are computed, two a node at the roots and for every other
 * node below; range 2^31; deviation of the noise that a sum over half of the rows shares with no other. Errors do not
 * count: their reader knows them.
 */
export function reconstructionMargin({
  parameters,
  rows,
}: Pick<TreeLeakageInputs, 'parameters' | 'rows'>): number {
  const vectors = 2 * treesOf(parameters) * computedNodes(parameters);
  return rows / (vectors * effectiveBits(parameters, rows));
}

/** Bits that one opened value tells, at most. */
function effectiveBits({ noise_multiplier: noise }: TreeParameters, rows: number): number {
  const variance = noise ** 2 * ROW_VARIANCE * Math.max(1, rows / 2);
  return RANGE_BITS - Math.log2(variance) / 2;
}

/** The most candidates that a feature holder has in a round, missing values going either way. */
export function mostCandidates(
  { num_bins, colsample_bytree: share }: Pick<TreeParameters, 'num_bins' | 'colsample_bytree'>,
  { numeric, indicators }: HolderColumns,
): number {
  const brought =
    share === 1 ? numeric + indicators : Math.max(1, Math.floor(share * (numeric + indicators)));
  const numbers = Math.min(numeric, brought);
  // Indicators are never missing. A party without any candidate opens an empty sum.
  return Math.max(1, numbers * (2 * num_bins - 1) + (brought - numbers));
}

/** A class before its bound is known. */
type ClassTerms = Omit<DisclosureClass, 'most'>;

const SPLIT_SUMS: ClassTerms = {
  name: 'split_sums',
  to: 'label_holder',
  phase: 'training',
  elements:
    'number of trees x 2^(max_depth - 1) nodes x 2 x candidates of all feature holders: columns x (2 num_bins - 1)',
  meaning:
    'for the root of every tree, one child of every split and every candidate split of a feature holder the noisy sums of gradients and of second derivatives over the node’s records that go left; those of the other child follow; candidates have no names and a fresh order in every round, but stay recognisable within one',
};

const WINNING_SPLITS: ClassTerms = {
  name: 'winning_splits',
  to: 'feature_holder',
  phase: 'training',
  elements: 'number of trees x (2^max_depth - 1) nodes x number of feature holders',
  meaning: 'which of its own candidate splits each node is split by, or none of them',
};

const SPLIT_SIDES: ClassTerms = {
  name: 'split_sides',
  to: 'label_holder',
  phase: 'training',
  elements: 'common records x number of trees x max_depth x number of feature holders',
  meaning:
    'of every common record, held out or not, whether it goes left at its own node, where that is split by a feature holder',
};

const KEPT_SPLITS: ClassTerms = {
  name: 'kept_splits',
  to: 'feature_holder',
  phase: 'training',
  elements: 'number of trees x (2^max_depth - 1) nodes x number of feature holders',
  meaning: 'which of its splits are in the model',
};

const METRICS: ClassTerms = {
  name: 'metrics',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of requested metrics',
  meaning: 'quality figures of the joint model, computed by the label holder',
};

const TREES: ClassTerms = {
  name: 'trees',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of trees x (2^(max_depth + 1) - 1) nodes',
  meaning:
    'the shape of every tree, whose each split is, what it gained, and of every node the weight and the sum of second derivatives of the label holder’s records in it',
};

const THRESHOLDS: ClassTerms = {
  name: 'thresholds',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of trees x (2^max_depth - 1) nodes x number of parties',
  meaning:
    'column, threshold and direction of missing values of every split; a threshold is a value of its owner’s column, or between two of them',
};

const NO_COLLUSION =
  'semi-honest parties; feature holders may collude with each other, but not with the label holder';
const RING_LWE =
  'ring-LWE (N = 4096, 108-bit modulus, ternary secret; N = 2048, modulus 2^32, binary secret)';
const OTHER_ASSUMPTIONS =
  'CDH in Curve25519, AES-128 as PRG, random oracle and correlation-robust hash, random oracle SHA-256';

const COLUMN_COUNTS = 'number of rows, columns and categories of every dataset (in the contract)';

/**
 * The machine-readable statement of what vertical gradient boosting reveals under these parameters. Embedded in the
 * contract; the ledger refuses every opening that is not in it.
 */
export function treeLeakage(inputs: TreeLeakageInputs): LeakageStatement {
  const { parameters, rows, featureHolders: holders, labelHolderColumns } = inputs;
  const aligned = alignmentLeakage({
    ...inputs,
    parties: holders.length + 1,
    method: inputs.alignment,
  });
  const trees = treesOf(parameters);
  const nodes = trees * innerNodes(parameters);
  const candidates = holders.reduce((sum, each) => sum + mostCandidates(parameters, each), 0);
  const owners = holders.length + Number(labelHolderColumns > 0);
  const margin = reconstructionMargin(inputs);
  return {
    algorithm: 'vertical_xgboost',
    opened: [
      ...aligned.opened,
      { ...SPLIT_SUMS, most: trees * computedNodes(parameters) * 2 * candidates },
      { ...WINNING_SPLITS, most: nodes * holders.length },
      { ...SPLIT_SIDES, most: rows * trees * parameters.max_depth * holders.length },
      { ...KEPT_SPLITS, most: nodes * holders.length },
      { ...METRICS, most: inputs.metrics },
      ...(parameters.model_release === 'full'
        ? [
            { ...TREES, most: trees * (2 * innerNodes(parameters) + 1) },
            { ...THRESHOLDS, most: nodes * owners },
          ]
        : []),
    ],
    structural: [
      COLUMN_COUNTS,
      ...aligned.structural,
      'to every feature holder the shape of every tree: which nodes of a level are split further, by whomever, and the number of trees',
      'to the label holder the number of each feature holder’s candidates in every round',
      'timing and sizes of messages (functions of the contract, the intersection size and the above)',
      `reconstruction margin ${margin < 10 ? margin.toPrecision(2) : Math.floor(margin)}: common records, at most, over the bits that the opened sums of one candidate tell; below 1 they may determine the records on its sides; above 1 they still tell those of most records for columns that trees use, of rare values and of small nodes`,
    ],
    assumptions: [NO_COLLUSION, RING_LWE, OTHER_ASSUMPTIONS, ...aligned.assumptions],
  };
}

/** What the statement of a prediction depends on. */
export interface TreePredictionInputs extends Omit<MatchingInputs, 'parties'> {
  readonly parameters: Pick<TreeParameters, 'num_class' | 'max_depth'>;
  readonly alignment: 'psi' | 'row_order';
  /** Rows of the smallest table. */
  readonly rows: number;
  /** Trees of the model; at most those of the training's contract. */
  readonly trees: number;
  /** How many feature holders there are. */
  readonly featureHolders: number;
}

const PREDICTION_SIDES: ClassTerms = {
  ...SPLIT_SIDES,
  phase: 'evaluating',
  meaning:
    'of every common record whether it goes left at each split of a feature holder on its own paths',
};

const PREDICTION_SCORES: ClassTerms = {
  name: 'prediction_scores',
  to: 'receivers',
  phase: 'evaluating',
  elements: 'number of common records x number of classes',
  meaning: 'the joint prediction of every common record; its margin is rounded to open_bits',
};

/** What joint predictions reveal, whether or not the trees were released. */
export function treePredictionLeakage(inputs: TreePredictionInputs): LeakageStatement {
  const { parameters, rows, trees, featureHolders } = inputs;
  const aligned = alignmentLeakage({
    ...inputs,
    parties: featureHolders + 1,
    method: inputs.alignment,
  });
  return {
    algorithm: 'vertical_xgboost_prediction',
    opened: [
      ...aligned.opened,
      { ...PREDICTION_SIDES, most: rows * trees * parameters.max_depth * featureHolders },
      { ...PREDICTION_SCORES, most: rows * parameters.num_class },
    ],
    structural: [
      COLUMN_COUNTS,
      ...aligned.structural,
      'timing and sizes of messages (functions of the contract, the intersection size and the number of splits of each feature holder at every level, which the label holder knows)',
    ],
    assumptions: [NO_COLLUSION, OTHER_ASSUMPTIONS, ...aligned.assumptions],
  };
}

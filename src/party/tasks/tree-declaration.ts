/** What trainings and predictions of boosted trees reveal, and which of them this node's code runs. */
import {
  FEWEST_MARGIN,
  type HolderColumns,
  mostCandidates,
  reconstructionMargin,
  treeLeakage,
  treePredictionLeakage,
} from '../../ml/vertical/trees/leakage.ts';
import { innerNodes, treesOf } from '../../ml/vertical/trees/parameters.ts';
import { MAX_BUCKETS, MAX_ROWS } from '../../protocols/aggregation/parameters.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import type { FeatureTerms, TreePrediction, TreeTraining } from '../consensus/contract.ts';
import { featuresWidth } from '../consensus/feature-width.ts';
import { fewestRows, matchingOf } from './matching-terms.ts';

/** What the statement of a training depends on. */
export type TreeTrainingTerms = Pick<
  TreeTraining,
  'algorithm' | 'parameters' | 'alignment' | 'parties' | 'metrics'
>;

export type TreePredictionTerms = Pick<
  TreePrediction,
  'algorithm' | 'parameters' | 'alignment' | 'parties'
>;

/** What a training on these terms reveals; a contract without it is still a draft. */
export function treeLeakageOf(terms: TreeTrainingTerms): LeakageStatement {
  const { parameters, alignment, parties, metrics } = terms;
  const [holder, ...others] = parties.flatMap(({ dataset }) => dataset ?? []);
  return treeLeakage({
    parameters,
    alignment: alignment.method,
    ...matchingOf(terms),
    rows: fewestRows(terms),
    labelHolderColumns: featuresWidth(holder!.features),
    featureHolders: others.map(({ features }) => columnsOf(features)),
    metrics: metrics.length,
  });
}

/** What a prediction on these terms reveals. */
export function treePredictionLeakageOf(terms: TreePredictionTerms): LeakageStatement {
  const { parameters, alignment, parties } = terms;
  return treePredictionLeakage({
    parameters,
    alignment: alignment.method,
    ...matchingOf(terms),
    rows: fewestRows(terms),
    trees: treesOf(parameters),
    featureHolders: parties.filter(({ role }) => role === 'feature_holder').length,
  });
}

/** Nodes of a whole forest. Own choice: a model of a few GB. */
const MOST_NODES = 2 ** 24;
/** Words that a feature holder opens at one level: 256 MiB, at either side a few times over. Own choice. */
const MOST_LEVEL_WORDS = 2 ** 26;
/** Margins of all rows and classes: 1 GiB at the label holder. Own choice. */
const MOST_MARGINS = 2 ** 27;

/**
 * Why this node's code does not run a training on these terms, beginning with the parameter to change; null
 * when it does. Hints take 40 KiB a bin at a feature holder: `MAX_BUCKETS` bounds them.
 */
export function objectionToTrees(terms: TreeTrainingTerms): string | null {
  const { parameters, parties } = terms;
  const { num_class: classes, num_bins: bins, max_depth: depth } = parameters;
  const rows = fewestRows(terms);
  if (rows > MAX_ROWS)
    return `num_trees: trees are grown on at most ${MAX_ROWS} rows, here ${rows}`;
  if (rows * classes > MOST_MARGINS)
    return `num_class: so many classes of ${rows} rows are too many`;
  if (treesOf(parameters) * (2 * innerNodes(parameters) + 1) > MOST_NODES) {
    return `max_depth: num_trees of this depth may have more than ${MOST_NODES} nodes`;
  }
  for (const { name, role, dataset } of parties) {
    if (role !== 'feature_holder') continue;
    const columns = columnsOf(dataset!.features);
    const candidates = mostCandidates({ num_bins: bins, colsample_bytree: 1 }, columns);
    if (Math.max(candidates, bucketsOf(bins, columns)) > MAX_BUCKETS) {
      return `num_bins: the columns of ${name} may have more than ${MAX_BUCKETS} bins and splits together`;
    }
    if (classes * 2 ** (depth - 1) * 2 * candidates > MOST_LEVEL_WORDS) {
      return `max_depth: so many nodes with the splits of ${name} take too much memory; fewer num_bins take less`;
    }
  }
  return null;
}

/** Bins of all columns of a feature holder, that of missing numbers with them. */
function bucketsOf(bins: number, { numeric, indicators }: HolderColumns): number {
  return numeric * (bins + 1) + 2 * indicators;
}

/** Whether this node's code can score: its margins have to fit in memory. */
export function scoresTrees(terms: TreePredictionTerms): boolean {
  return fewestRows(terms) * terms.parameters.num_class <= MOST_MARGINS;
}

/** The reconstruction margin where a feature holder's policy refuses it unless it says otherwise; else null. */
export function lowMargin(terms: TreeTrainingTerms): string | null {
  const margin = reconstructionMargin({ parameters: terms.parameters, rows: fewestRows(terms) });
  return margin < FEWEST_MARGIN ? margin.toPrecision(2) : null;
}

function columnsOf(features: readonly FeatureTerms[]): HolderColumns {
  const numeric = features.filter(({ kind }) => kind === 'numeric').length;
  return { numeric, indicators: featuresWidth(features) - numeric };
}

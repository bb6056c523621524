/** What trainings and predictions of boosted trees reveal, and which of them this node's code runs. */
import {
  type HolderColumns,
  treeLeakage,
  treePredictionLeakage,
} from '../../ml/vertical/trees/leakage.ts';
import { treesOf } from '../../ml/vertical/trees/parameters.ts';
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

function columnsOf(features: readonly FeatureTerms[]): HolderColumns {
  const numeric = features.filter(({ kind }) => kind === 'numeric').length;
  return { numeric, indicators: featuresWidth(features) - numeric };
}

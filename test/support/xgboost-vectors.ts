import { readFileSync } from 'node:fs';
import type { BoostingOptions } from '../../src/ml/trees/gradient-boosting.ts';

/** A file of test/vectors/xgboost; each is made by a script beside it. */
export function loadXgboostVectors<T>(name: 'reference' | 'quantiles' | 'quality' | 'released'): T {
  return JSON.parse(readFileSync(`test/vectors/xgboost/${name}.json`, 'utf8')) as T;
}

/** XGBoost's parameters as it names them there. */
export type XgboostParameters = Readonly<Record<string, number | string>>;

/** The same parameters with our names. */
export function optionsFrom(parameters: XgboostParameters, numTrees: number): BoostingOptions {
  const named = Object.entries(parameters).map(([name, value]) => [NAMES[name]!, value]);
  return { numBins: 32, ...Object.fromEntries(named), numTrees };
}

const NAMES: Readonly<Record<string, keyof BoostingOptions>> = {
  objective: 'objective',
  num_class: 'numClass',
  max_depth: 'maxDepth',
  max_bin: 'numBins',
  eta: 'learningRate',
  gamma: 'gamma',
  min_child_weight: 'minChildWeight',
  lambda: 'regLambda',
  alpha: 'regAlpha',
  scale_pos_weight: 'scalePosWeight',
  base_score: 'baseScore',
};

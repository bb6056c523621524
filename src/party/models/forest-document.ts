/**
 * A released forest: in memory, and as the text of its file, which is XGBoost's own JSON format. What
 * XGBoost does not know of a model, whose its columns are above all, stands as JSON in the attribute
 * `entente`, which XGBoost keeps and does not read. Apart from the file's decoder: task threads make
 * forests and check none, and the checker takes a thread longer to load than everything else.
 */
import type { BoostedTrees } from '../../ml/trees/gradient-boosting.ts';
import { stringifyXgboostModel, toXgboostJson } from '../../ml/trees/xgboost-json.ts';
import type { TreeColumn } from '../../ml/vertical/trees/release.ts';
import type { ModelHead } from './model-head.ts';

export const FOREST_FORMAT = 'entente/forest/v1';
/** The attribute of the file. */
export const ATTRIBUTE = 'entente';

export interface ForestDocument extends ModelHead {
  readonly format: typeof FOREST_FORMAT;
  readonly algorithm: 'xgboost';
  /** What the trees' features count: by party, the levels of one column side by side and in order. */
  readonly columns: readonly TreeColumn[];
  /** Of the parameters those alone that predictions need are kept in the file, and the learning rate. */
  readonly trees: BoostedTrees;
}

/** The text of the file. */
export function forestText(document: ForestDocument): string {
  const { trees, columns, ...head } = document;
  const xgboost = toXgboostJson(trees, featureNames(columns));
  const learning_rate = trees.parameters.learningRate;
  const attributes = { [ATTRIBUTE]: JSON.stringify({ ...head, learning_rate, columns }) };
  return `${stringifyXgboostModel({ ...xgboost, learner: { ...xgboost.learner, attributes } })}\n`;
}

/** Of control characters and lone surrogates JSON has escapes that XGBoost does not read. */
const UNFIT = /[[\]<\p{Cc}\p{Cs}]/gu;

/**
 * `party.column`, or `party.column=LEVEL` with the level's number; what XGBoost takes in no name is `_`,
 * and of equal names the later ones get a number.
 */
export function featureNames(columns: readonly TreeColumn[]): string[] {
  const taken = new Set<string>();
  return columns.map(({ party, column, level }) => {
    const plain = `${party}.${column}${level === undefined ? '' : `=${level}`}`;
    const name = plain.replace(UNFIT, '_');
    let unique = name;
    for (let copy = 2; taken.has(unique); copy++) unique = `${name}_${copy}`;
    taken.add(unique);
    return unique;
  });
}

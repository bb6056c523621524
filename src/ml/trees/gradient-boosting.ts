/**
 * Gradient boosting of decision trees on histograms: XGBoost's `hist` with depth-wise growth, [CG16]
 * "XGBoost: A Scalable Tree Boosting System". Chen, Guestrin. https://arxiv.org/abs/1603.02754.
 * The same rows in the same order, without sampling, give the trees of XGBoost 1.7; its sums are of
 * 32-bit gradients, so that splits which gain the same to seven digits may be swapped.
 */
import type { Matrix } from '../data/matrix.ts';
import { type Next, permutation, seededGenerator } from '../data/random.ts';
import { binMatrix, fitBins } from './bins.ts';
import { growTree } from './grow.ts';
import { assertLabels, baseMargin, gradients, transformMargins } from './objective.ts';
import { type BoostingParameters, boostingParameters } from './parameters.ts';
import { addTree, type Tree } from './tree.ts';

export interface BoostedTrees {
  readonly parameters: BoostingParameters;
  readonly features: number;
  /** By round, one tree a class. */
  readonly rounds: readonly (readonly Tree[])[];
}

export interface BoostingOptions extends Partial<BoostingParameters> {
  /** For `subsample` and `colsampleBytree`. Default 0. */
  readonly seed?: number;
  /** Rows to watch, and when to stop. */
  readonly validation?: Validation;
}

export interface Validation {
  readonly X: Matrix;
  readonly y: Float64Array;
  /** Of predictions; smaller is better. */
  readonly loss: (y: Float64Array, predictions: readonly Float64Array[]) => number;
  /**
   * Rounds without a better loss after which training ends, one or more; the model then ends with its best
   * round. All rounds are grown and kept when this is left out.
   */
  readonly earlyStoppingRounds?: number;
}

/** X: [n, d], NaN where a value is missing; y: [n]. */
export function fitBoostedTrees(
  X: Matrix,
  y: Float64Array,
  { seed = 0, validation, ...given }: BoostingOptions = {},
): BoostedTrees {
  const parameters = boostingParameters(given);
  checkRows(X, y, parameters);
  if (validation) checkValidation(validation, X, parameters);
  const data = binMatrix(X, fitBins(X, parameters.numBins));
  const next = seededGenerator(seed);
  const margins = startMargins(parameters, X.rows);
  const watched = validation && startMargins(parameters, validation.X.rows);
  const patience = validation?.earlyStoppingRounds ?? Infinity;
  const rounds: Tree[][] = [];
  let best = { loss: Infinity, rounds: 0 };
  while (rounds.length < parameters.numTrees) {
    const rows = sampleRows(X.rows, parameters.subsample, next);
    const trees = gradients(parameters, margins, y).map((each) =>
      growTree(data, each, parameters, rows, sampleColumns(X.columns, parameters, next)),
    );
    rounds.push(trees);
    trees.forEach((tree, k) => {
      addTree(tree, X, margins[k]!);
      if (watched) addTree(tree, validation.X, watched[k]!);
    });
    if (!watched) continue;
    const loss = validation.loss(validation.y, transformMargins(parameters.objective, watched));
    if (loss < best.loss) best = { loss, rounds: rounds.length };
    else if (rounds.length - best.rounds >= patience) break;
  }
  const kept = patience < Infinity ? rounds.slice(0, Math.max(1, best.rounds)) : rounds;
  return { parameters, features: X.columns, rounds: kept };
}

/** Margins of every row: [numClass] x [n]. */
export function predictMargins(model: BoostedTrees, X: Matrix): readonly Float64Array[] {
  if (X.columns !== model.features) {
    throw new RangeError(`"X" expected ${model.features} columns, got ${X.columns}`);
  }
  const margins = startMargins(model.parameters, X.rows);
  for (const trees of model.rounds) {
    for (const [k, tree] of trees.entries()) addTree(tree, X, margins[k]!);
  }
  return margins;
}

/** Probabilities of class 1, of every class, or values: [numClass] x [n]. */
export function predictBoosted(model: BoostedTrees, X: Matrix): readonly Float64Array[] {
  return transformMargins(model.parameters.objective, predictMargins(model, X));
}

/** The margins before the first tree. */
export function startMargins(parameters: BoostingParameters, n: number): Float64Array[] {
  const start = baseMargin(parameters);
  return Array.from({ length: parameters.numClass }, () => new Float64Array(n).fill(start));
}

/** Each row with probability `share`, ascending; all of them when it is 1. At least one. */
export function sampleRows(n: number, share: number, next: Next): Uint32Array {
  const all = new Uint32Array(n);
  for (let i = 0; i < n; i++) all[i] = i;
  if (share === 1) return all;
  const chosen = all.filter(() => next() < share * 2 ** 32);
  return chosen.length > 0 ? chosen : all.subarray(0, 1);
}

/** floor(share d) columns, at least one, ascending. */
export function sampleColumns(
  d: number,
  { colsampleBytree: share }: Pick<BoostingParameters, 'colsampleBytree'>,
  next: Next,
): number[] {
  if (share === 1) return Array.from({ length: d }, (_, j) => j);
  const count = Math.max(1, Math.floor(share * d));
  return [...permutation(d, next).slice(0, count).sort()];
}

function checkValidation(
  { X, y, earlyStoppingRounds = 1 }: Validation,
  trained: Matrix,
  parameters: BoostingParameters,
): void {
  checkRows(X, y, parameters);
  if (X.columns !== trained.columns) {
    throw new RangeError(`"validation" expected ${trained.columns} columns, got ${X.columns}`);
  }
  if (!Number.isSafeInteger(earlyStoppingRounds) || earlyStoppingRounds < 1) {
    throw new RangeError(`"earlyStoppingRounds" expected one or more, got ${earlyStoppingRounds}`);
  }
}

function checkRows(X: Matrix, y: Float64Array, parameters: BoostingParameters): void {
  if (y.length !== X.rows) {
    throw new RangeError(`"y" expected ${X.rows} entries, one a row, got ${y.length}`);
  }
  if (X.rows === 0) throw new RangeError('"X" expected rows, got none');
  assertLabels(parameters, y);
}

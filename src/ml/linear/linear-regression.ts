/**
 * Linear regression: y = X w + b. Minimises sum_i (z_i - y_i)^2 / 2 + l2/2 ||w||^2, w the weights of
 * standardised features, b free: scikit-learn's `make_pipeline(StandardScaler(), Ridge(alpha=l2))`,
 * ordinary least squares at l2 = 0. The label is standardised for the iterations and the model scaled
 * back, which leaves the optimum where it is and makes learning rates independent of units.
 */

import { type Matrix, matrix, multiply, multiplyTransposed } from '../data/matrix.ts';
import { fitScaler } from '../data/standardise.ts';
import { DEFAULT_ITERATIONS } from './acceleration.ts';
import { CURVATURE, squaredErrorGradient } from './link.ts';
import {
  assertLabels,
  type FitOptions,
  fitAccelerated,
  fitStochastic,
  type LinearModel,
  predictLinear,
  unwhitenModel,
  whitenBlocks,
} from './model.ts';

/** X: [n, d] raw features; y: [n]. A column that depends on those before it gets weight 0. */
export function fitLinearRegression(
  X: Matrix,
  y: Float64Array,
  options: FitOptions = {},
): LinearModel {
  assertLabels(X, y);
  const { solver = 'exact', useIntercept = true } = options;
  const labels = fitScaler(matrix(y, y.length, 1));
  const scale = labels.scale[0]!;
  const mean = useIntercept ? labels.mean[0]! : 0;
  const target = y.map((label) => (label - mean) / scale);
  const model = fitStandardised(X, target, solver, options);
  return {
    weights: model.weights.map((weight) => weight * scale),
    intercept: model.intercept * scale + mean,
  };
}

/** X w + b of every row: [n]. */
export function predictValues(model: LinearModel, X: Matrix): Float64Array {
  return predictLinear(model, X);
}

function fitStandardised(
  X: Matrix,
  y: Float64Array,
  solver: NonNullable<FitOptions['solver']>,
  options: FitOptions,
): LinearModel {
  if (solver === 'exact') return normalEquations(X, y, options);
  const rowGradient = (z: number, row: number): number => squaredErrorGradient(z, y[row]!);
  if (solver === 'sgd') return fitStochastic(X, rowGradient, options);
  const { epochs = DEFAULT_ITERATIONS.linear } = options;
  return fitAccelerated(X, rowGradient, CURVATURE.squaredError, { ...options, epochs });
}

/**
 * The optimum: whitened as one block the Hessian is the identity, so v -= gradient is exact in one
 * step. The second step refines what rounding left.
 */
function normalEquations(X: Matrix, y: Float64Array, options: FitOptions): LinearModel {
  const blocks = whitenBlocks(X, CURVATURE.squaredError, { ...options, blockWidths: [X.columns] });
  const { U, ridge } = blocks[0]!;
  let v: Float64Array = new Float64Array(U.columns);
  for (let step = 0; step < 2; step++) {
    const residual = multiply(U, v).map((z, row) => squaredErrorGradient(z, y[row]!));
    const penalty = multiply(ridge, v);
    const g = multiplyTransposed(U, residual);
    v = v.map((value, j) => value - g[j]! / X.rows - penalty[j]!);
  }
  return unwhitenModel(blocks, [v]);
}

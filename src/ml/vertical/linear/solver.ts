/**
 * The two solvers of the vertical linear models, on shares from the first step to the last.
 *
 * `auto`: full batch on locally whitened blocks. The joint Hessian bound is then at most m, the number of
 * blocks, ridge included, so the step 1/m needs no tuning; Nesterov's momentum on a public schedule.
 * `sgd`: mini-batches of standardised rows with the request's learning rate, batch size and momentum.
 *
 * Functionality: label holder in (X_A, y), feature holder in X_H; each gets shares of all weights.
 * Security: semi-honest; everything between input and output is shared, encrypted or masked.
 * Leaks:    sizes and the number of steps; for logistic regression the domain guard's openings, which
 *           the contract declares.
 * Cost:     a step of n rows, D columns in all (intercept included), S_p = column + row blocks of p's matrix
 *           (`he/matrix-layout.ts`), C ciphertexts and B answers in the link's slots, o = 1 or with guard 2 outputs:
 *             label holder    S_H CIPHERTEXT_BYTES + S_A RING_ANSWER_BYTES + B o SLOT_ANSWER_BYTES
 *                             + 128 (ceil(n o / 8) + ceil(2 D / 8)), with guard 128 + 8 more
 *             feature holder  S_A CIPHERTEXT_BYTES + S_H RING_ANSWER_BYTES + B C CIPHERTEXT_BYTES
 *                             + 8 (n o + 2 D), with guard 16 more
 *           and B = C = 0, o = 1 for least squares. Five round trips one after another, four for least
 *           squares, two more with guard. `sgd`: the same for the rows of a batch.
 */

import { segmentShifts, truncate } from '../../../protocols/sharing/truncate.ts';
import { permutation, seededGenerator } from '../../data/random.ts';
import { acceleration } from '../../linear/acceleration.ts';
import type { TrainingContext } from './context.ts';
import { DomainGuard, type GuardState } from './domain-guard.ts';
import {
  add,
  concat,
  FEATURE_BITS,
  GRADIENT_BITS,
  LOGIT_BITS,
  MOMENTUM_BITS,
  POINT_BITS,
  RIDGE_BITS,
  STEP_BITS,
  scale,
  subtract,
  TRUNCATION_BITS,
  WEIGHT_BITS,
} from './fixed-point.ts';
import { linearErrors } from './linear-link.ts';
import { logisticErrors } from './logistic-link.ts';
import {
  type BlockShares,
  blockProducts,
  type ClearMatrix,
  type MatrixShape,
  transposedBlockProducts,
} from './products.ts';

/** Blocks of a two-party model. */
const BLOCKS = 2;

/** Momentum of `sgd` is a multiple of 2^-16: what stands before the truncation is below 2^62 for |u| < 2^20. */
const SGD_MOMENTUM_BITS = 16;

/** The step length of `sgd` is right to one part in this many, or the batch is refused. */
const STEP_PRECISION = 16;

/** One set of rows on which a step is taken. */
export interface Batch {
  /** This party's rows; for `auto` followed by its ridge matrix at `RIDGE_BITS`. */
  readonly matrix: ClearMatrix;
  /** Shape of the other party's. */
  readonly peer: MatrixShape;
  readonly rows: number;
  /** Label holder only. */
  readonly labels?: Float64Array;
  readonly rowWeights?: Float64Array;
}

/** Room for errors above 1: those of the logistic links are below 1.1, those of least squares grow with outliers. */
export const LOGISTIC_SLACK = 4;
export const LINEAR_SLACK = 16;

/** Called after every step; used for progress and cancellation. */
export type OnStep = (step: number, steps: number) => Promise<void> | void;

/** Where a solver stands between two steps: another run goes on from it, under keys of its own. */
export interface SolverState {
  /** Steps that were taken. */
  readonly step: number;
  /** Shares of the weights at `WEIGHT_BITS`. */
  readonly weights: BlockShares;
  /** Shares of the weights one step before (`auto`), of the velocity (`sgd`). */
  readonly momentum: BlockShares;
  readonly guard: GuardState;
}

/** How a solver is watched, and where it begins. */
export interface SolverRun {
  readonly onStep: OnStep;
  /** Default: at the public zero. */
  readonly resume?: SolverState | null;
  /** Called after every step, before `onStep`; with the number of steps as it is then. */
  readonly onState?: (state: SolverState, steps: number) => void;
}

/**
 * Step of `auto`: 1/m, shortened until the factor of the data term is whole. At 10^6 rows that factor is about
 * 20, so the step is up to a twentieth shorter.
 */
export function fullBatchStep(rows: number): {
  readonly dataFactor: number;
  readonly step: number;
} {
  const dataFactor = Math.floor(2 ** (STEP_BITS - GRADIENT_BITS) / (BLOCKS * rows)); // >= 1 up to MAX_ROWS
  return { dataFactor, step: (dataFactor * rows) / 2 ** (STEP_BITS - GRADIENT_BITS) };
}

/** The state after `iterations` accelerated full-batch steps, counted from the start. */
export async function solveFullBatch(
  context: TrainingContext,
  batch: Batch,
  iterations: number,
  { onStep, resume, onState }: SolverRun,
): Promise<SolverState> {
  const guard = new DomainGuard(context, resume?.guard);
  const { dataFactor, step } = fullBatchStep(batch.rows);
  const ridgeFactor = Math.round(step * 2 ** (STEP_BITS - RIDGE_BITS - POINT_BITS));
  const spread = 2 ** MOMENTUM_BITS;

  let state = resume ?? startOf(batch, guard);
  let last = Math.max(iterations, guard.runUntil);
  for (let t = state.step; t < last; t++) {
    const { weights, momentum: previous } = state;
    const b = Math.round(acceleration(Math.max(0, t - 1)) * spread);
    // y = (1 + b) w - b w', exact: b is a multiple of 2^-6
    const point = mapBlocks(weights, previous, (w, p) =>
      subtract(scale(w, spread + b), scale(p, b)),
    );
    const products = await blockProducts(context, batch.matrix, batch.peer, point);
    const [z, ridge] = splitRows(products, batch.rows);

    const e = await errors(context, guard, batch, z, LOGIT_BITS, [t, last]);
    last = Math.max(last, guard.runUntil);
    const gradient = await transposedBlockProducts(context, batch.matrix, batch.peer, e);
    const raw = mapBlocks(gradient, ridge, (g, r) =>
      add(scale(g, dataFactor), scale(r, ridgeFactor)),
    );

    const [y, delta] = await truncateBlocks(context, [
      { shares: point, shift: MOMENTUM_BITS },
      { shares: raw, shift: STEP_BITS - WEIGHT_BITS },
    ]);
    const next = mapBlocks(y!, delta!, subtract);
    state = { step: t + 1, weights: next, momentum: weights, guard: guard.state };
    onState?.(state, last);
    await onStep(t + 1, last);
  }
  return state;
}

/** What `sgd` is told by the contract. */
export interface SgdOptions {
  readonly epochs: number;
  readonly learningRate: number;
  readonly momentum: number;
  /** l2 / n, n the number of training rows. */
  readonly ridge: number;
  readonly seed: number;
  readonly trainingRows: number;
  /** Whether the last column of the label holder's block is the intercept, which is not penalised. */
  readonly intercept: boolean;
}

/** A step of one batch in integers: `data` X_b^T e + `ridge` w at scale `bits` is step (X_b^T e / B + l2/n w). */
export interface SgdStep {
  readonly bits: number;
  readonly data: number;
  readonly ridge: number;
}

/**
 * The integers of one batch's step. With unit columns and |e| <= 1, |X_b^T e / B| <= sqrt(n / B) by Cauchy-Schwarz;
 * `slack` is the room above that. The ridge takes the step as it was rounded, so the optimum is where it should be.
 * Throws `RangeError` when the batch is so large that the step would be rounded too coarsely.
 */
export function sgdStep(
  { learningRate, ridge, trainingRows }: Omit<SgdOptions, 'epochs' | 'momentum' | 'seed'>,
  rows: number,
  slack: number,
): SgdStep {
  const bound = slack * learningRate * Math.sqrt(trainingRows / rows + 1);
  const bits = Math.min(
    80,
    Math.max(GRADIENT_BITS, TRUNCATION_BITS - 1 - Math.ceil(Math.log2(bound))),
  );
  const data = Math.round((learningRate / rows) * 2 ** (bits - GRADIENT_BITS));
  if (2 * data < STEP_PRECISION) {
    throw new RangeError('"batch_size" expected fewer rows at this learning rate');
  }
  const step = (data * rows) / 2 ** (bits - GRADIENT_BITS);
  return { bits, data, ridge: Math.round(step * ridge * 2 ** (bits - WEIGHT_BITS)) };
}

/** The state after `epochs` passes, counted from the start; weights are those of standardised features. */
export async function solveSgd(
  context: TrainingContext,
  batches: readonly Batch[],
  options: SgdOptions,
  { onStep, resume, onState }: SolverRun,
): Promise<SolverState> {
  const guard = new DomainGuard(context, resume?.guard);
  const one = 2 ** SGD_MOMENTUM_BITS;
  const decay = Math.min(one - 1, Math.round(options.momentum * one));
  const slack = context.loss === null ? LINEAR_SLACK : LOGISTIC_SLACK;
  const sizes = batches.map(({ rows }) => sgdStep(options, rows, slack));

  let state = resume ?? startOf(batches[0]!, guard);
  let steps = Math.max(options.epochs * batches.length, guard.runUntil);
  while (state.step < steps) {
    const epoch = Math.floor(state.step / batches.length);
    const order = permutation(batches.length, seededGenerator(options.seed + 1 + epoch));
    for (const index of order.subarray(state.step % batches.length)) {
      const { step, weights, momentum: velocity } = state;
      if (step === steps) break; // a widened domain may ask for part of one more epoch
      const batch = batches[index]!;
      const size = sizes[index]!;
      const products = await blockProducts(context, batch.matrix, batch.peer, weights);
      const z = add(products.own, products.peer);

      const e = await errors(context, guard, batch, z, FEATURE_BITS + WEIGHT_BITS, [step, steps]);
      steps = Math.max(steps, guard.runUntil);
      const gradient = await transposedBlockProducts(context, batch.matrix, batch.peer, e);
      const penalised = withoutIntercept(context.role, weights, options.intercept);
      const raw = mapBlocks(gradient, penalised, (g, w) =>
        add(scale(g, size.data), scale(w, size.ridge)),
      );

      const kept = mapBlocks(velocity, velocity, (u) => scale(u, decay));
      const [decayed, delta] = await truncateBlocks(context, [
        { shares: kept, shift: SGD_MOMENTUM_BITS },
        { shares: raw, shift: size.bits - WEIGHT_BITS },
      ]);
      const next = mapBlocks(decayed!, delta!, add);
      state = {
        step: step + 1,
        weights: mapBlocks(weights, next, subtract),
        momentum: next,
        guard: guard.state,
      };
      onState?.(state, steps);
      await onStep(step + 1, steps);
    }
  }
  return state;
}

/** Shares of the errors at `ERROR_BITS`, checking the domain when the guard's schedule says so. */
async function errors(
  context: TrainingContext,
  guard: DomainGuard,
  batch: Batch,
  z: BigUint64Array,
  logitBits: number,
  [step, steps]: readonly [step: number, steps: number],
): Promise<BigUint64Array> {
  const rows = {
    z,
    logitBits,
    ...(batch.labels && { labels: batch.labels }),
    ...(batch.rowWeights && { rowWeights: batch.rowWeights }),
  };
  if (context.loss === null) return linearErrors(context, rows);
  const check = guard.isDue(step, steps);
  const { e, edge } = await logisticErrors(context, guard.domain, rows, check);
  if (edge !== null) await guard.inspect(edge, batch.rows, step);
  return e;
}

interface TruncationPart {
  readonly shares: BlockShares;
  readonly shift: number;
}

/** Truncates several pairs of blocks in one round; the label holder's block comes first at both parties. */
async function truncateBlocks(
  context: TrainingContext,
  parts: readonly TruncationPart[],
): Promise<BlockShares[]> {
  const first = context.role === 'label_holder' ? 'own' : 'peer';
  const second = first === 'own' ? 'peer' : 'own';
  const pieces = parts.flatMap(({ shares }) => [shares[first], shares[second]]);
  const shifts = segmentShifts(
    parts.map(({ shares, shift }) => ({
      count: shares[first].length + shares[second].length,
      shift,
    })),
  );
  const cut = await truncate(context.ot, concat(...pieces), shifts);
  let at = 0;
  return parts.map(({ shares }) => {
    const middle = at + shares[first].length;
    const end = middle + shares[second].length;
    const [a, b] = [cut.slice(at, middle), cut.slice(middle, end)];
    at = end;
    return first === 'own' ? { own: a, peer: b } : { own: b, peer: a };
  });
}

/** z summed over the blocks, and the rows after it, which are the ridge's. */
function splitRows(products: BlockShares, n: number): [z: BigUint64Array, rest: BlockShares] {
  const z = add(products.own.subarray(0, n), products.peer.subarray(0, n));
  return [z, { own: products.own.subarray(n), peer: products.peer.subarray(n) }];
}

function mapBlocks(
  a: BlockShares,
  b: BlockShares,
  f: (a: BigUint64Array, b: BigUint64Array) => BigUint64Array,
): BlockShares {
  return { own: f(a.own, b.own), peer: f(a.peer, b.peer) };
}

/** The weights with 0 for the intercept, which is the last of the label holder's block. */
function withoutIntercept(
  role: TrainingContext['role'],
  weights: BlockShares,
  intercept: boolean,
): BlockShares {
  if (!intercept) return weights;
  const block = role === 'label_holder' ? 'own' : 'peer';
  const others = weights[block].slice();
  others[others.length - 1] = 0n;
  return { ...weights, [block]: others };
}

/** Both parties start from the public zero. */
function startOf({ matrix, peer }: Batch, guard: DomainGuard): SolverState {
  const zero = {
    own: new BigUint64Array(matrix.columns),
    peer: new BigUint64Array(peer.columns),
  };
  return { step: 0, weights: zero, momentum: zero, guard: guard.state };
}

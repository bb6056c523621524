/**
 * Joint scores of rows, rounded to `open_bits` while they are shared: the low bits of an exact score would be an
 * integer equation about the other party's columns. After a training the label holder reads those of the held-out
 * rows, or of the training rows, and computes the metrics from them.
 *
 * Functionality: z = X_A w_A + X_H w_H of every row, rounded down or up.
 *   Label holder   in: X_A [n, D_A], shares of w   out: z [n]
 *   Feature holder in: X_H [n, D_H], shares of w   out: nothing
 *
 * Security: semi-honest, one corruption; that of the block products and of faithful truncation.
 * Leaks:    n; z, declared as the class that the caller names and opened through the ledger. Of each score the
 *           reader also learns how the cut bits compare with a number that it knows (`sharing/truncate.ts`), and
 *           if it learns w later, one linear equation about X_H.
 * Cost:     both block products (`he/matrix-product.ts`), one truncation of n values, 8 n bytes to the label holder.
 */

import { revealReceiver, revealSender } from '../../../protocols/sharing/open.ts';
import { truncate } from '../../../protocols/sharing/truncate.ts';
import { sigmoid } from '../../linear/link.ts';
import { type Evaluation, evaluate, type MetricName } from '../../metrics/evaluate.ts';
import { roundMetrics, tooFewToReport } from '../reported-metrics.ts';
import type { TrainingContext } from './context.ts';
import type { TargetScale } from './design.ts';
import { add, FEATURE_BITS, fromFixed, toFixed, WEIGHT_BITS } from './fixed-point.ts';
import { type BlockShares, blockProducts, type ClearMatrix } from './products.ts';

/** Which disclosure class the contract declares for these rows. */
export type ScoreClass = 'validation_scores' | 'training_scores';

/**
 * Opens z = X_A w_A + X_H w_H of every row to the label holder.
 * @param rows this party's rows in the solver's coordinates
 * @returns the scores at the label holder, null at the feature holder
 */
export async function openScores(
  context: TrainingContext,
  rows: ClearMatrix,
  weights: BlockShares,
  openBits: number,
  scoreClass: ScoreClass,
): Promise<Float64Array | null> {
  const rounded = await roundedScores(context, rows, weights, openBits, 0);
  const disclosure = { class: scoreClass, to: [context.parties[0]], elements: rounded.length };
  if (context.role === 'feature_holder') {
    await revealSender(context.channel, context.ledger, disclosure, rounded);
    return null;
  }
  return fromFixed(
    await revealReceiver(context.channel, context.ledger, disclosure, rounded),
    openBits,
  );
}

/** Shares of z + centre at `openBits`, [n]. The centre is the label holder's; 0 at the feature holder. */
export async function roundedScores(
  context: TrainingContext,
  rows: ClearMatrix,
  weights: BlockShares,
  openBits: number,
  centre: number,
): Promise<BigUint64Array> {
  const peer = { rows: rows.rows, columns: weights.peer.length };
  const products = await blockProducts(context, rows, peer, weights);
  const at = FEATURE_BITS + WEIGHT_BITS;
  const [offset] = toFixed([centre], at);
  const z = add(products.own, products.peer).map((share) => share + offset!);
  return truncate(context.ot, z, at - openBits);
}

export interface MetricOptions {
  readonly names: readonly MetricName[];
  readonly loss: 'logloss' | 'mse' | null;
  readonly threshold: number;
  readonly target: TargetScale | null;
  /** Significant bits of every metric. */
  readonly openBits: number;
  /** Whether a party that does not hold the labels receives the metrics. */
  readonly leaveLabelHolder: boolean;
}

/**
 * Label holder: the requested metrics of opened scores against the labels of the same rows, rounded. When others
 * receive them and the rows are so few that they would tell labels, all are null.
 */
export function metricsOf(
  scores: Float64Array,
  labels: Float64Array,
  options: MetricOptions,
): Evaluation {
  const { names, loss, threshold, target, openBits, leaveLabelHolder } = options;
  const few = leaveLabelHolder && tooFewToReport(names, labels, loss === null ? 0 : 2);
  if (few) return few;
  const predicted =
    loss === null
      ? scores.map((z) => z * 2 ** target!.exponent + target!.centre)
      : scores.map(sigmoid);
  const evaluation = evaluate(
    names,
    labels,
    predicted,
    loss === null ? { task: 'regression' } : { task: 'binary', loss, threshold },
  );
  return roundMetrics(evaluation, openBits);
}

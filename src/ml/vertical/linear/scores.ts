/**
 * Joint scores of rows, opened once to the label holder, rounded to `open_bits`: the low bits of an exact
 * score would be an integer equation about the other party's columns.
 */

import { revealReceiver, revealSender } from '../../../protocols/sharing/open.ts';
import { truncate } from '../../../protocols/sharing/truncate.ts';
import { sigmoid } from '../../linear/link.ts';
import { type Evaluation, evaluate, type MetricName } from '../../metrics/evaluate.ts';
import type { TrainingContext } from './context.ts';
import type { TargetScale } from './design.ts';
import { add, FEATURE_BITS, fromFixed, WEIGHT_BITS } from './fixed-point.ts';
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
  const peer = { rows: rows.rows, columns: weights.peer.length };
  const products = await blockProducts(context, rows, peer, weights);
  const z = add(products.own, products.peer);
  const rounded = await truncate(context.ot, z, FEATURE_BITS + WEIGHT_BITS - openBits);
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

export interface MetricOptions {
  readonly names: readonly MetricName[];
  readonly loss: 'logloss' | 'mse' | null;
  readonly threshold: number;
  readonly target: TargetScale | null;
}

/** Label holder: the requested metrics of opened scores against the labels of the same rows. */
export function metricsOf(
  scores: Float64Array,
  labels: Float64Array,
  options: MetricOptions,
): Evaluation {
  const { names, loss, threshold, target } = options;
  if (loss === null) {
    const predicted = scores.map((z) => z * 2 ** target!.exponent + target!.centre);
    return evaluate(names, labels, predicted, { task: 'regression' });
  }
  return evaluate(names, labels, scores.map(sigmoid), { task: 'binary', loss, threshold });
}

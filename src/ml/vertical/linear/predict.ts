/**
 * Joint scores of new rows by a vertical linear model that is in shares: one forward product.
 *
 * Functionality: z = X_A w_A + X_H w_H + b of every row, rounded to `open_bits`; probabilities or values.
 *   Label holder   in: X_A [n, d_A], its part of the model   out: n scores if it receives them
 *   Feature holder in: X_H [n, d_H], its part of the model   out: n scores if it receives them
 *
 * Security: semi-honest, one corruption, no dealer; that of the products and of faithful truncation. This run
 *           shows no party the other's rows, a weight or an exact score. Shares of the weights are inputs and not
 *           masks, so as many runs as wanted may use them, each with keys, masks and transfers of its own.
 * Leaks:    what `predictionLeakage` declares, each opening through the ledger; n and the widths of both blocks.
 *           Of each score its reader also learns how the cut bits compare with a number that it knows
 *           (`sharing/truncate.ts`). A row out of range ends the run before it begins, which tells that there is one.
 *           `score_unit`: a regression's scores are rounded in units of the label's deviation, a power of two
 *           2^k, as weights are. Whoever reads them sees that grid; a feature holder that reads them is told
 *           k. Rounding in a unit that needs no telling would open as many bits as the label is large.
 * Cost:     keys and base transfers once; then for each `rowsAtOnce` rows n, with C_p column and R_p row blocks of
 *           p's rows (`he/matrix-layout.ts`), in three round trips one after another, all of it linear in n:
 *             label holder    C_H CIPHERTEXT_BYTES + R_A RING_ANSWER_BYTES + 128 ceil(n / 8)
 *             feature holder  C_A CIPHERTEXT_BYTES + R_H RING_ANSWER_BYTES + 8 n
 *           and 8 n from each party whose peer receives the scores.
 *
 * Names: A, H = label and feature holder; X_p = p's rows in its block's coordinates; w_p = weights of that block;
 *   b = intercept, a column of X_A, and the label's centre.
 */
import { ReleasedTarget } from '../../../../proto/gen/linear.ts';
import { DEGREE } from '../../../kernels/rlwe-kernel.ts';
import type { Channel } from '../../../protocols/channel.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { open, revealReceiver, revealSender } from '../../../protocols/sharing/open.ts';
import type { Matrix } from '../../data/matrix.ts';
import type { RowTransformation } from '../../data/whiten.ts';
import { sigmoid } from '../../linear/link.ts';
import { type ContextOptions, setupTraining, type TrainingContext } from './context.ts';
import { clearMatrix, scoringRows, type TargetScale } from './design.ts';
import { fromFixed } from './fixed-point.ts';
import type { BlockShares } from './products.ts';
import { decodeExponent } from './publish.ts';
import { roundedScores } from './scores.ts';

/** What a party keeps of a model to score with. */
export interface ScoringPart {
  /** Shares of the weights at `WEIGHT_BITS`. */
  readonly weights: BlockShares;
  /** How this party's columns become those that its block's weights multiply. */
  readonly transformation: RowTransformation;
  /** Label holder only, for linear regression. */
  readonly target: TargetScale | null;
}

/** A prediction as the contract fixes it, seen by one party. */
export interface PredictionTask extends Omit<ContextOptions, 'loss'> {
  readonly algorithm: 'logistic_regression' | 'linear_regression';
  /** Names of the parties that learn the scores: one of the two, or both. */
  readonly receivers: readonly string[];
  readonly openBits: number;
  /** Called after every block of rows. */
  readonly onRows: (rows: number, of: number) => void;
}

/** Entries of a row block: 32 MB when encoded. */
const ENTRIES_AT_ONCE = 1 << 21;

/** Rows that are scored at a time, by the wider party's columns, the intercept's included. */
export function rowsAtOnce(columns: number): number {
  return DEGREE * Math.max(1, Math.floor(ENTRIES_AT_ONCE / columns / DEGREE));
}

/**
 * Scores rows with the other party over `ch`: row i of one is row i of the other. Both parties call it with the
 * same task. Throws `RowOutOfRangeError` before anything is sent.
 * @param X this party's columns, encoded as in training, [n, d]
 * @returns probabilities of class 1, or values in the label's unit, [n]; null at a party that receives none
 */
export async function predictVerticalLinear(
  ch: Channel,
  X: Matrix,
  part: ScoringPart,
  task: PredictionTask,
  rng: Rng,
): Promise<Float64Array | null> {
  const { role, parties, receivers, algorithm, onRows } = task;
  const [me, peer] = role === 'label_holder' ? parties : [parties[1], parties[0]];
  const [mine, theirs] = [receivers.includes(me), receivers.includes(peer)];
  if (!mine && !theirs) throw new RangeError('"receivers" expected one of the two parties');
  const { weights, target } = part;
  const D = weights.own.length;
  const entries = scoringRows(part.transformation, X);
  if (entries.length !== X.rows * D) throw new RangeError(`"X" expected columns for ${D} weights`);
  const n = X.rows;
  if (n === 0) return mine ? new Float64Array() : null;

  const context = await setupTraining(ch, { ...task, loss: null }, rng);
  const unit = algorithm === 'linear_regression' ? await scoreUnit(context, receivers, target) : 0;
  const centre = target ? target.centre / 2 ** target.exponent : 0;

  const scores = mine ? new Float64Array(n) : null;
  const step = rowsAtOnce(Math.max(D, weights.peer.length));
  for (let from = 0; from < n; from += step) {
    const to = Math.min(n, from + step);
    const rows = clearMatrix(context, entries.subarray(from * D, to * D), to - from);
    const rounded = await roundedScores(context, rows, weights, task.openBits, centre);
    rows.encoded.free();
    const opened = await openTo(context, [mine, theirs], receivers, rounded);
    if (scores && opened) scores.set(fromFixed(opened, task.openBits), from);
    onRows(to, n);
  }
  context.he.close();
  if (!scores) return null;
  return scores.map(algorithm === 'linear_regression' ? (z) => z * 2 ** unit : sigmoid);
}

/** The unit of a regression's scores at those who receive them. */
async function scoreUnit(
  { role, channel, ledger, parties }: TrainingContext,
  receivers: readonly string[],
  target: TargetScale | null,
): Promise<number> {
  if (role === 'label_holder' && !target) throw new RangeError('"part" expected a target scale');
  const featureHolder = parties[1];
  if (receivers.includes(featureHolder)) {
    const disclosure = { class: 'score_unit', to: [featureHolder], elements: 1 };
    if (role === 'feature_holder') {
      await ledger.record({ ...disclosure, value: null });
      return decodeExponent((await channel.receive(ReleasedTarget)).exponent);
    }
    const unit = { exponent: target!.exponent };
    await ledger.record({ ...disclosure, value: ReleasedTarget.encode(unit).finish() });
    await channel.send(ReleasedTarget, unit);
  }
  return target?.exponent ?? 0;
}

/** Opens rounded scores to their receivers; null at a party that is none. */
async function openTo(
  { channel, ledger }: TrainingContext,
  [mine, theirs]: readonly [boolean, boolean],
  receivers: readonly string[],
  rounded: BigUint64Array,
): Promise<BigUint64Array | null> {
  const disclosure = { class: 'prediction_scores', to: receivers, elements: rounded.length };
  if (mine && theirs) return open(channel, ledger, disclosure, rounded);
  if (mine) return revealReceiver(channel, ledger, disclosure, rounded);
  await revealSender(channel, ledger, disclosure, rounded);
  return null;
}

/**
 * Release of a linear model: from shared weights in the solver's coordinates to weights of raw columns
 * that the receivers, and nobody else, learn, rounded to `open_bits`.
 *
 * Opening v_p together with the whitening would give away the Gram matrix, so the owner of a block
 * applies its map W_p D_p^{-1} on shares (one product with a private matrix). Each column has a unit, a
 * public power of two next to its standard deviation, so that rounding is relative to it. The intercept
 * takes up the columns' means times the *rounded* weights, on shares as well: the means stay private
 * and the rounding does not shift the scores.
 *
 * Functionality: in: shares of v; private W_p, means, scales; out: shares of (w, b), scale `open_bits`.
 * Security: semi-honest; that of the products and of faithful truncation.
 * Leaks:    nothing by itself; the receivers learn what is then opened, and each column's unit.
 * Cost:     two block products, three truncation rounds of d_A + d_H + 1 values in all.
 */

import { truncate } from '../../../protocols/sharing/truncate.ts';
import type { Whitening } from '../../data/whiten.ts';
import type { TrainingContext } from './context.ts';
import { type ColumnName, clearMatrix, exponentOf, type TargetScale } from './design.ts';
import { add, concat, subtract, sum, toFixed, toFixedInt32, WEIGHT_BITS } from './fixed-point.ts';
import type { LinearParameters } from './parameters.ts';
import { type BlockShares, blockProducts } from './products.ts';

/** Scale of the means in units of their columns. */
const MEAN_BITS = 12;

/** Largest |mean| / standard deviation of a column: what 31 bits hold at `MEAN_BITS`, halved. */
const MAX_OFFSET = 2 ** 18;

/** Entries of the small private matrices stay below 2^31. */
const SMALL_ENTRY_BITS = 31;

/** A column of this party's table that cannot be trained on as it is. Names it, no values. */
export class UnsuitableColumnError extends RangeError {
  constructor(message: string) {
    super(message);
    this.name = 'UnsuitableColumnError';
  }
}

/** What is needed of one party's block. */
export interface BlockMap {
  readonly whitening: Whitening;
  /** Unit of each column: weights are released in multiples of 2^-open_bits / 2^exponent. */
  readonly exponents: Int32Array;
  /** The map to weights in those units at `weightMapBits`, [D, D]. */
  readonly entries: Int32Array;
}

/**
 * Units next to the columns' standard deviations, and the map. Throws `UnsuitableColumnError` naming a column that
 * lies so far from zero, measured in its own spread, that its intercept share would not fit, or when
 * columns depend on each other too closely for the map to fit: found before training.
 */
export function blockMap(
  whitening: Whitening,
  columns: readonly ColumnName[],
  parameters: LinearParameters,
): BlockMap {
  const { mean, scale, constant } = whitening.scaler;
  mean.forEach((m, j) => {
    if (!constant[j] && Math.abs(m) > MAX_OFFSET * scale[j]!) {
      throw new UnsuitableColumnError(
        `column "${columns[j]!.column}" lies more than ${MAX_OFFSET} standard deviations from zero: subtract an offset`,
      );
    }
  });
  const exponents = Int32Array.from(scale, exponentOf);
  return { whitening, exponents, entries: weightMap(whitening, exponents, columns, parameters) };
}

/** Throws `UnsuitableColumnError` for a label whose intercept would not fit: found before training. */
export function checkTarget({ centre, exponent }: TargetScale): void {
  if (Math.abs(centre) > MAX_OFFSET * 2 ** exponent) {
    throw new UnsuitableColumnError(
      `the label lies more than ${MAX_OFFSET} standard deviations from zero: subtract an offset`,
    );
  }
}

/** Shares of the model to be opened: label holder's columns, feature holder's columns, intercept. */
export async function releasedShares(
  context: TrainingContext,
  own: BlockMap,
  peerFeatures: number,
  weights: BlockShares,
  parameters: LinearParameters,
  target: TargetScale | null,
): Promise<BigUint64Array> {
  const labelHolder = context.role === 'label_holder';
  const features = own.exponents.length;
  const peerColumns = weights.peer.length;
  const mapBits = weightMapBits(parameters);
  const openBits = parameters.open_bits;
  const at = WEIGHT_BITS + mapBits;

  const map = clearMatrix(context, own.entries, own.whitening.ridge.rows);
  const mapped = await blockProducts(
    context,
    map,
    { rows: peerColumns, columns: peerColumns },
    weights,
  );
  map.encoded.free();
  const rounded = await truncate(context.ot, ordered(labelHolder, mapped), at - openBits);
  const [ownRounded, peerRounded] = parts(labelHolder, rounded, [map.rows, peerColumns]);

  // intercept: b' - sum_j mean_j w_j, at openBits + MEAN_BITS, over the blocks' rounded weights
  const means = clearMatrix(context, meanRow(own), 1);
  const shifts = await blockProducts(
    context,
    means,
    { rows: 1, columns: peerColumns },
    { own: ownRounded, peer: peerRounded },
  );
  means.encoded.free();
  const intercept = await interceptShare(
    context,
    mapped,
    shifts,
    [features, peerFeatures],
    at,
    openBits,
    target,
  );
  const [ownWeights, peerWeights] = [
    ownRounded.subarray(0, features),
    peerRounded.subarray(0, peerFeatures),
  ];
  return labelHolder
    ? concat(ownWeights, peerWeights, intercept)
    : concat(peerWeights, ownWeights, intercept);
}

async function interceptShare(
  context: TrainingContext,
  mapped: BlockShares,
  shifts: BlockShares,
  [features, peerFeatures]: readonly [number, number],
  mappedBits: number,
  openBits: number,
  target: TargetScale | null,
): Promise<BigUint64Array> {
  const labelHolder = context.role === 'label_holder';
  const bits = openBits + MEAN_BITS;
  const block = labelHolder ? mapped.own : mapped.peer;
  const row = block.subarray(labelHolder ? features : peerFeatures); // empty without intercept
  const base = await truncate(context.ot, BigUint64Array.of(sum(row)), mappedBits - bits);
  let share = subtract(base, add(shifts.own, shifts.peer));
  if (labelHolder && target) {
    share = add(share, toFixed([target.centre / 2 ** target.exponent], bits));
  }
  return truncate(context.ot, share, MEAN_BITS);
}

/** Row j: 2^k_j / s_j times row j of W; the intercept's row last, where the block has one. [D, D] */
function weightMap(
  whitening: Whitening,
  exponents: Int32Array,
  columns: readonly ColumnName[],
  parameters: LinearParameters,
): Int32Array {
  const { W, ridge, scaler, interceptValue } = whitening;
  const bits = weightMapBits(parameters);
  const limit = 2 ** (SMALL_ENTRY_BITS - bits);
  const d = W.rows;
  const D = ridge.rows;
  const map = new Float64Array(D * D);
  for (let j = 0; j < d; j++) {
    const unit = 2 ** exponents[j]! / scaler.scale[j]!;
    for (let k = 0; k < d; k++) {
      const entry = W.values[j * d + k]! * unit;
      if (!(Math.abs(entry) < limit - 1)) {
        throw new UnsuitableColumnError(
          `column "${columns[j]!.column}" nearly depends on others: drop one or raise l2`,
        );
      }
      map[j * D + k] = entry;
    }
  }
  if (D > d) map[d * D + d] = interceptValue;
  return toFixedInt32(map, bits, 2 ** SMALL_ENTRY_BITS);
}

/** mean_j / 2^k_j, 0 for the intercept. [1, D] */
function meanRow({ whitening, exponents }: BlockMap): Int32Array {
  const row = new Float64Array(whitening.ridge.rows);
  whitening.scaler.mean.forEach((mean, j) => {
    row[j] = whitening.scaler.constant[j] ? 0 : mean / 2 ** exponents[j]!;
  });
  return toFixedInt32(row, MEAN_BITS, 2 ** SMALL_ENTRY_BITS);
}

/**
 * Scale of the map, public: entries are below 2^31. One near-dependence makes entries of up to 2 * 2^15 (the
 * whitening's tolerance), less when the ridge bounds them; several in a chain can make larger ones,
 * which `blockMap` refuses. Weights are right to about 2^-15 in units of their columns, so `open_bits` above
 * 14 adds digits, not accuracy, with solver `auto`.
 */
function weightMapBits(parameters: LinearParameters): number {
  return parameters.solver === 'sgd' ? 20 : 14;
}

/** Both parts as one vector, the label holder's first. */
function ordered(labelHolder: boolean, shares: BlockShares): BigUint64Array {
  return labelHolder ? concat(shares.own, shares.peer) : concat(shares.peer, shares.own);
}

/** The inverse of `ordered`: own and peer part. */
function parts(
  labelHolder: boolean,
  joined: BigUint64Array,
  [own, peer]: readonly [number, number],
): [BigUint64Array, BigUint64Array] {
  const first = labelHolder ? own : peer;
  const [a, b] = [joined.slice(0, first), joined.slice(first, own + peer)];
  return labelHolder ? [a, b] : [b, a];
}

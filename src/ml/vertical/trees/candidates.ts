/**
 * What a feature holder offers as splits: for every column that it brings to a round the sums over its first bins, in
 * an order that it draws anew for every round. Sums that no split can be are not offered.
 */
import type { BinnedColumns, PartialSum } from '../../../protocols/aggregation/hint.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { randomPermutation } from '../../../protocols/psi/random-permutation.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import type { BinRows } from './candidate-noise.ts';
import type { BinSplit, PlacedColumns } from './columns.ts';

/** A split of one column, and the sum that tells what it gains. */
export interface Candidate extends PartialSum, BinSplit {}

/** The columns that can be split, as the aggregation sums them, and what can be asked of them. */
export interface Offer {
  readonly columns: BinnedColumns;
  readonly binRows: BinRows;
  /** By column of the table; none for one that cannot be split. */
  readonly candidates: readonly (readonly Candidate[])[];
}

/** Stands for "no split" where a party has none at all: an empty sum. */
const NO_CANDIDATE: PartialSum = { column: 0, bins: 0, andLast: false };

/** rows: how many of the placed rows train. */
export function offerOf(
  placed: PlacedColumns,
  rows: number,
  parameters: BoostingParameters,
): Offer {
  const least = leastRows(parameters);
  const bins: Uint16Array[] = [];
  const binRows: Uint32Array[] = [];
  const candidates = placed.columns.map(({ cuts }, feature) => {
    const column = bins.length;
    const trained = placed.bins[feature]!.subarray(0, rows);
    const sizes = new Uint32Array(cuts.length + 1);
    for (let i = 0; i < trained.length; i++) sizes[trained[i]!]! += 1;
    const found = candidatesOf(sizes, rows, { feature, column, least });
    if (found.length > 0) {
      bins.push(trained);
      binRows.push(sizes[cuts.length]! > 0 ? sizes : sizes.slice(0, -1));
    }
    return found;
  });
  if (bins.length === 0) {
    bins.push(new Uint16Array(rows));
    binRows.push(Uint32Array.of(rows));
  }
  const counts = binRows.map(({ length }) => length);
  return { columns: { rows, bins, counts }, binRows, candidates };
}

/** The candidates of a round, freshly ordered. null stands for none. */
export function drawCandidates(
  { candidates }: Offer,
  { colsampleBytree: share }: BoostingParameters,
  rng: Rng,
): (Candidate | null)[] {
  const d = candidates.length;
  const brought = share === 1 ? d : Math.max(1, Math.floor(share * d));
  const drawn = randomPermutation(d, rng).subarray(0, brought);
  const all = Array.from(drawn).flatMap((feature) => candidates[feature]!);
  if (all.length === 0) return [null];
  return Array.from(randomPermutation(all.length, rng), (c) => all[c]!);
}

/** What the aggregation is told of them. */
export function sumsOf(candidates: readonly (Candidate | null)[]): PartialSum[] {
  return candidates.map((each) => each ?? NO_CANDIDATE);
}

/**
 * The lowest bins to the left, and where values are missing these with them, or alone to the right. Only what keeps
 * `least` rows on both sides. sizes: rows by bin, at the end those whose value is missing.
 */
function candidatesOf(
  sizes: Uint32Array,
  rows: number,
  {
    feature,
    column,
    least,
  }: { readonly feature: number; readonly column: number; readonly least: number },
): Candidate[] {
  const count = sizes.length - 1;
  const missing = sizes[count]!;
  const found: Candidate[] = [];
  let below = 0;
  for (let bin = 0; bin < count; bin++) {
    below += sizes[bin]!;
    for (const defaultLeft of missing > 0 ? [false, true] : [false]) {
      const left = below + (defaultLeft ? missing : 0);
      if (left < least || rows - left < least) continue;
      found.push({ feature, column, bin, bins: bin + 1, defaultLeft, andLast: defaultLeft });
    }
  }
  return found;
}

/** No fewer rows have `min_child_weight`, whatever their margins: a smaller side is no split's. */
function leastRows({ objective, minChildWeight, scalePosWeight }: BoostingParameters): number {
  const largest =
    objective === 'reg:squarederror' ? 1 : objective === 'multi:softprob' ? 1 / 2 : 1 / 4;
  const h = objective === 'binary:logistic' ? largest * Math.max(1, scalePosWeight) : largest;
  return Math.max(1, Math.ceil((minChildWeight / h) * (1 - 1e-9)));
}

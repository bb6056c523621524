/** A feature holder's own noise in the sums of a round's candidates; `split-finding.ts` says why it is drawn so. */
import type { PartialSum } from '../../../protocols/aggregation/hint.ts';
import { ROW_VARIANCE } from '../../../protocols/aggregation/parameters.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { discreteGaussians } from './noise.ts';

/** Variances are multiples of 1 / NOISE_DENOMINATOR. */
export const NOISE_DENOMINATOR = 2;

/** Draws one sample for each variance / denominator. */
export type NoiseSampler = (variances: Float64Array, denominator: number, rng: Rng) => Int32Array;

/** Training rows by bin, of each column that is summed. */
export type BinRows = readonly Uint32Array[];

/** How the noise of one vector's sums is drawn: the same way for all vectors of a round. */
export interface CandidateNoise {
  readonly sums: readonly PartialSum[];
  /** Where each column's bins start, and their number at the end: [columns + 1]. */
  readonly offsets: readonly number[];
  /** Of every bin's sample, 0 in columns that no candidate is of, then of every candidate's. */
  readonly variances: Float64Array;
  readonly sampler: NoiseSampler;
}

/**
 * @param multiplier - deviation of either part of the noise over that of the errors
 * @param sampler - ONLY TESTS PASS ANOTHER: without own noise every sum tells which rows it is of
 */
export function candidateNoise(
  sums: readonly PartialSum[],
  binRows: BinRows,
  multiplier: number,
  sampler: NoiseSampler = discreteGaussians,
): CandidateNoise {
  const offsets = [0];
  for (const { length } of binRows) offsets.push(offsets.at(-1)! + length);
  const bins = offsets.at(-1)!;
  const rows = new Int32Array(bins + sums.length);
  for (const column of new Set(sums.map((each) => each.column))) {
    rows.set(binRows[column]!, offsets[column]!);
  }
  rows.set(overBins(rows, sums, offsets), bins);
  const variances = Float64Array.from(rows, (n) => varianceOf(n, multiplier));
  return { sums, offsets, variances, sampler };
}

/** Variance of noise as wide as the errors of so many rows, in units of 1 / NOISE_DENOMINATOR. */
export function varianceOf(rows: number, multiplier: number): number {
  return ROW_VARIANCE * NOISE_DENOMINATOR * rows * multiplier ** 2;
}

/** The noise of a vector, by candidate, modulo 2^32. */
export function drawNoise(noise: CandidateNoise, rng: Rng): Int32Array {
  const { sums, offsets, variances, sampler } = noise;
  const samples = sampler(variances, NOISE_DENOMINATOR, rng);
  const own = samples.subarray(offsets.at(-1)!);
  return overBins(samples, sums, offsets).map((shared, c) => shared + own[c]!);
}

/** What every candidate has of values by bin, modulo 2^32. */
function overBins(
  values: Int32Array,
  sums: readonly PartialSum[],
  offsets: readonly number[],
): Int32Array {
  const below = new Int32Array(offsets.at(-1)! + 1);
  for (let bin = 0; bin + 1 < below.length; bin++) below[bin + 1] = below[bin]! + values[bin]!;
  return Int32Array.from(sums, ({ column, bins, andLast }) => {
    const from = offsets[column]!;
    const last = andLast ? values[offsets[column + 1]! - 1]! : 0;
    return below[from + bins]! - below[from]! + last;
  });
}

/**
 * Sizes of the key-value store of [RR22] "Blazing Fast PSI from Improved OKVS and Subfield VOLE".
 * Raghuraman, Rindal. https://eprint.iacr.org/2022/320, §2: rows of weight 3, cut into bins.
 *
 * n items fall into bins of at most M = `capacity`; a bin has m' = e M sparse slots and D dense ones.
 * A store cannot be built, over the choice of its seed, with probability about 2^-SIGMA.
 */
import { type BinShape, binSlots } from '../../kernels/okvs-kernel.ts';
import { smallestCapacity } from '../primitives/binomial.ts';
import { SIGMA } from '../security.ts';

export interface OkvsParameters extends BinShape {
  /** n: items that are encoded; any number may be decoded. */
  readonly items: number;
  /** beta. */
  readonly bins: number;
  /** M: most items of a bin. */
  readonly capacity: number;
  /** Slots of all bins: the store takes 16 bytes each. */
  readonly slots: number;
}

/** A bin of this many items stays in the cache of a core. */
const BIN_ITEMS = 2 ** 14;
/**
 * Smaller stores get the sparse part of this one: the formulas below are fitted for more, and some
 * hundred rows leave gaps more often than they say, close to 2^-SIGMA.
 */
const LEAST_CAPACITY = 256;
export const MAX_ITEMS = 2 ** 24;

/** Number of items in store, as both parties know it, 0 to 2^24. Both derive the same sizes. */
export function okvsParameters(n: number): OkvsParameters {
  if (!Number.isInteger(n) || n < 0 || n > MAX_ITEMS) {
    throw new RangeError(`"n" expected 0 to ${MAX_ITEMS} items, got ${n}`);
  }
  const bins = Math.max(1, Math.ceil(n / BIN_ITEMS));
  const capacity = Math.max(LEAST_CAPACITY, smallestCapacity(n, bins, SIGMA));
  const lambda = SIGMA + Math.log2(bins); // union bound over the bins
  const columns = Math.ceil(expansion(capacity, lambda) * capacity);
  const gapLimit = Math.floor(lambda / Math.log2(columns));
  const shape = { columns, denseBits: gapLimit + SIGMA, gapLimit };
  return { items: n, bins, capacity, ...shape, slots: bins * binSlots(shape) };
}

/** e, the sparse slots an item: [RR22] §2.3's fit of experiments, for weight w = 3. */
function expansion(capacity: number, lambda: number): number {
  const w = Math.log2(3);
  const exponent = 0.555 * Math.log2(capacity) + 0.093 * w ** 3 - 1.01 * w ** 2 + 2.925 * w - 0.133;
  return 1.223 + (lambda + 9.2) / 2 ** exponent; // 1.223: below it, peeling fails almost always
}

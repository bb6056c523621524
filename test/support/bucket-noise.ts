/** What the owner of a vector drew for it, and so the exact noise of its sums. For tests only. */
import { HINT_DEGREE } from '../../src/kernels/hint-kernel.ts';
import { BINOMIAL_BYTES, DEGREE } from '../../src/kernels/rlwe-kernel.ts';
import type { BinnedColumns } from '../../src/protocols/aggregation/hint.ts';
import { Prg } from '../../src/protocols/primitives/prg.ts';
import type { Rng } from '../../src/protocols/primitives/rng.ts';

/** A generator that keeps what it gave. */
export function recordingRng(rng: Rng): { readonly rng: Rng; readonly drawn: Uint8Array[] } {
  const drawn: Uint8Array[] = [];
  return {
    drawn,
    rng(length) {
      const bytes = rng(length);
      drawn.push(new Uint8Array(bytes));
      return bytes;
    },
  };
}

/** s and the seed of e of every vector, in order, out of what its owner drew. */
export function vectorSecrets(drawn: readonly Uint8Array[]): { s: Uint8Array; seed: Uint8Array }[] {
  return drawn.flatMap((bytes, i) => {
    if (bytes.length !== HINT_DEGREE / 8) return [];
    const s = Uint8Array.from({ length: HINT_DEGREE }, (_, k) => (bytes[k >> 3]! >> (k & 7)) & 1);
    return [{ s, seed: drawn[i + 1]! }];
  });
}

/** e: [rows], from the seed of a vector's errors. */
export function rowErrors(seed: Uint8Array, rows: number): Int32Array {
  const errors = new Prg(seed, 'entente/aggregation/v1/e');
  const e = new Int32Array(rows);
  for (let from = 0; from < rows; from += DEGREE) {
    const stream = new Uint8Array(errors.next(BINOMIAL_BYTES));
    const halves = new Uint32Array(stream.buffer);
    for (let i = 0; i < DEGREE && from + i < rows; i++) {
      const at = i < HINT_DEGREE ? 2 * i : 2 * (i - HINT_DEGREE) + 1; // two blocks, interleaved
      const [low, high] = [halves[2 * at]!, halves[2 * at + 1]!];
      const second = (low >>> 21) | ((high & 0x3ff) << 11);
      e[from + i] = ones(low & 0x1fffff) - ones(second);
    }
  }
  return e;
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The sum of values [n] over every bucket: [R]. Of e, that is the noise of the buckets' sums, exactly. */
export function sumsByBucket(values: ArrayLike<number>, columns: BinnedColumns): Float64Array {
  const sums: Float64Array[] = columns.bins.map((bins, f) => {
    const ofColumn = new Float64Array(columns.counts[f]!);
    bins.forEach((bin, i) => {
      ofColumn[bin]! += values[i]!;
    });
    return ofColumn;
  });
  return Float64Array.from(sums.flatMap((ofColumn) => [...ofColumn]));
}

import type { BinShape, OkvsKernel } from '../../src/kernels/okvs-kernel.ts';
import type { Rng } from '../../src/protocols/primitives/rng.ts';

/** Three distinct columns and the dense bits of a row. */
export interface SparseRow {
  readonly columns: readonly [number, number, number];
  readonly dense: bigint;
}

/** Rows as the kernel takes them. */
export function packRows(rows: readonly SparseRow[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(3 * rows.length);
  const view = new DataView(words.buffer);
  for (const [i, { columns, dense }] of rows.entries()) {
    for (const [j, column] of columns.entries()) view.setUint16(12 * i + 2 * j, column, true);
    view.setUint16(12 * i + 6, Number(dense & 0xffffn), true);
    view.setUint32(12 * i + 8, Number(dense >> 16n), true);
  }
  return words;
}

/** n rows as the kernel makes them of uniform hashes. */
export function randomRows(
  kernel: OkvsKernel,
  n: number,
  shape: BinShape,
  rng: Rng,
): Uint32Array<ArrayBuffer> {
  return kernel.rows(rng(16 * n), rng(16 * n), shape, 1).words;
}

/** `pairs` times two rows of equal columns, from column `from` on, three columns a pair. */
export function twins(pairs: number, from: number, rng: Rng): SparseRow[] {
  return Array.from({ length: 2 * pairs }, (_, i) => {
    const c = from + 3 * (i >> 1);
    return { columns: [c, c + 1, c + 2], dense: randomDense(rng) };
  });
}

/**
 * A cycle of `length` rows (even, 4 or more) on 1.5 times as many columns, each of them in two rows:
 * none can be solved before another is set aside, and then many columns stay free.
 */
export function cycle(length: number, from: number, rng: Rng): SparseRow[] {
  return Array.from({ length }, (_, i) => {
    const shared = from + length + (i % (length / 2));
    return { columns: [from + i, from + ((i + 1) % length), shared], dense: randomDense(rng) };
  });
}

/** Three rows on four columns: two of any three are solved once the third is set aside. */
export function triangle(from: number, rng: Rng): SparseRow[] {
  return ([0, 1, 2] as const).map((i) => ({
    columns: [from + i, from + ((i + 1) % 3), from + 3],
    dense: randomDense(rng),
  }));
}

function randomDense(rng: Rng): bigint {
  return rng(6).reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}

import {
  type BinShape,
  binSlots,
  checkBin,
  checkBytes,
  checkHashes,
  columnOutOfRange,
  GAP_TOO_LARGE,
  type OkvsKernel,
  RANK_DEFICIENT,
  ROW_WORDS,
} from './okvs-kernel.ts';

/**
 * The definition. Slow and obvious; every other implementation is tested against it. Of the many
 * solutions of a system it may find another one.
 */
export const referenceOkvsKernel: OkvsKernel = {
  name: 'reference',

  rows(h0, h1, shape, bins) {
    const n = checkHashes(h0, h1, shape, bins);
    const [x0, x1] = [view(h0), view(h1)];
    const result = { words: new Uint32Array(n * ROW_WORDS), bins: new Uint16Array(n) };
    for (let i = 0; i < n; i++) {
      const free = Array.from({ length: shape.columns }, (_, c) => c);
      const columns = [0, 1, 2].map((j) => {
        const rank = scale(x0.getUint32(16 * i + 4 * j, true), shape.columns - j);
        return free.splice(rank, 1)[0]!;
      });
      const dense = x1.getBigUint64(16 * i, true) & ((1n << BigInt(shape.denseBits)) - 1n);
      result.words.set(pack(columns, dense), i * ROW_WORDS);
      result.bins[i] = scale(x1.getUint32(16 * i + 12, true), bins);
    }
    return result;
  },

  encodeBin(shape, rows, values, slots) {
    const n = checkBin(shape, rows, slots);
    checkBytes('values', values, n);
    const equations = Array.from({ length: n }, (_, i) => ({
      unknowns: unpack(rows, i, shape).reduce((set, c) => set ^ (1n << BigInt(c)), 0n),
      value: readBlock(values, i),
    }));
    const gap = gapOf(
      equations.map(({ unknowns }) => unknowns & ((1n << BigInt(shape.columns)) - 1n)),
    );
    if (gap > shape.gapLimit) return GAP_TOO_LARGE;

    // Gauss-Jordan over all unknowns.
    const pivots: bigint[] = [];
    for (const [i, { unknowns }] of equations.entries()) {
      if (unknowns === 0n) return RANK_DEFICIENT;
      const pivot = unknowns & -unknowns;
      for (const [k, other] of equations.entries()) {
        if (k === i || (other.unknowns & pivot) === 0n) continue;
        other.unknowns ^= unknowns;
        other.value ^= equations[i]!.value;
      }
      pivots.push(pivot);
    }
    const solved = pivots.map((pivot, i) => {
      let { unknowns, value } = equations[i]!;
      unknowns ^= pivot;
      for (let c = 0; c < binSlots(shape); c++) {
        if ((unknowns >> BigInt(c)) & 1n) value ^= readBlock(slots, c);
      }
      return value;
    });
    for (const [i, pivot] of pivots.entries()) {
      writeBlock(slots, pivot.toString(2).length - 1, solved[i]!);
    }
    return gap;
  },

  decodeBin(shape, rows, slots) {
    const n = checkBin(shape, rows, slots);
    const result = new Uint8Array(n * 16);
    for (let i = 0; i < n; i++) {
      const sum = unpack(rows, i, shape).reduce((x, c) => x ^ readBlock(slots, c), 0n);
      writeBlock(result, i, sum);
    }
    return result;
  },
};

/** Rows that stay when, over and over, a row with a column of its own is removed; else the first one. */
function gapOf(sparse: readonly bigint[]): number {
  let left = [...sparse];
  let gap = 0;
  while (left.length > 0) {
    const once = left.reduce(
      ({ one, more }, row) => ({ one: one | row, more: more | (one & row) }),
      { one: 0n, more: 0n },
    );
    const own = once.one & ~once.more;
    const stuck = left.filter((row) => (row & own) === 0n);
    if (stuck.length < left.length) {
      left = stuck;
    } else {
      left = left.slice(1);
      gap++;
    }
  }
  return gap;
}

/** The three words of a row. */
function pack(columns: readonly number[], dense: bigint): number[] {
  const [c0, c1, c2] = columns.map(BigInt) as [bigint, bigint, bigint];
  const bits = c0 | (c1 << 16n) | (c2 << 32n) | (dense << 48n);
  return [0n, 32n, 64n].map((at) => Number((bits >> at) & 0xffff_ffffn));
}

/** The unknowns of row i, by slot. */
function unpack(rows: Uint32Array, i: number, shape: BinShape): number[] {
  const words = [0, 1, 2].map((w) => BigInt(rows[i * ROW_WORDS + w]!));
  const bits = words[0]! | (words[1]! << 32n) | (words[2]! << 64n);
  const columns = [0n, 16n, 32n].map((at) => Number((bits >> at) & 0xffffn));
  if (columns.some((c) => c >= shape.columns)) throw columnOutOfRange();
  for (let b = 0; b < shape.denseBits; b++) {
    if ((bits >> BigInt(48 + b)) & 1n) columns.push(shape.columns + b);
  }
  return columns;
}

function scale(word: number, limit: number): number {
  return Number((BigInt(word) * BigInt(limit)) >> 32n);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function readBlock(blocks: Uint8Array, i: number): bigint {
  return (
    view(blocks).getBigUint64(16 * i, true) | (view(blocks).getBigUint64(16 * i + 8, true) << 64n)
  );
}

function writeBlock(blocks: Uint8Array, i: number, value: bigint): void {
  view(blocks).setBigUint64(16 * i, value & (2n ** 64n - 1n), true);
  view(blocks).setBigUint64(16 * i + 8, value >> 64n, true);
}

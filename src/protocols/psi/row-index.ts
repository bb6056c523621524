const EMPTY = -1;
/** Slots a row: linear probing then looks at two or three. */
const SLOTS_PER_ROW = 1.75;
const WORD_RANGE = 2 ** 32;
/** Rows looked up together: what is kept of them stays in the cache. */
const BATCH = 256;

/**
 * Finds rows of fixed width by their first bytes: open addressing on the first four, so these must
 * be pseudo-random to whoever chose the rows (a salted digest, a point masked with our scalar).
 * Rows are not copied: `bytes` must not change while the index is used. 7 bytes a row.
 */
export class RowIndex {
  readonly #bytes: Uint8Array;
  readonly #stride: number;
  readonly #width: number;
  /** A row number in the low bits, below them as many of its hash as fit: most rows need no look. */
  readonly #slots: Int32Array;
  readonly #rowBits: number;

  /** Room for every row of `bytes` (n x stride); rows are equal when their first `width` bytes are. */
  constructor(bytes: Uint8Array, stride: number, width: number = stride) {
    this.#bytes = bytes;
    this.#stride = stride;
    this.#width = width;
    const n = bytes.length / stride;
    this.#rowBits = Math.ceil(Math.log2(n + 2)); // no row is all ones: that is EMPTY
    this.#slots = new Int32Array(Math.ceil(SLOTS_PER_ROW * n) + 1).fill(EMPTY);
  }

  /** Adds row i of `bytes`. Returns the row added before that equals it, or -1 and keeps the new one. */
  add(i: number): number {
    const offset = i * this.#stride;
    const hash = this.#hash(this.#bytes, offset);
    const slot = this.#slotOf(hash, this.#bytes, offset);
    if (this.#slots[slot] !== EMPTY) return this.#rowAt(slot);
    this.#slots[slot] = (hash << this.#rowBits) | i;
    return -1;
  }

  /** The row added whose first `width` bytes are those of `other` at `offset`, or -1. */
  find(other: Uint8Array, offset: number): number {
    return this.#rowOf(this.#hash(other, offset), other, offset);
  }

  #rowOf(hash: number, other: Uint8Array, offset: number): number {
    const slot = this.#slotOf(hash, other, offset);
    return this.#slots[slot] === EMPTY ? -1 : this.#rowAt(slot);
  }

  /** Adds every row of `bytes`; of equal ones the first. */
  addAll(): void {
    const n = this.#bytes.length / this.#stride;
    for (let i = 0; i < n; i++) this.add(i);
  }

  /**
   * `find` for k rows of `width` bytes, one behind the other: out[j] is what row j equals. The time goes to
   * reads from memory, so those of a batch come before anything that depends on what they say: twice as
   * fast as one by one.
   */
  findAll(others: Uint8Array, out: Int32Array): void {
    const [slots, bytes, width, stride] = [this.#slots, this.#bytes, this.#width, this.#stride];
    const [rowBits, rowMask, last] = [this.#rowBits, (1 << this.#rowBits) - 1, this.#width - 1];
    const k = others.length / width;
    const tags = new Int32Array(BATCH);
    const places = new Int32Array(BATCH);
    const entries = new Int32Array(BATCH);
    const lasts = new Uint8Array(BATCH);
    for (let from = 0; from < k; from += BATCH) {
      const count = Math.min(BATCH, k - from);
      for (let j = 0; j < count; j++) {
        const hash = this.#hash(others, (from + j) * width);
        const place = Math.floor(((hash >>> 0) * slots.length) / WORD_RANGE);
        tags[j] = hash << rowBits;
        places[j] = place;
        entries[j] = slots[place]!;
      }
      for (let j = 0; j < count; j++) {
        const tag = tags[j]!;
        let place = places[j]!;
        let entry = entries[j]!;
        while (entry !== EMPTY && (entry ^ tag) >>> rowBits !== 0) {
          if (++place === slots.length) place = 0;
          entry = slots[place]!;
        }
        entries[j] = entry;
      }
      for (let j = 0; j < count; j++) {
        const row = entries[j] === EMPTY ? 0 : entries[j]! & rowMask;
        lasts[j] = bytes[row * stride + last]!;
      }
      for (let j = 0, at = from * width; j < count; j++, at += width) {
        const row = entries[j]! & rowMask;
        if (entries[j] === EMPTY) out[from + j] = -1;
        else if (lasts[j] === others[at + last] && this.#equal(row * stride, others, at)) {
          out[from + j] = row;
        } else out[from + j] = this.find(others, at); // another one with the same tag
      }
    }
  }

  /** The first four bytes as a big-endian number; zeros behind a narrower row. */
  #hash(bytes: Uint8Array, at: number): number {
    if (this.#width >= 4) {
      return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    }
    let hash = 0;
    for (let k = 0; k < this.#width; k++) hash |= bytes[at + k]! << (24 - 8 * k);
    return hash;
  }

  /** The slot of the row that equals `other` at `offset`, or the empty one where it belongs. */
  #slotOf(hash: number, other: Uint8Array, offset: number): number {
    const slots = this.#slots;
    const tag = hash << this.#rowBits;
    let slot = this.#firstSlot(hash);
    for (;;) {
      const entry = slots[slot]!;
      if (entry === EMPTY) return slot;
      const isCandidate = (entry ^ tag) >>> this.#rowBits === 0;
      if (isCandidate && this.#equal(this.#rowAt(slot) * this.#stride, other, offset)) return slot;
      if (++slot === slots.length) slot = 0;
    }
  }

  #firstSlot(hash: number): number {
    return Math.floor(((hash >>> 0) * this.#slots.length) / WORD_RANGE);
  }

  #rowAt(slot: number): number {
    return this.#slots[slot]! & ((1 << this.#rowBits) - 1);
  }

  #equal(at: number, other: Uint8Array, offset: number): boolean {
    for (let k = 0; k < this.#width; k++) {
      if (this.#bytes[at + k] !== other[offset + k]) return false;
    }
    return true;
  }
}

const EMPTY = -1;

/**
 * Finds rows of fixed width by their first bytes: open addressing on the first four, so these must
 * be pseudo-random to whoever chose the rows (a salted digest, a point masked with our scalar).
 * Rows are not copied: `bytes` must not change while the index is used.
 */
export class RowIndex {
  readonly #bytes: Uint8Array;
  readonly #stride: number;
  readonly #width: number;
  readonly #slots: Int32Array;

  /** Room for every row of `bytes` (n x stride); rows are equal when their first `width` bytes are. */
  constructor(bytes: Uint8Array, stride: number, width: number = stride) {
    this.#bytes = bytes;
    this.#stride = stride;
    this.#width = width;
    const n = bytes.length / stride;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * n + 2))).fill(EMPTY);
  }

  /** Adds row i of `bytes`. Returns the row added before that equals it, or -1 and keeps the new one. */
  add(i: number): number {
    const slot = this.#slotOf(this.#bytes, i * this.#stride);
    const found = this.#slots[slot]!;
    if (found === EMPTY) this.#slots[slot] = i;
    return found;
  }

  /** The row added whose first `width` bytes are those of `other` at `offset`, or -1. */
  find(other: Uint8Array, offset: number): number {
    return this.#slots[this.#slotOf(other, offset)]!;
  }

  #slotOf(other: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    let hash = 0;
    for (let k = Math.min(4, this.#width) - 1; k >= 0; k--) hash = (hash << 8) | other[offset + k]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]!;
      if (row === EMPTY || this.#equal(row * this.#stride, other, offset)) return slot;
    }
  }

  #equal(at: number, other: Uint8Array, offset: number): boolean {
    for (let k = 0; k < this.#width; k++) {
      if (this.#bytes[at + k] !== other[offset + k]) return false;
    }
    return true;
  }
}

import { malformed } from './malformed.ts';
import { RowIndex } from './row-index.ts';

/** Pairs of equal items, in the order of the sender's list. */
export interface MatchedPairs {
  /** The receiver's row of each pair; distinct. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Its position in the sender's list; ascending. */
  readonly positions: Uint32Array<ArrayBuffer>;
}

/**
 * Finds which of the receiver's values stand in the sender's list, while that list arrives. Values are
 * compared in their first l bytes, and placed by them in an index, so these must be pseudo-random.
 */
export class ArrivingMatches {
  readonly #index: RowIndex;
  readonly #l: number;
  readonly #isMatched: Uint8Array;
  readonly #rows: Uint32Array<ArrayBuffer>;
  readonly #positions: Uint32Array<ArrayBuffer>;
  #arrived = 0;
  #count = 0;

  /** values: n_x x stride, not copied. The sender's list has nY prefixes of l bytes. */
  constructor(values: Uint8Array, stride: number, l: number, nY: number) {
    const nX = values.length / stride;
    this.#index = new RowIndex(values, stride, l);
    this.#index.addAll();
    this.#l = l;
    this.#isMatched = new Uint8Array(nX);
    this.#rows = new Uint32Array(Math.min(nX, nY));
    this.#positions = new Uint32Array(Math.min(nX, nY));
  }

  /** The next k x l bytes of the list. Throws `MALFORMED_MESSAGE` where an item is matched again. */
  add(prefixes: Uint8Array): void {
    const found = new Int32Array(prefixes.length / this.#l);
    this.#index.findAll(prefixes, found);
    for (let j = 0; j < found.length; j++, this.#arrived++) {
      const row = found[j]!;
      if (row < 0) continue;
      if (this.#isMatched[row]) throw malformed(`prefix ${this.#arrived} repeats an earlier one`);
      this.#isMatched[row] = 1;
      this.#rows[this.#count] = row;
      this.#positions[this.#count++] = this.#arrived;
    }
  }

  /** What matched so far, in arrays of its own. */
  pairs(): MatchedPairs {
    return {
      rows: this.#rows.slice(0, this.#count),
      positions: this.#positions.slice(0, this.#count),
    };
  }
}

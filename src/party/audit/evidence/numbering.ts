/** Gaps that are remembered one by one; further ones are one. Own choice. */
const MAX_GAPS = 256;

/** Numbers [from, to) that have not come. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

/** Follows numbers that should come as 0, 1, 2 and so on. */
export class Numbering {
  #next = 0;
  #gaps: Gap[] = [];

  /** How a number comes: in its turn, after a gap, into a gap that was left, or for a second time. */
  take(n: number): 'next' | 'early' | 'late' | 'again' {
    if (n === this.#next) {
      this.#next = n + 1;
      return 'next';
    }
    if (n > this.#next) {
      const gap = { from: this.#next, to: n };
      if (this.#gaps.length < MAX_GAPS) this.#gaps.push(gap);
      else this.#gaps[MAX_GAPS - 1] = { ...this.#gaps[MAX_GAPS - 1]!, to: n };
      this.#next = n + 1;
      return 'early';
    }
    const i = this.#gaps.findIndex(({ from, to }) => from <= n && n < to);
    if (i < 0) return 'again';
    const { from, to } = this.#gaps[i]!;
    const rest = [
      { from, to: n },
      { from: n + 1, to },
    ].filter((gap) => gap.from < gap.to);
    this.#gaps.splice(i, 1, ...rest);
    return 'late';
  }

  /** One more than the highest number that came. */
  get next(): number {
    return this.#next;
  }

  /** What has not come, of the numbers below the highest. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }
}

/** `entry 4`, `entries 4 to 6`. */
export function gapText({ from, to }: Gap): string {
  return to - from === 1 ? `entry ${from}` : `entries ${from} to ${to - 1}`;
}

import { okvsParameters } from '../okvs/parameters.ts';

/** What the receiver of a session is going to bring, as both parties know it before it does. */
export interface Forecast {
  /** Most items of an evaluation. */
  readonly items: number;
  readonly evaluations: number;
}

/**
 * Correlations that are made before the items are there: the first one at once, every other one when its
 * forerunner has been used. Parties that make theirs by one forecast stay in step; without one each is
 * made when it is taken.
 */
export class Advance<T> {
  readonly #extend: (k: number) => Promise<T>;
  /** Elements of each. */
  readonly #k: number;
  #left: number;
  #next: Promise<T> | undefined;

  constructor(extend: (k: number) => Promise<T>, forecast: Forecast | undefined) {
    const { items, evaluations } = forecast ?? { items: 0, evaluations: 0 };
    this.#extend = extend;
    this.#k = okvsParameters(items).slots;
    this.#left = items === 0 ? 0 : evaluations;
    this.begin();
  }

  /** A correlation of `k` elements or more. Throws `RangeError` if that is beyond the forecast. */
  take(k: number): Promise<T> {
    const next = this.#next;
    if (!next) return this.#extend(k);
    if (k > this.#k) throw new RangeError(`"k" expected at most ${this.#k}, got ${k}`);
    this.#next = undefined;
    return next;
  }

  /** Starts on the next one, if it is to come: what was taken has been used. */
  begin(): void {
    if (this.#left === 0) return;
    this.#left--;
    this.#next = this.#extend(this.#k);
    this.#next.catch(() => {}); // whoever takes it sees that
  }
}

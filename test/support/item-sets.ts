/** Sets for set intersections: keys as numbers, and the items that stand for them. */
import { createHash } from 'node:crypto';

export const range = (n: number, from = 0): number[] =>
  Array.from({ length: n }, (_, i) => from + i);

/** Distinct pseudo-random items, one a key; n x 16. */
export function itemsOf(keys: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(16 * keys.length);
  keys.forEach((key, i) => {
    bytes.set(createHash('md5').update(`${key}`).digest(), 16 * i);
  });
  return bytes;
}

/** The ideal functionality: rows of `own` that are in `other`. */
export function commonRows<K>(own: readonly K[], other: readonly K[]): number[] {
  const others = new Set(other);
  return range(own.length).filter((i) => others.has(own[i]!));
}

/** What two sets may have to do with each other. */
export const SET_PAIRS: readonly (readonly [what: string, X: number[], Y: number[]])[] = [
  ['no common item', range(20), range(20, 100)],
  ['all items common', range(20), range(20).reverse()],
  ['some items common', range(30), range(30, 17)],
  ['X within Y', [5, 3], range(20)],
  ['Y within X', range(20), [19, 0]],
  ['one and one, equal', [7], [7]],
  ['one and one, different', [7], [8]],
  ['one against many', [41], range(60)],
  ['many against one', range(60), [41]],
  ['nothing against something', [], range(5)],
  ['something against nothing', range(5), []],
  ['nothing at all', [], []],
];

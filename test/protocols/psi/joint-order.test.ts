import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import { rowNumbers } from '../../../src/protocols/primitives/rows.ts';
import { sortByItem, sortRows } from '../../../src/protocols/psi/joint-order.ts';
import { randomPermutation } from '../../../src/protocols/psi/random-permutation.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** The definition: hexadecimal digits sort as the bytes do; a stable sort of the row numbers. */
function sorted(rows: Uint32Array, items: Uint8Array): number[] {
  const text = (row: number): string =>
    Buffer.from(items.subarray(16 * row, 16 * row + 16)).toString('hex');
  const compare = (r: string, s: string): number => (r < s ? -1 : r > s ? 1 : 0);
  return Array.from(rows).sort((r, s) => compare(text(r), text(s)));
}

/** Items over a small alphabet: many ties in any of their bytes. */
const tables = fc
  .nat(60)
  .chain((n) => fc.uint8Array({ minLength: 16 * n, maxLength: 16 * n, max: 1 }));

describe('joint order', () => {
  it('is the lexicographic order of the items, those of equal items as they were', () => {
    fc.assert(
      fc.property(tables, fc.integer(), (items, seed) => {
        const rows = randomPermutation(items.length / 16, seededRng(seed));
        deepEqual([...sortByItem(rows.slice(), items)], sorted(rows, items));
      }),
    );
  });

  it('is that of pseudo-random items, all of them or some', () => {
    const n = 20_000;
    const items = seededRng('items')(16 * n);
    const all = rowNumbers(n);
    deepEqual([...sortByItem(all.slice(), items)], sorted(all, items));
    const some = all.filter((row) => row % 3 === 1).reverse();
    deepEqual([...sortByItem(some.slice(), items)], sorted(some, items));
  });

  it('does not depend on the order that the rows came in', () => {
    const items = seededRng('order')(16 * 500);
    const expected = sortByItem(rowNumbers(500), items);
    deepEqual(sortByItem(randomPermutation(500, seededRng('shuffle')), items), expected);
  });

  it('takes leading bits as unsigned', () => {
    const items = new Uint8Array(48);
    items.set([0x80], 0);
    items.set([0x7f, 0xff], 16);
    items.set([0xff], 32);
    deepEqual([...sortByItem(Uint32Array.of(0, 1, 2), items)], [1, 0, 2]);
  });

  it('sorts in place, and leaves rows alone that it copies', () => {
    const items = seededRng('place')(16 * 10);
    const rows = rowNumbers(10);
    const { rows: copy, leads } = sortRows(rows, items);
    deepEqual(rows, rowNumbers(10));
    deepEqual(leads, leads.slice().sort());
    equal(sortByItem(rows, items), rows);
    deepEqual(rows, copy);
    equal(sortByItem(new Uint32Array(0), items).length, 0);
  });
});

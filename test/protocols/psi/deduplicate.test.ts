import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { gatherRows, rowNumbers } from '../../../src/protocols/primitives/rows.ts';
import { DuplicateKeyError, deduplicate } from '../../../src/protocols/psi/deduplicate.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { sortByItem } from '../../../src/protocols/psi/joint-order.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const SALT = new Uint8Array(32);

/** The first row of every key. */
const firstsOf = (keys: readonly string[]) =>
  Uint32Array.from([...new Set(keys)].map((key) => keys.indexOf(key)));

describe('deduplicate', () => {
  it('keeps the first of every key, in the joint order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30).map(String)), (keys) => {
        const digests = itemDigests([textColumn(keys)], SALT);
        const distinct = deduplicate(digests, 'first');
        const expected = sortByItem(firstsOf(keys), digests);
        deepEqual(distinct.rows, expected);
        deepEqual(distinct.items, gatherRows(digests, 16, expected));
        equal(distinct.duplicates, keys.length - expected.length);
      }),
    );
  });

  it('reports the first repetition by row numbers', () => {
    const digests = itemDigests([textColumn(['a', 'b', 'c', 'b', 'a', 'b'])], SALT);
    const { duplicates, firstDuplicate } = deduplicate(digests, 'first');
    equal(duplicates, 3);
    deepEqual(firstDuplicate, { first: 1, again: 3 });
    throws(
      () => deduplicate(digests, 'reject'),
      (error) => {
        ok(error instanceof DuplicateKeyError);
        equal(error.duplicates, 3);
        deepEqual(error.firstDuplicate, { first: 1, again: 3 });
        return true;
      },
    );
  });

  it('groups the rows of every key under expand, and keeps what first keeps', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30).map(String)), (keys) => {
        const digests = itemDigests([textColumn(keys)], SALT);
        const { groups, ...distinct } = deduplicate(digests, 'expand');
        deepEqual({ ...distinct, groups: undefined }, deduplicate(digests, 'first'));
        const expected = [...sortByItem(firstsOf(keys), digests)].map((first) =>
          keys.flatMap((key, row) => (key === keys[first] ? [row] : [])),
        );
        const { starts, rows } = groups!;
        deepEqual(
          expected.map((_, k) => [...rows.subarray(starts[k]!, starts[k + 1]!)]),
          expected,
        );
        equal(starts.length, expected.length + 1);
        equal(rows.length, keys.length);
      }),
    );
  });

  it('tells items apart that agree on most bytes, wherever they differ', () => {
    const items = new Uint8Array(16 * 17); // item 16 is all zeros, item i has its byte i set
    for (let i = 0; i < 16; i++) items[16 * i + i] = 1;
    equal(deduplicate(items, 'reject').rows.length, 17);
    const twice = new Uint8Array(Buffer.concat([items, items]));
    const { rows, firstDuplicate } = deduplicate(twice, 'first');
    deepEqual(rows, sortByItem(rowNumbers(17), items));
    deepEqual(firstDuplicate, { first: 0, again: 17 });
  });

  it('takes one key in all rows, and many keys crafted to begin alike', () => {
    const n = 50_000;
    const { rows, groups } = deduplicate(new Uint8Array(16 * n), 'expand');
    deepEqual([...rows], [0]);
    deepEqual(groups!.rows, rowNumbers(n));
    const crafted = seededRng('crafted')(16 * n);
    for (let i = 0; i < n; i++) crafted.fill(7, 16 * i, 16 * i + 8);
    equal(deduplicate(crafted, 'reject').rows.length, n);
  });

  it('returns arrays of its own', () => {
    const digests = itemDigests([textColumn(['a', 'b'])], SALT);
    const { items, rows } = deduplicate(digests, 'reject');
    const expected = gatherRows(digests, 16, rows);
    digests.fill(0);
    deepEqual(items, expected);
  });

  it('passes distinct keys and no keys under either rule', () => {
    for (const keys of [[], ['a'], ['a', 'b']]) {
      for (const rule of ['first', 'reject', 'expand'] as const) {
        const distinct = deduplicate(itemDigests([textColumn(keys)], SALT), rule);
        equal(distinct.rows.length, keys.length);
        equal(distinct.firstDuplicate, undefined);
      }
    }
  });

  it('refuses bytes that are not whole items', () => {
    throws(() => deduplicate(new Uint8Array(17), 'first'), RangeError);
  });
});

import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  DuplicateKeyError,
  deduplicate,
  gatherRows,
} from '../../../src/protocols/psi/deduplicate.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';

const SALT = new Uint8Array(32);

describe('deduplicate', () => {
  it('keeps the first of every key, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30).map(String)), (keys) => {
        const distinct = deduplicate(itemDigests([textColumn(keys)], SALT), 'first');
        const expected = [...new Set(keys)].map((key) => keys.indexOf(key));
        deepEqual([...distinct.rows], expected);
        deepEqual(distinct.items, itemDigests([textColumn([...new Set(keys)])], SALT));
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

  it('passes distinct keys and no keys under either rule', () => {
    for (const keys of [[], ['a'], ['a', 'b']]) {
      for (const rule of ['first', 'reject'] as const) {
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

describe('gatherRows', () => {
  it('copies rows in the order asked', () => {
    const bytes = Uint8Array.of(0, 1, 10, 11, 20, 21);
    deepEqual(gatherRows(bytes, 2, Uint32Array.of(2, 0, 2)), Uint8Array.of(20, 21, 0, 1, 20, 21));
  });
});

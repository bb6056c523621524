import { deepEqual, equal, notDeepEqual, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { itemDigests, itemHasher } from '../../../src/protocols/psi/item-digest.ts';
import { sliceColumn, textColumn } from '../../../src/protocols/psi/text-column.ts';

const SALT = Uint8Array.from({ length: 32 }, (_, i) => i);
/** Items of columns of texts. */
const digests = (columns: readonly (readonly string[])[], salt = SALT): Uint8Array =>
  itemDigests(columns.map(textColumn), salt);
const rowOf = (items: Uint8Array, i: number): Uint8Array => items.slice(16 * i, 16 * i + 16);

/** The definition, one record. */
function digestOf(key: readonly string[], salt: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update('entente psi item v2:'.padEnd(32, '\0')).update(salt);
  for (const text of key) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(text));
    hash.update(length).update(text);
  }
  return new Uint8Array(hash.digest().subarray(0, 16));
}

const wellFormed = fc
  .string({ unit: 'binary', maxLength: 40 })
  .filter((text) => !/\p{Surrogate}/u.test(text));

describe('item digests', () => {
  it('agree with the definition, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wellFormed, wellFormed)), (keys) => {
        const items = digests([keys.map(([k]) => k), keys.map(([, k]) => k)]);
        equal(items.length, 16 * keys.length);
        keys.forEach((key, i) => {
          deepEqual(rowOf(items, i), digestOf(key, SALT), `row ${i}`);
        });
      }),
    );
  });

  it('agree with the definition around and above the buffer’s size', () => {
    const texts = [
      '',
      'a',
      'x'.repeat(900),
      'é'.repeat(970),
      'b',
      '漢'.repeat(5000),
      '\u0000',
      'c',
    ];
    const items = digests([texts]);
    texts.forEach((text, i) => {
      deepEqual(rowOf(items, i), digestOf([text], SALT), `row ${i}`);
    });
  });

  it('are pinned', () => {
    const items = digests([
      ['AB-1', 'Zoë'],
      ['1970-01-01', ''],
    ]);
    equal(
      Buffer.from(items).toString('hex'),
      'a9bc1317afd43df42e5e3e88d50e707747463fcee4e47b6d6ba0a68327f6a6d8',
    );
  });

  it('keep column borders apart', () => {
    notDeepEqual(digests([['a'], ['bc']]), digests([['ab'], ['c']]));
    notDeepEqual(digests([['a'], ['']]), digests([[''], ['a']]));
    notDeepEqual(digests([['a'], ['']]), digests([['a']]));
  });

  it('do not normalise: that is the contract’s business', () => {
    notDeepEqual(digests([['é']]), digests([['e\u0301']]));
    notDeepEqual(digests([['a']]), digests([['a ']]));
  });

  it('differ between jobs', () => {
    notDeepEqual(digests([['a']]), digests([['a']], new Uint8Array(32)));
  });

  it('are the same when the rows arrive in pieces', () => {
    const column = textColumn(Array.from({ length: 1000 }, (_, i) => `key ${i}`));
    const hasher = itemHasher(SALT);
    const pieces = [0, 1, 400, 400].map((from, i) =>
      hasher([sliceColumn(column, from, [1, 400, 400, 1000][i]!)]),
    );
    deepEqual(new Uint8Array(Buffer.concat(pieces)), itemDigests([column], SALT));
  });

  it('take any salt of 32 bytes and no other', () => {
    throws(() => itemHasher(new Uint8Array(33)), RangeError);
  });

  it('refuse columns of unequal length, no column, and another salt length', () => {
    throws(() => digests([['a', 'b'], ['c']]), RangeError);
    throws(() => itemDigests([], SALT), RangeError);
    throws(() => digests([['a']], new Uint8Array(31)), RangeError);
    equal(digests([[]]).length, 0);
  });
});

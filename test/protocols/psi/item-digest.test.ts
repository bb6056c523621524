import { deepEqual, equal, notDeepEqual, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';

const SALT = Uint8Array.from({ length: 32 }, (_, i) => i);
const rowOf = (items: Uint8Array, i: number): Uint8Array => items.slice(16 * i, 16 * i + 16);

/** The definition, one record. */
function digestOf(key: readonly string[], salt: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update('entente psi item v1:').update(salt);
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
        const items = itemDigests([keys.map(([k]) => k), keys.map(([, k]) => k)], SALT);
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
    const items = itemDigests([texts], SALT);
    texts.forEach((text, i) => {
      deepEqual(rowOf(items, i), digestOf([text], SALT), `row ${i}`);
    });
  });

  it('are pinned', () => {
    const items = itemDigests(
      [
        ['AB-1', 'Zoë'],
        ['1970-01-01', ''],
      ],
      SALT,
    );
    equal(
      Buffer.from(items).toString('hex'),
      '11c3a596fc88fdea2ca036bd96b0b865e6c072a7e051e45e3bf59011e794877c',
    );
  });

  it('keep column borders apart', () => {
    notDeepEqual(itemDigests([['a'], ['bc']], SALT), itemDigests([['ab'], ['c']], SALT));
    notDeepEqual(itemDigests([['a'], ['']], SALT), itemDigests([[''], ['a']], SALT));
    notDeepEqual(itemDigests([['a'], ['']], SALT), itemDigests([['a']], SALT));
  });

  it('do not normalise: that is the contract’s business', () => {
    notDeepEqual(itemDigests([['é']], SALT), itemDigests([['e\u0301']], SALT));
    notDeepEqual(itemDigests([['a']], SALT), itemDigests([['a ']], SALT));
  });

  it('differ between jobs', () => {
    notDeepEqual(itemDigests([['a']], SALT), itemDigests([['a']], new Uint8Array(32)));
  });

  it('refuse a lone surrogate, naming its row and not its text', () => {
    throws(() => itemDigests([['fine', 'secret\ud800']], SALT), {
      name: 'TypeError',
      message: '"columns" expected well-formed Unicode, got a lone surrogate in row 1',
    });
  });

  it('refuse columns of unequal length, no column, and another salt length', () => {
    throws(() => itemDigests([['a', 'b'], ['c']], SALT), RangeError);
    throws(() => itemDigests([], SALT), RangeError);
    throws(() => itemDigests([['a']], new Uint8Array(31)), RangeError);
    equal(itemDigests([[]], SALT).length, 0);
  });
});

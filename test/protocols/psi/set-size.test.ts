import { equal, throws } from 'node:assert/strict';
import { checkOwnItems, decodeSize, MAX_ITEMS } from '../../../src/protocols/psi/set-size.ts';

describe('sizes of sets', () => {
  it('of this party are at most what was agreed, in whole items', () => {
    equal(checkOwnItems(new Uint8Array(0), 0), 0);
    equal(checkOwnItems(new Uint8Array(48), 3), 3);
    equal(checkOwnItems(new Uint8Array(16), MAX_ITEMS), 1);
    throws(() => checkOwnItems(new Uint8Array(48), 2), RangeError);
    throws(() => checkOwnItems(new Uint8Array(47), 3), RangeError);
    for (const maxItems of [-1, 0.5, MAX_ITEMS + 1, Number.NaN]) {
      throws(() => checkOwnItems(new Uint8Array(16), maxItems), RangeError);
    }
  });

  it('of the peer are at most what was agreed', () => {
    equal(decodeSize({ items: 0 }, 0), 0);
    equal(decodeSize({ items: 7 }, 7), 7);
    throws(() => decodeSize({ items: 8 }, 7), { code: 'MALFORMED_MESSAGE' });
  });
});

import { deepEqual } from 'node:assert/strict';
import { addInto, element } from '../../../src/protocols/vole/elements.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('elements of a vector', () => {
  it('are views of it, and add up in place', () => {
    const x = seededRng('x')(48);
    const y = seededRng('y')(16);
    const expected = x.map((byte, i) => (i >= 16 && i < 32 ? byte ^ y[i - 16]! : byte));
    addInto(element(x, 1), y);
    deepEqual(x, expected);
  });
});

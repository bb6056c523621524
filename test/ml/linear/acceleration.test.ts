import { equal, ok } from 'node:assert/strict';
import { acceleration } from '../../../src/ml/linear/acceleration.ts';

describe('acceleration', () => {
  it('starts without momentum, is Nesterov below the cap and stays there', () => {
    equal(acceleration(0), 0);
    equal(acceleration(3), 0.5);
    equal(acceleration(26), 26 / 29);
    for (let k = 27; k < 100; k++) equal(acceleration(k), 0.9, `iteration ${k}`);
    for (let k = 1; k < 30; k++) ok(acceleration(k) >= acceleration(k - 1), `iteration ${k}`);
  });
});

import { equal } from 'node:assert/strict';
import { featuresWidth } from '../../../src/party/consensus/feature-width.ts';

describe('feature width', () => {
  it('counts a number as one column and a category as many as it says', () => {
    equal(featuresWidth([]), 0);
    equal(
      featuresWidth([
        { name: 'a', kind: 'numeric' },
        { name: 'b', kind: 'categorical', categories: 4 },
        { name: 'c', kind: 'categorical', categories: 0 },
      ]),
      5,
    );
  });
});

import { deepEqual } from 'node:assert/strict';
import { fewestRows, matchingOf, mostRows } from '../../../src/party/tasks/matching-terms.ts';
import { changed } from '../../support/changed-contract.ts';
import { sampleTrees, testIdentity } from '../../support/contracts.ts';

const [a, b, c, r] = ['orgA', 'orgB', 'orgC', 'auditor'].map((name) => testIdentity(name).signer);

describe('matching terms', () => {
  it('are those of the parties that bring rows', () => {
    const base = sampleTrees([a!, b!, c!], { receiver: r! });
    const contract = changed(
      'parties/2/dataset/rowCount',
      7000,
      changed('parties/1/dataset/rowCount', 10, base),
    );
    deepEqual([fewestRows(contract), mostRows(contract)], [10, 7000]);
    deepEqual(matchingOf(contract), { engine: 'rr22', counted: false, parties: 3, keys: 7000 });
    const counted = changed('alignment/minimumIntersection', 5, contract);
    deepEqual(matchingOf(counted).counted, true);
  });
});

import { deepEqual, equal, ok } from 'node:assert/strict';
import { featureNames, forestText } from '../../../src/party/models/forest-document.ts';
import { loadXgboostVectors } from '../../support/xgboost-vectors.ts';
import { COLUMNS, type ForestName, sampleForest } from './sample-forest.ts';

interface Released {
  readonly file: string;
}

const { forests } = loadXgboostVectors<{
  readonly forests: Readonly<Record<ForestName, Released>>;
}>('released');

describe('forest document', () => {
  it('has the text of the file that XGBoost has read', () => {
    for (const name of ['binary', 'numbers', 'classes'] as const) {
      equal(forestText(sampleForest(name).document), forests[name].file, name);
    }
  });

  it('names columns by party, as XGBoost takes them and each once', () => {
    deepEqual(featureNames(COLUMNS), [
      'bank.x_1_ _ü>_"q"',
      'bank.x_1_ _ü>_"q"_2',
      'shop.x',
      'shop.city=0',
      'shop.city=1',
    ]);
    const odd = ['a\u0000b', 'a\u007fb', 'a\ud800b', 'a_b', 'a😀'];
    const names = featureNames(odd.map((column) => ({ party: 'p', column })));
    deepEqual(names, ['p.a_b', 'p.a_b_2', 'p.a_b_3', 'p.a_b_4', 'p.a😀']);
    ok(names.every((name) => JSON.stringify(name) === `"${name}"`));
  });
});

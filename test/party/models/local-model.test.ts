import { deepEqual, ok, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { predictBoosted } from '../../../src/ml/trees/gradient-boosting.ts';
import { localModel } from '../../../src/party/models/local-model.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { ModelUseError } from '../../../src/party/models/model-use-error.ts';
import { MODEL, PART } from './sample.ts';
import { sampleForest } from './sample-forest.ts';

describe('local model', () => {
  it('reads every column once: its own as it was trained, others’ without what their owners know', () => {
    const { encoding, owners } = localModel(MODEL, PART);
    deepEqual(encoding, [
      { kind: 'numeric', name: 'bank.x', mean: Number.NaN },
      { kind: 'numeric', name: 'shop.x', mean: 3.5 },
      { kind: 'categorical', name: 'city', levels: ['A', 'B'] },
    ]);
    deepEqual(owners, ['bank', 'shop', 'shop']);
  });

  it('adds weights of encoded columns, also far out', () => {
    const rows = [1, 4, 0, 1, 1e4, -2, 1, 0, -1e4, -2, 1, 0];
    const [scores] = localModel(MODEL, PART).score(Float64Array.from(rows), 3);
    ok(Math.abs(scores![0]! - 1 / (1 + Math.exp(0.75))) < 1e-15);
    deepEqual([...scores!.subarray(1)], [1, 0]);
    const linear = { ...MODEL, algorithm: 'linear_regression', threshold: null } as const;
    const [values] = localModel(linear, PART).score(Float64Array.from(rows), 3);
    deepEqual([...values!], [-0.75, 2e4 + 1, -2e4 + 1]);
  });

  it('takes levels by their number, wherever they stand', () => {
    const [bank, shop, one, other] = MODEL.features;
    const model = { ...MODEL, features: [other!, bank!, one!, shop!] };
    const { encoding, score } = localModel(
      { ...model, algorithm: 'linear_regression', threshold: null },
      PART,
    );
    deepEqual(
      encoding.map(({ name }) => name),
      ['city', 'bank.x', 'shop.x'],
    );
    deepEqual([...score(Float64Array.of(0, 1, 0, 0), 1)[0]!], [-1 + 0.25]);
  });

  it('takes the columns of a forest, missing cells as they are', () => {
    const { document, X, rows } = sampleForest('classes');
    const city = { kind: 'categorical', name: 'city', levels: ['A', 'B'] } as const;
    const part = { ...PART, encoding: [{ ...PART.encoding[0]!, mean: null }, city] } as never;
    const { encoding, owners, score } = localModel(document, part);
    deepEqual(encoding.slice(2), [{ kind: 'numeric', name: 'x', mean: null }, city]);
    ok(encoding.every((each) => each.kind === 'categorical' || each.mean === null));
    deepEqual(owners, ['bank', 'bank', 'shop', 'shop']);
    deepEqual(score(X, rows), predictBoosted(document.trees, matrix(X, rows, 5)));
    throws(() => localModel(document, null), ModelUseError);
  });

  it('is none with categories whose names are not known, or with a level missing', () => {
    const other = { ...PART, party: 'bank' };
    const fewer = { ...PART, encoding: [{ ...PART.encoding[1]!, levels: ['A'] } as never] };
    for (const part of [null, other, fewer]) throws(() => localModel(MODEL, part), ModelUseError);
    const features = MODEL.features.filter(({ level }) => level !== 0);
    throws(() => localModel({ ...MODEL, features }, PART), ModelFormatError);
  });
});

import { deepEqual, throws } from 'node:assert/strict';
import {
  type ModelDocument,
  parseModelDocument,
} from '../../../src/party/models/model-document.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { MODEL } from './sample.ts';

describe('model document', () => {
  it('survives its text', () => {
    deepEqual(parseModelDocument(JSON.stringify(MODEL)), MODEL);
  });

  it('is refused when anything in it is wrong', () => {
    const { intercept: _, ...withoutIntercept } = MODEL;
    const feature = MODEL.features[0]!;
    const wrong: [document: unknown, message: RegExp][] = [
      [withoutIntercept, /intercept/],
      [{ ...MODEL, format: 'entente/model/v2' }, /format/],
      [{ ...MODEL, model_id: 'model-1' }, /model_id/],
      [{ ...MODEL, surprise: 1 }, /additional|surprise/],
      [{ ...MODEL, intercept: null }, /intercept/],
      [{ ...MODEL, threshold: 1.5 }, /threshold/],
      [{ ...MODEL, features: [{ ...feature, weight: '1' }] }, /features\/0\/weight/],
      [{ ...MODEL, features: [feature, feature] }, /twice/],
      [
        { ...MODEL, features: [...MODEL.features, { ...MODEL.features[2]!, level: undefined }] },
        /as number and as levels/,
      ],
      [[], /object/],
    ];
    for (const [document, message] of wrong) {
      throws(
        () => parseModelDocument(JSON.stringify(document)),
        (error) => error instanceof ModelFormatError && message.test(error.message),
        JSON.stringify(document),
      );
    }
    throws(() => parseModelDocument('{'), ModelFormatError);
    const infinite = JSON.stringify(MODEL).replace('"intercept":-1', '"intercept":-1e999');
    throws(() => parseModelDocument(infinite), ModelFormatError);
  });

  it('takes a regression, which has no threshold', () => {
    const model: ModelDocument = { ...MODEL, algorithm: 'linear_regression', threshold: null };
    deepEqual(parseModelDocument(JSON.stringify(model)), model);
  });
});

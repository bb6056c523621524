import { deepEqual, equal } from 'node:assert/strict';
import { fitsTraining, scoringOf, tellsTwoClasses } from '../../../src/party/consensus/scoring.ts';
import { changed, type Json } from '../../support/changed-contract.ts';
import {
  sampleContract,
  samplePrediction,
  sampleTreePrediction,
  sampleTrees,
  testIdentity,
} from '../../support/contracts.ts';

const signers = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);
const two = signers.slice(0, 2);
const CODE = 'cd'.repeat(32);

describe('scoring', () => {
  const trees = sampleTrees(signers);

  it('takes over of trees what bounds their leakage', () => {
    deepEqual(scoringOf(trees, null, CODE), {
      algorithm: { name: 'xgboost', partition: 'vertical', implementation: CODE },
      parameters: {
        objective: 'binary:logistic',
        num_class: 1,
        num_trees: 5,
        max_depth: 2,
        predict_threshold: 0.5,
        open_bits: 12,
      },
    });
  });

  it('has a threshold of its own, or the training’s, for two classes alone', () => {
    const logistic = sampleContract(two);
    const linear = changed('algorithm/name', 'linear_regression', logistic);
    const numbers = changed('parameters/objective', 'reg:squarederror', trees);
    for (const [training, tells] of [
      [logistic, true],
      [trees, true],
      [linear, false],
      [numbers, false],
    ] as const) {
      equal(tellsTwoClasses(training), tells);
      equal(scoringOf(training, 0.9, CODE).parameters.predict_threshold, tells ? 0.9 : null);
      equal(scoringOf(training, null, CODE).parameters.predict_threshold, tells ? 0.5 : null);
    }
  });

  it('fits the training that it is of, and no other', () => {
    const prediction = sampleTreePrediction(signers);
    const trained = { taskId: prediction.model.taskId, training: trees };
    equal(fitsTraining(prediction, trained), true);
    for (const [path, value] of [
      ['parameters/objective', 'reg:squarederror'],
      ['parameters/num_class', 2],
      ['parameters/num_trees', 4],
      ['parameters/max_depth', 3],
      ['parameters/open_bits', 20],
      ['model/taskId', 'ef'.repeat(32)],
      ['parties', prediction.parties.slice(0, 2) as unknown as Json],
      ['parties/1/name', 'orgX'],
    ] as const) {
      equal(fitsTraining(changed(path, value, prediction), trained), false, path);
    }
    const other = changed('parameters/predict_threshold', 0.9, prediction);
    equal(fitsTraining(other, trained), true, 'a threshold is the coordinator’s choice');
    equal(fitsTraining(samplePrediction(two), trained), false, 'another algorithm');
    const linear = { taskId: prediction.model.taskId, training: sampleContract(two) };
    equal(fitsTraining(samplePrediction(two), linear), true);
  });
});

import { deepEqual, equal, throws } from 'node:assert/strict';
import {
  innerNodes,
  plainParameters,
  splitRows,
  treesOf,
} from '../../../../src/ml/vertical/trees/parameters.ts';
import { TREE_DEFAULTS } from '../../../support/boosting-run.ts';

describe('parameters of joint boosting', () => {
  it('are those of plain boosting, and limits of their own', () => {
    deepEqual(plainParameters({ ...TREE_DEFAULTS, reg_alpha: 2, colsample_bytree: 0.5 }), {
      objective: 'binary:logistic',
      numClass: 1,
      numTrees: 3,
      learningRate: 0.3,
      maxDepth: 3,
      numBins: 32,
      regLambda: 1,
      regAlpha: 2,
      gamma: 0,
      minChildWeight: 1,
      subsample: 1,
      colsampleBytree: 0.5,
      scalePosWeight: 1,
      baseScore: 0.5,
    });
    throws(() => plainParameters({ ...TREE_DEFAULTS, max_depth: 0 }), /"maxDepth" expected/);
    throws(() => plainParameters({ ...TREE_DEFAULTS, num_bins: 257 }), /"num_bins" expected/);
    for (const noise of [0, 1.5, 17]) {
      const parameters = { ...TREE_DEFAULTS, noise_multiplier: noise };
      throws(() => plainParameters(parameters), /"noise_multiplier" expected 1 to 16/);
    }
  });

  it('split rows for training and validation', () => {
    deepEqual(splitRows(3, TREE_DEFAULTS), {
      train: Uint32Array.of(0, 1, 2),
      validation: new Uint32Array(0),
    });
    const { train, validation } = splitRows(10, { ...TREE_DEFAULTS, use_validation_set: true });
    deepEqual([train.length, validation.length], [8, 2]);
  });

  it('bound trees and nodes', () => {
    equal(treesOf({ ...TREE_DEFAULTS, num_class: 4 }), 12);
    equal(innerNodes({ max_depth: 5 }), 31);
  });
});

import { deepEqual } from 'node:assert/strict';
import { keepsMissing, labelKindOf } from '../../../src/party/consensus/model-data.ts';
import { changed } from '../../support/changed-contract.ts';
import { sampleContract, sampleTrees, testIdentity } from '../../support/contracts.ts';

const signers = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);

describe('data of a model', () => {
  it('have the label that is learnt', () => {
    const linear = sampleContract(signers);
    const trees = sampleTrees(signers);
    const several = changed(
      'parameters/num_class',
      4,
      changed('parameters/objective', 'multi:softprob', trees),
    );
    deepEqual(
      [
        linear,
        changed('algorithm/name', 'linear_regression', linear),
        trees,
        changed('parameters/objective', 'reg:squarederror', trees),
        several,
      ].map(labelKindOf),
      ['binary', 'number', 'binary', 'number', { classes: 4 }],
    );
  });

  it('keep missing numbers for trees alone', () => {
    const names = ['logistic_regression', 'linear_regression', 'xgboost', 'intersection'] as const;
    deepEqual(
      names.map((name) => keepsMissing({ name })),
      [false, false, true, false],
    );
  });
});

import { deepEqual, equal } from 'node:assert/strict';
import {
  checkDeclared,
  declaredClasses,
  partiesOfRole,
} from '../../src/party/declared-disclosures.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';
import { sampleContract, sampleLabelled, testIdentity } from '../support/contracts.ts';

const signers = ['orgA', 'orgB', 'orgC', 'auditor'].map((name) => testIdentity(name).signer);
const [a, b, c, r] = signers;
const contract = sampleContract([a!, b!, c!], { receiver: r! });

describe('parties of a role', () => {
  it('are those the contract gives it', () => {
    deepEqual(partiesOfRole(contract, 'all'), ['orgA', 'orgB', 'orgC', 'auditor']);
    deepEqual(partiesOfRole(contract, 'label_holder'), ['orgA']);
    deepEqual(partiesOfRole(contract, 'feature_holder'), ['orgB', 'orgC']);
    deepEqual(partiesOfRole(contract, 'receivers'), ['orgA', 'auditor']);
    deepEqual(partiesOfRole(contract, 'orgB'), []);
    const labelled = { ...sampleLabelled([a!, b!]), receivers: ['orgA', 'orgB'] };
    deepEqual(partiesOfRole(labelled, 'payload_receivers'), ['orgA'], 'its own is no news to orgB');
  });
});

describe('declared disclosures', () => {
  const codeOf = (name: string, to: readonly string[], elements: number): string => {
    try {
      return String(checkDeclared({ class: name, to, elements }, declaredClasses(contract)).most);
    } catch (error) {
      return error instanceof ProtocolError ? error.code : (error as Error).name;
    }
  };

  it('are of classes and to readers of the statement', () => {
    equal(codeOf('validation_scores', ['orgA'], 7), '200');
    equal(
      codeOf('weights', ['auditor', 'orgA'], 7),
      '6',
      'what is too many is the caller’s to count',
    );
    equal(codeOf('validation_scores', ['orgA', 'orgB'], 7), 'NOT_DECLARED');
    equal(codeOf('labels', ['orgA'], 1), 'NOT_DECLARED');
  });

  it('have readers and a count', () => {
    for (const elements of [-1, 0.5, Number.NaN]) {
      equal(codeOf('weights', ['orgA'], elements), 'RangeError');
    }
    equal(codeOf('weights', [], 1), 'RangeError');
  });

  it('of a class that stands twice may go to the readers of both', () => {
    const [first] = contract.leakage.opened;
    const more = { ...first!, name: 'weights', to: 'label_holder', most: 4 };
    const leakage = { ...contract.leakage, opened: [...contract.leakage.opened, more] };
    const declared = declaredClasses({ ...contract, leakage }).get('weights');
    deepEqual([...declared!.readers].sort(), ['auditor', 'orgA']);
    equal(declared!.most, 10);
  });
});

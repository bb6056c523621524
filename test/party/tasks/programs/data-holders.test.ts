import { deepEqual, throws } from 'node:assert/strict';
import { dataHolders } from '../../../../src/party/tasks/programs/data-holders.ts';
import { trainingContract } from '../../../support/training-pair.ts';

describe('data holders', () => {
  it('are the two parties with data, seen from one of them', () => {
    const contract = trainingContract();
    const { own, peer } = dataHolders(contract, 'orgB');
    deepEqual([own.name, peer.name], ['orgB', 'orgA']);
  });

  it('must be two, this node among them', () => {
    const contract = trainingContract();
    const [first, second] = contract.parties;
    const third = { ...second!, name: 'orgC' };
    throws(() => dataHolders(contract, 'orgC'), { code: 'NOT_AVAILABLE' });
    throws(() => dataHolders({ ...contract, parties: [first!] }, 'orgA'), {
      code: 'NOT_AVAILABLE',
    });
    const three = { ...contract, parties: [first!, second!, third] };
    throws(() => dataHolders(three, 'orgA'), { code: 'NOT_AVAILABLE' });
  });
});

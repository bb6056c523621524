import { deepEqual } from 'node:assert/strict';
import { headOf } from '../../../src/party/tasks/task-head.ts';
import { sampleContract, testIdentity } from '../../support/contracts.ts';

describe('the head of a task', () => {
  it('says what its contract says, and waits for the parties', () => {
    const signers = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
    const contract = sampleContract(signers, { receivers: ['orgB'], purpose: 'tumour study' });
    deepEqual(headOf('ab'.repeat(32), contract), {
      taskId: 'ab'.repeat(32),
      kind: 'train',
      algorithm: 'logistic_regression',
      initiator: contract.initiator,
      parties: ['orgA', 'orgB'],
      receivers: ['orgB'],
      purpose: 'tumour study',
      phase: 'awaiting_parties',
      createdAt: contract.createdAt,
    });
  });
});

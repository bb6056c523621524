import { deepEqual, equal } from 'node:assert/strict';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import { endInterrupted } from '../../../src/party/tasks/interrupted.ts';
import { memoryAttempts } from '../../../src/party/transport/attempts.ts';
import { lost, withNetwork } from '../../support/consensus-network.ts';

const REASON = 'the node was stopped while the task ran';

describe('interrupted tasks', () => {
  it('end here and at every party', () =>
    withNetwork(['orgA', 'orgB'], async (network) => {
      const [a, b] = [network.at('orgA'), network.at('orgB')];
      const { taskId } = await proposeContract(a.node, network.contract());
      const attempts = memoryAttempts();
      await endInterrupted(b.node, attempts, [taskId]);
      for (const { node } of [a, b]) {
        const { state, end } = (await node.records.find(taskId))!;
        deepEqual([state, end!.party, end!.reason], ['aborted', 'orgB', REASON]);
      }
      const id = Buffer.from(taskId, 'hex');
      equal(await attempts.claim(id, 'orgA', 1), 'finished');
    }));

  it('end here though the peer cannot be told, or nobody knows of them', () =>
    withNetwork(['orgA', 'orgB'], async (network) => {
      const a = network.at('orgA');
      const { taskId } = await proposeContract(a.node, network.contract());
      network.intercept = () => Promise.reject(lost('UNREACHABLE'));
      await endInterrupted(a.node, memoryAttempts(), ['ab'.repeat(32), taskId]);
      equal((await a.node.records.find(taskId))!.state, 'aborted');
    }));
});

import { deepEqual, equal } from 'node:assert/strict';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import {
  abortTask,
  answerAbort,
  endExpiredTasks,
  endStaleTasks,
  finishTask,
} from '../../../src/party/consensus/task-end.ts';
import { encodeHash, METHODS } from '../../../src/party/consensus/wire.ts';
import { lost, type Network, withNetwork } from '../../support/consensus-network.ts';
import { refusesAsync } from '../../support/refusals.ts';

const THREE = ['orgA', 'orgB', 'orgC'];
const CANCELLED = { code: 'cancelled', reason: 'no longer needed' } as const;

async function agreed(network: Network, parties = network.contract().parties): Promise<string> {
  const contract = network.contract({ parties });
  return (await proposeContract(network.at('orgA').node, contract)).taskId;
}

async function statesOf(network: Network, taskId: string): Promise<readonly unknown[]> {
  return Promise.all(
    network.names.map(async (name) => (await network.at(name).node.records.find(taskId))?.state),
  );
}

/** An abort as a peer could send it. */
async function sendAbort(network: Network, from: string, taskId: string, party = from) {
  const request = { taskId: encodeHash(taskId), refused: CANCELLED, party };
  await network.send(from, 'orgB', METHODS.abort, request);
}

describe('aborting a task', () => {
  for (const name of THREE) {
    it(`ends it everywhere when ${name} does, and says why`, () =>
      withNetwork(THREE, async (network) => {
        const taskId = await agreed(network);
        await abortTask(network.at(name).node, taskId, CANCELLED);
        deepEqual(await statesOf(network, taskId), ['aborted', 'aborted', 'aborted']);
        for (const other of THREE) {
          const record = await network.at(other).node.records.find(taskId);
          deepEqual(record?.end, {
            from: name,
            party: name,
            ...CANCELLED,
            time: '2026-03-01T12:00:00.000Z',
          });
        }
      }));
  }

  it('records the end here when nobody else can be reached', () =>
    withNetwork(THREE, async (network) => {
      const taskId = await agreed(network);
      network.intercept = async () => {
        throw lost('UNREACHABLE');
      };
      await abortTask(network.at('orgB').node, taskId, CANCELLED);
      deepEqual(await statesOf(network, taskId), ['committed', 'aborted', 'committed']);
    }));

  it('does nothing the second time, and knows no other task', () =>
    withNetwork(THREE, async (network) => {
      const taskId = await agreed(network);
      await abortTask(network.at('orgA').node, taskId, CANCELLED);
      const calls = network.calls.length;
      await abortTask(network.at('orgA').node, taskId, { code: 'task_failed', reason: 'late' });
      equal(network.calls.length, calls);
      equal((await network.at('orgA').node.records.find(taskId))?.end?.code, 'cancelled');
      const unknown = abortTask(network.at('orgA').node, '00'.repeat(32), CANCELLED);
      await refusesAsync(unknown, 'unknown_task');
    }));
});

describe('being told of an abort', () => {
  it('ignores a peer that is no party of the task', () =>
    withNetwork([...THREE, 'orgX'], async (network) => {
      const parties = network.contract().parties.slice(0, 3);
      const taskId = await agreed(network, parties);
      await sendAbort(network, 'orgX', taskId);
      await sendAbort(network, 'orgX', taskId, 'orgA');
      equal((await network.at('orgB').node.records.find(taskId))?.state, 'committed');
      await sendAbort(network, 'orgC', taskId);
      equal((await network.at('orgB').node.records.find(taskId))?.state, 'aborted');
    }));

  it('ignores tasks that are unknown or over', () =>
    withNetwork(THREE, async (network) => {
      const { node, log } = network.at('orgB');
      await sendAbort(network, 'orgA', '00'.repeat(32));
      const taskId = await agreed(network);
      await finishTask(node, taskId);
      await sendAbort(network, 'orgA', taskId);
      equal((await node.records.find(taskId))?.state, 'finished');
      deepEqual(log, [`committed ${taskId}`]);
    }));

  it('holds the sender to account when it blames a stranger', () =>
    withNetwork(THREE, async (network) => {
      const taskId = await agreed(network);
      await sendAbort(network, 'orgA', taskId, 'orgX');
      const { end } = (await network.at('orgB').node.records.find(taskId))!;
      deepEqual([end?.from, end?.party], ['orgA', 'orgA']);
    }));
});

describe('finishing a task', () => {
  it('closes a committed task for good, and no other', () =>
    withNetwork(THREE, async (network) => {
      const { node } = network.at('orgA');
      const taskId = await agreed(network);
      await finishTask(node, taskId);
      await refusesAsync(finishTask(node, taskId), 'wrong_state');
      await refusesAsync(finishTask(node, '00'.repeat(32)), 'wrong_state');
      const { certificate } = (await node.records.certificate(taskId))!;
      await refusesAsync(proposeContract(node, certificate.contract), 'replayed_task');
    }));
});

describe('after a restart', () => {
  /** A contract that stops between the votes and the certificate, as a crash would leave it. */
  async function interrupted(network: Network): Promise<string> {
    const contract = network.contract();
    const taskId = taskIdOf(contract);
    network.intercept = async ({ method }, deliver) => {
      if (method === 'consensus/prepare') return deliver();
      throw lost('UNREACHABLE');
    };
    const proposal = proposeContract(network.at('orgA').node, contract);
    await refusesAsync(proposal, 'unreachable');
    network.intercept = (_call, deliver) => deliver();
    return taskId;
  }

  it('expires votes that nobody committed, not before their time', () =>
    withNetwork(THREE, async (network) => {
      const taskId = await interrupted(network);
      const { node, log } = network.at('orgB');
      await endStaleTasks(node);
      equal((await node.records.find(taskId))?.state, 'voted');
      network.clock.now += 3_600_000;
      await endStaleTasks(node);
      equal((await node.records.find(taskId))?.state, 'aborted');
      deepEqual(log, ['ended expired orgB']);
    }));

  it('aborts what this node was proposing', () =>
    withNetwork(THREE, async (network) => {
      const contract = network.contract();
      const taskId = taskIdOf(contract);
      const { node } = network.at('orgA');
      await node.records.receive(taskId, contract, null);
      await endStaleTasks(node);
      const record = await node.records.find(taskId);
      deepEqual([record?.state, record?.end?.code], ['aborted', 'aborted']);
      equal(network.calls.filter(({ method }) => method === 'consensus/abort').length, 2);
    }));

  it('ends what this node was still checking, and leaves agreed tasks alone', () =>
    withNetwork(THREE, async (network) => {
      const { node } = network.at('orgB');
      const committed = await agreed(network);
      const contract = network.contract();
      await node.records.receive(taskIdOf(contract), contract, null);
      await endStaleTasks(node);
      equal((await node.records.find(taskIdOf(contract)))?.state, 'aborted');
      equal((await node.records.find(committed))?.state, 'committed');
    }));

  it('keeps an abort that arrives during a check for after it', () =>
    withNetwork(THREE, async (network) => {
      const contract = network.contract();
      const taskId = taskIdOf(contract);
      const b = network.at('orgB');
      let abort = Promise.resolve();
      b.datasets.verifyWith = async () => {
        abort = answerAbort(b.node, 'orgA', taskId, 'orgA', CANCELLED);
      };
      const proposal = proposeContract(network.at('orgA').node, contract);
      await refusesAsync(proposal, 'aborted');
      await abort;
      equal((await b.node.records.find(taskId))?.end?.code, 'cancelled');
    }));
});

describe('expired tasks', () => {
  it('end here once nobody can commit or approve them any more', () =>
    withNetwork(THREE, async (network) => {
      const { node, log } = network.at('orgB');
      const committed = await agreed(network);
      const contract = network.contract();
      const taskId = taskIdOf(contract);
      await node.records.asked(await node.records.receive(taskId, contract, null));
      log.length = 0;
      await endExpiredTasks(node);
      network.clock.now += 3_600_000 - 1;
      await endExpiredTasks(node);
      equal((await node.records.find(taskId))?.state, 'asked');
      network.clock.now += 1;
      await endExpiredTasks(node);
      equal((await node.records.find(taskId))?.end?.code, 'expired');
      equal((await node.records.find(committed))?.state, 'committed', 'it may run');
      deepEqual(log, ['ended expired orgB']);
    }));
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { VoteResponse } from '../../../proto/gen/consensus.ts';
import { approveTask, awaitingApproval, denyTask } from '../../../src/party/consensus/approval.ts';
import type { Contract } from '../../../src/party/consensus/contract.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import type { ConsensusErrorCode } from '../../../src/party/consensus/errors.ts';
import {
  type AgreedTask,
  NotAgreedError,
  proposeContract,
} from '../../../src/party/consensus/initiator.ts';
import { decodeSigned, encodeSigned } from '../../../src/party/consensus/signed.ts';
import { abortTask, endStaleTasks } from '../../../src/party/consensus/task-end.ts';
import { VoteSchema } from '../../../src/party/consensus/vote.ts';
import { encodeHash, METHODS } from '../../../src/party/consensus/wire.ts';
import type { Policy } from '../../../src/party/policy-rule.ts';
import {
  DatasetRefusal,
  lost,
  type Network,
  nextAsked,
  OPEN_RULE,
  restarted,
  withNetwork,
} from '../../support/consensus-network.ts';
import { refusesAsync } from '../../support/refusals.ts';

const TWO = ['orgA', 'orgB'];
const THREE = ['orgA', 'orgB', 'orgC'];
const ASK: Policy = { version: 1, rules: [{ ...OPEN_RULE, action: 'ask' }] };
const CANCELLED = { code: 'cancelled', reason: 'no longer needed' } as const;

interface Waiting {
  readonly contract: Contract;
  readonly taskId: string;
  /** How the proposal of `orgA` ends. */
  readonly outcome: Promise<AgreedTask>;
}

/** A proposal of `orgA` that waits for a person at each of `askers`. */
async function waiting(network: Network, ...askers: readonly string[]): Promise<Waiting> {
  const contract = network.contract();
  for (const name of askers) network.at(name).policy = ASK;
  const asked = askers.map((name) => nextAsked(network.at(name)));
  const outcome = proposeContract(network.at('orgA').node, contract);
  outcome.catch(() => undefined);
  await Promise.all(asked);
  return { contract, taskId: taskIdOf(contract), outcome };
}

const states = async (network: Network, taskId: string): Promise<readonly unknown[]> =>
  Promise.all(
    network.names.map(async (name) => (await network.at(name).node.records.find(taskId))?.state),
  );

async function fails(
  outcome: Promise<AgreedTask>,
  code: ConsensusErrorCode,
  party: string,
): Promise<void> {
  await rejects(outcome, (error) => {
    ok(error instanceof NotAgreedError, String(error));
    deepEqual([error.code, error.party], [code, party], error.message);
    return true;
  });
}

async function vote(network: Network, taskId: string, from = 'orgA'): Promise<string> {
  const request = { taskId: encodeHash(taskId) };
  const { result } = await network.send(from, 'orgB', METHODS.vote, request);
  return result?.$case === 'refused' ? result.value.code : (result?.$case ?? 'nothing');
}

describe('a task that a person is asked about', () => {
  it('waits, and is agreed once the person approves', () =>
    withNetwork(THREE, async (network) => {
      const { taskId, outcome, contract } = await waiting(network, 'orgB');
      const { node, log } = network.at('orgB');
      equal((await node.records.find(taskId))?.state, 'asked');
      equal(await node.records.vote(taskId, 'orgB'), undefined, 'nothing is signed');
      deepEqual(
        (await awaitingApproval(node)).map((record) => [record.taskId, record.contract]),
        [[taskId, contract]],
      );
      await approveTask(node, taskId);
      await outcome;
      deepEqual(await states(network, taskId), ['committed', 'committed', 'committed']);
      deepEqual(await awaitingApproval(node), []);
      deepEqual(log, [`asked ${taskId}`, `approved ${taskId}`, `committed ${taskId}`]);
      equal(network.at('orgB').datasets.verified, 2, 'before it asks, and again');
    }));

  it('is kept by its own node until its person approves', () =>
    withNetwork(THREE, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgA');
      deepEqual(await states(network, taskId), ['asked', undefined, undefined]);
      equal(network.calls.length, 0);
      await approveTask(network.at('orgA').node, taskId);
      await outcome;
      deepEqual(await states(network, taskId), ['committed', 'committed', 'committed']);
    }));

  it('may wait at several parties', () =>
    withNetwork(THREE, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB', 'orgC');
      await approveTask(network.at('orgC').node, taskId);
      equal(await vote(network, taskId), 'waiting');
      await approveTask(network.at('orgB').node, taskId);
      await outcome;
      deepEqual(await states(network, taskId), ['committed', 'committed', 'committed']);
    }));

  it('ends everywhere when the person says no', () =>
    withNetwork(THREE, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB');
      await denyTask(network.at('orgB').node, taskId);
      await fails(outcome, 'refused_by_policy', 'orgB');
      deepEqual(await states(network, taskId), ['aborted', 'refused', 'aborted']);
      const record = await network.at('orgB').node.records.find(taskId);
      equal(record?.contract, null, 'nothing of it is kept that nobody agreed to');
    }));

  it('is heard of by nobody when the initiator’s person says no', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgA');
      await denyTask(network.at('orgA').node, taskId);
      await fails(outcome, 'refused_by_policy', 'orgA');
      deepEqual(await states(network, taskId), ['refused', undefined]);
    }));

  for (const asker of TWO) {
    it(`ends when its contract expires before ${asker} has approved`, () =>
      withNetwork(TWO, async (network) => {
        const { taskId, outcome } = await waiting(network, asker);
        network.clock.now += 3_600_000;
        await fails(outcome, 'expired', asker);
        equal((await network.at('orgA').node.records.find(taskId))?.state, 'aborted');
        deepEqual(await awaitingApproval(network.at(asker).node), []);
        await refusesAsync(approveTask(network.at(asker).node, taskId), 'wrong_state');
      }));
  }

  for (const name of THREE) {
    it(`can be cancelled by ${name}`, () =>
      withNetwork(THREE, async (network) => {
        const { taskId, outcome } = await waiting(network, 'orgB');
        await abortTask(network.at(name).node, taskId, CANCELLED);
        await fails(outcome, 'cancelled', name);
        deepEqual(await states(network, taskId), ['aborted', 'aborted', 'aborted']);
        await refusesAsync(approveTask(network.at('orgB').node, taskId), 'wrong_state');
      }));
  }

  it('can be cancelled at the initiator while its own person is asked', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgA');
      await abortTask(network.at('orgA').node, taskId, CANCELLED);
      await fails(outcome, 'cancelled', 'orgA');
    }));

  it('ends at once when another party refuses', () =>
    withNetwork(THREE, async (network) => {
      network.at('orgB').policy = ASK;
      network.at('orgC').datasets.verifyWith = async () => {
        await asked;
        throw new DatasetRefusal('changed', 'credit/train.csv has changed');
      };
      const asked = nextAsked(network.at('orgB'));
      const contract = network.contract();
      await fails(proposeContract(network.at('orgA').node, contract), 'data_mismatch', 'orgC');
      deepEqual(await states(network, taskIdOf(contract)), ['aborted', 'aborted', 'refused']);
    }));

  it('is checked again when the person approves', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      const cases: readonly (readonly [() => void, ConsensusErrorCode])[] = [
        [() => Object.assign(b, { policy: { version: 1, rules: [] } }), 'refused_by_policy'],
        [() => Object.assign(b, { policy: new Error('unreadable') }), 'refused_by_policy'],
        [
          () => {
            b.datasets.verifyWith = async () => {
              throw new DatasetRefusal('changed', 'credit/train.csv has changed');
            };
          },
          'data_mismatch',
        ],
      ];
      for (const [change, code] of cases) {
        b.datasets.verifyWith = async () => {};
        const { taskId, outcome } = await waiting(network, 'orgB');
        change();
        await refusesAsync(approveTask(b.node, taskId), code);
        await fails(outcome, code, 'orgB');
        deepEqual(await states(network, taskId), ['aborted', 'refused']);
        equal(await b.node.records.vote(taskId, 'orgB'), undefined, 'no vote');
      }
    }));

  it('needs no more than an approval when the policy allows it meanwhile', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB');
      network.at('orgB').policy = { version: 1, rules: [OPEN_RULE] };
      await approveTask(network.at('orgB').node, taskId);
      await outcome;
    }));

  it('goes on waiting over a restart of the node that asks, and while it is away', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB');
      const b = network.at('orgB');
      let missed = 0;
      const tried = new Promise<void>((resolve) => {
        network.intercept = async ({ method }, deliver) => {
          if (method !== 'consensus/vote') return deliver();
          if (++missed === 3) resolve();
          throw lost(missed % 2 === 0 ? 'TIMED_OUT' : 'UNREACHABLE');
        };
      });
      await tried;
      restarted(b);
      await endStaleTasks(b.node);
      deepEqual(
        (await awaitingApproval(b.node)).map((record) => record.taskId),
        [taskId],
      );
      await approveTask(b.node, taskId);
      network.intercept = (_call, deliver) => deliver();
      await outcome;
      deepEqual(await states(network, taskId), ['committed', 'committed']);
    }));

  it('ends at a restart when its contract has expired', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB');
      const { node } = network.at('orgB');
      network.intercept = async () => {
        throw lost();
      };
      network.clock.now += 3_600_000;
      await fails(outcome, 'expired', 'orgB');
      restarted(network.at('orgB'));
      await endStaleTasks(node);
      deepEqual(await states(network, taskId), ['aborted', 'aborted']);
    }));

  for (const asker of TWO) {
    it(`is aborted when the initiator restarts while ${asker} is asked`, () =>
      withNetwork(TWO, async (network) => {
        const { taskId, outcome } = await waiting(network, asker);
        await endStaleTasks(network.at('orgA').node);
        await fails(outcome, 'aborted', 'orgA');
        const [a, b] = await states(network, taskId);
        equal(a, 'aborted');
        equal(b, asker === 'orgB' ? 'aborted' : undefined);
      }));
  }

  it('cannot be committed without the vote', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, contract } = await waiting(network, 'orgB');
      const contractBytes = new TextEncoder().encode(JSON.stringify(contract));
      const request = { taskId: encodeHash(taskId), contract: contractBytes, votes: [] };
      const { result } = await network.send('orgA', 'orgB', METHODS.commit, request);
      equal(result?.$case === 'refused' && result.value.code, 'wrong_state');
      equal((await network.at('orgB').node.records.find(taskId))?.state, 'asked');
    }));

  it('has its vote checked like any other', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB');
      network.intercept = async ({ method }, deliver) => {
        const answer = await deliver();
        if (method !== 'consensus/vote') return answer;
        const { result } = VoteResponse.decode(answer);
        if (result?.$case !== 'vote') return answer;
        const own = decodeSigned(VoteSchema, result.value);
        const value = encodeSigned({ ...own, body: { ...own.body, rule: '00'.repeat(32) } });
        return VoteResponse.encode({ result: { $case: 'vote', value } }).finish();
      };
      await approveTask(network.at('orgB').node, taskId);
      await fails(outcome, 'bad_signature', 'orgB');
    }));
});

describe('asking for a vote', () => {
  it('is for the initiator of a task alone', () =>
    withNetwork(THREE, async (network) => {
      const { taskId } = await waiting(network, 'orgB');
      equal(await vote(network, taskId, 'orgC'), 'unknown_task');
      equal(await vote(network, '00'.repeat(32)), 'unknown_task');
      const request = { taskId: new Uint8Array(31) };
      const { result } = await network.send('orgA', 'orgB', METHODS.vote, request);
      equal(result?.$case === 'refused' && result.value.code, 'malformed_message');
    }));

  it('is answered with what there is after a while', () =>
    withNetwork(TWO, async (network) => {
      const { taskId, outcome } = await waiting(network, 'orgB');
      equal(await vote(network, taskId), 'waiting');
      await approveTask(network.at('orgB').node, taskId);
      equal(await vote(network, taskId), 'vote');
      await outcome;
      equal(await vote(network, taskId), 'vote');
      await abortTask(network.at('orgB').node, taskId, CANCELLED);
      equal(await vote(network, taskId), 'cancelled');
    }));
});

describe('approving and denying', () => {
  it('are for tasks that wait', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { taskId } = await proposeContract(node, network.contract());
      for (const answer of [approveTask, denyTask]) {
        await refusesAsync(answer(node, '00'.repeat(32)), 'unknown_task');
        await refusesAsync(answer(node, taskId), 'wrong_state');
      }
      equal((await node.records.find(taskId))?.state, 'committed');
    }));
});

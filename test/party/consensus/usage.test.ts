import { deepEqual, equal } from 'node:assert/strict';
import type { Contract } from '../../../src/party/consensus/contract.ts';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import { abortTask, finishTask } from '../../../src/party/consensus/task-end.ts';
import { openDisclosureLedger } from '../../../src/party/disclosure-ledger.ts';
import { openedCounts } from '../../../src/party/opened-values.ts';
import type { PolicyRule } from '../../../src/party/policy-rule.ts';
import {
  type ContractChanges,
  lost,
  type Network,
  OPEN_RULE,
  restarted,
  withNetwork,
} from '../../support/consensus-network.ts';
import { keyRing, testIdentity } from '../../support/contracts.ts';
import { memoryTrail } from '../../support/memory-trail.ts';
import { refusesAsync } from '../../support/refusals.ts';

const TWO = ['orgA', 'orgB'];
const DAY_MS = 24 * 3_600_000;
/** What the sample contract opens at most to orgA, three times the scores. */
const BUDGETS = { intersection_size: 100, validation_scores: 600, weights: 100 };

/** Lets `orgB` follow one rule with these limits. */
function limit(network: Network, limits: Partial<PolicyRule>): void {
  network.at('orgA').policy = { version: 1, rules: [{ ...OPEN_RULE, purposes: ['*'] }] };
  network.at('orgB').policy = { version: 1, rules: [{ ...OPEN_RULE, ...limits }] };
}

async function agree(network: Network, changes: ContractChanges = {}): Promise<string> {
  const fresh = network.contract().nonce;
  const createdAt = new Date(network.clock.now).toISOString();
  const expiresAt = new Date(network.clock.now + 3_600_000).toISOString();
  const contract = network.contract({ nonce: fresh, createdAt, expiresAt, ...changes });
  return (await proposeContract(network.at('orgA').node, contract)).taskId;
}

async function denied(network: Network, reason: string, changes = {}): Promise<void> {
  await refusesAsync(agree(network, changes), 'refused_by_policy', 'the policy does not allow it');
  const reasons = network.at('orgB').log.filter((line) => line.startsWith('denied'));
  equal(reasons.at(-1), `denied orgA ${reason}`);
}

/** orgB opens scores to orgA in an attempt at an agreed task. */
async function open(network: Network, taskId: string, elements: number): Promise<void> {
  const { node, store } = network.at('orgB');
  const { certificate } = (await node.records.certificate(taskId))!;
  const { contract }: { contract: Contract } = certificate;
  const now = (): number => network.clock.now;
  const deps = { store, trail: memoryTrail(now, store), counts: openedCounts(store), now };
  const ledger = await openDisclosureLedger(deps, { contract, taskId, attempt: 1 });
  await ledger.record({ class: 'validation_scores', to: ['orgA'], elements, value: null });
}

describe('tasks a day', () => {
  it('are the votes of the last 24 hours, also of tasks that came to nothing', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { tasks_per_day: 2 });
      const first = await agree(network);
      await abortTask(network.at('orgA').node, first, { code: 'cancelled', reason: 'x' });
      network.clock.now += DAY_MS / 2;
      await agree(network);
      await denied(network, 'tasks_per_day');
      network.clock.now += DAY_MS / 2 - 1;
      await denied(network, 'tasks_per_day');
      network.clock.now += 1;
      await agree(network);
      await denied(network, 'tasks_per_day');
    }));

  it('are counted over a restart, and by the rule as it is', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { tasks_per_day: 1 });
      await agree(network);
      restarted(network.at('orgB'));
      await denied(network, 'tasks_per_day');
      limit(network, { tasks_per_day: 2 });
      await agree(network);
      await denied(network, 'tasks_per_day');
      limit(network, { tasks_per_day: 1, purposes: ['other'] });
      await agree(network, { purpose: 'other' });
      await denied(network, 'tasks_per_day', { purpose: 'other' });
    }));

  it('count those that were voted for with an earlier key', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { tasks_per_day: 2 });
      await agree(network);
      const b = network.at('orgB');
      const fresh = testIdentity('orgB');
      Object.assign(b.node, { signer: fresh.signer });
      Object.assign(b, { identity: fresh });
      const keys = keyRing([network.at('orgA').identity, fresh]);
      for (const name of TWO) Object.assign(network.at(name).node, { keys });
      await agree(network);
      await denied(network, 'tasks_per_day');
    }));

  it('do not count what this node refused', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { tasks_per_day: 1 });
      await denied(network, 'purpose', { purpose: 'marketing' });
      await agree(network);
    }));

  it('are not exceeded by tasks that come at once', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { tasks_per_day: 1 });
      const outcomes = await Promise.allSettled([agree(network), agree(network), agree(network)]);
      equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    }));
});

describe('a lifetime budget', () => {
  it('counts what was opened, over tasks and attempts', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { budgets: BUDGETS });
      const first = await agree(network);
      await open(network, first, 200);
      await open(network, first, 1);
      await finishTask(network.at('orgB').node, first);
      const second = await agree(network); // 201 + 200 of 600
      await open(network, second, 200);
      await finishTask(network.at('orgB').node, second);
      await denied(network, 'budgets'); // 401 + 200
      limit(network, { budgets: { ...BUDGETS, validation_scores: 601 } });
      await agree(network);
    }));

  it('is reserved by tasks that can still open values, and by no others', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { budgets: { ...BUDGETS, validation_scores: 399 } });
      const first = await agree(network);
      await denied(network, 'budgets');
      await abortTask(network.at('orgB').node, first, { code: 'cancelled', reason: 'x' });
      await agree(network, { expiresAt: new Date(network.clock.now + 1000).toISOString() });
      await denied(network, 'budgets');
      network.clock.now += 2000;
      await denied(network, 'budgets'); // committed: it may run as long as it wants
    }));

  it('is not reserved by a vote whose contract has expired', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { budgets: { ...BUDGETS, validation_scores: 399 } });
      network.intercept = async ({ method }, deliver) => {
        if (method === 'consensus/prepare') return deliver();
        throw lost('UNREACHABLE');
      };
      await refusesAsync(agree(network), 'unreachable');
      await denied(network, 'budgets');
      network.clock.now += 3_600_000;
      network.intercept = (_call, deliver) => deliver();
      await agree(network);
    }));

  it('is not promised twice to tasks that come at once', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { budgets: { ...BUDGETS, validation_scores: 399 } });
      const outcomes = await Promise.allSettled([agree(network), agree(network), agree(network)]);
      equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    }));

  it('is one for a file, whatever the contract calls it', () =>
    withNetwork(TWO, async (network) => {
      const { datasets } = network.at('orgB');
      const identity = datasets.identity.bind(datasets);
      datasets.identity = async () => identity({ path: 'credit/train.csv' });
      limit(network, { budgets: { ...BUDGETS, validation_scores: 399 } });
      await agree(network);
      const contract = network.contract();
      const parties = contract.parties.map((party) => ({
        ...party,
        dataset: { ...party.dataset!, path: 'credit/alias.csv' },
      }));
      await denied(network, 'budgets', { parties });
      datasets.identity = identity;
      await agree(network, { parties });
    }));

  it('is not looked up before the other rules allow the task', () =>
    withNetwork(TWO, async (network) => {
      limit(network, { budgets: {}, tasks_per_day: 0 });
      await denied(network, 'tasks_per_day');
      const { datasets } = network.at('orgB');
      deepEqual([datasets.verified, datasets.described, datasets.listed], [0, 0, 0]);
    }));
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { AuditError } from '../../src/party/audit/errors.ts';
import { type EntryLog, type Trail, trailInto } from '../../src/party/audit/trail.ts';
import type { OpenedCommitment } from '../../src/party/audit/value-commitment.ts';
import type { Contract } from '../../src/party/consensus/contract.ts';
import { taskIdOf } from '../../src/party/consensus/contract-check.ts';
import { consensusRecords } from '../../src/party/consensus/records.ts';
import { signVote } from '../../src/party/consensus/vote.ts';
import { deferred } from '../../src/party/deferred.ts';
import { disclosuresOf, openDisclosureLedger } from '../../src/party/disclosure-ledger.ts';
import { type OpenedCounts, openedCounts, openedValues } from '../../src/party/opened-values.ts';
import type { PolicyRule } from '../../src/party/policy-rule.ts';
import type { Store, Write } from '../../src/party/store.ts';
import type { DisclosureTerms } from '../../src/protocols/disclosure.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { OPEN_RULE } from '../support/consensus-network.ts';
import { DECLARATION, NOW, sampleTrees, testIdentity } from '../support/contracts.ts';
import { type MemoryTrail, memoryTrail } from '../support/memory-trail.ts';
import { seededRng } from '../support/seeded-rng.ts';
import { withTemporaryStore } from '../support/temporary-store.ts';
import { AUDIT_HEAD } from '../support/test-audit.ts';

const [a, b, c, r] = ['orgA', 'orgB', 'orgC', 'auditor'].map((n) => testIdentity(n).signer);
const contract = sampleTrees([a!, b!, c!], { receiver: r! });
const TASK = taskIdOf(contract);
const DATASET = '0d'.repeat(32);

interface Agreed {
  readonly contract?: Contract;
  readonly dataset?: string | null;
  readonly budgets?: PolicyRule['budgets'];
}

/** Remembers orgB's vote for a contract by a rule with these budgets. Returns the task's id. */
async function vote(store: Store, agreed: Agreed = {}): Promise<string> {
  const terms = agreed.contract ?? contract;
  const taskId = taskIdOf(terms);
  const records = consensusRecords(store, () => NOW);
  const received = await records.receive(taskId, terms, null);
  const statement = { taskId, rule: '11'.repeat(32), auditHead: AUDIT_HEAD };
  const rule = agreed.budgets ? { ...OPEN_RULE, budgets: agreed.budgets } : OPEN_RULE;
  const own = {
    vote: signVote(b!, terms, statement, NOW, systemRng),
    opening: { rule, salt: '22'.repeat(32) },
  };
  await records.voted(received, own, agreed.dataset === undefined ? DATASET : agreed.dataset);
  return taskId;
}

/** The ledger of one attempt of orgB at a task that it voted for. */
async function ledgerOf(
  store: Store,
  agreed: Agreed = {},
): Promise<TestLedger & { readonly trail: MemoryTrail }> {
  await vote(store, agreed);
  const trail = memoryTrail(() => NOW, store);
  return { ...(await openLedger(store, agreed.contract, 1, trail)), trail };
}

/** What the node of each store counts. */
const countsOf = new WeakMap<Store, OpenedCounts>();

function nodeStarts(store: Store): OpenedCounts {
  const counts = openedCounts(store);
  countsOf.set(store, counts);
  return counts;
}

interface TestLedger {
  record(disclosure: DisclosureTerms, value?: OpenedCommitment): Promise<void>;
}

/** The ledger of an attempt at an agreed task. */
async function openLedger(
  store: Store,
  agreed: Contract = contract,
  attempt = 1,
  trail: Trail = memoryTrail(() => NOW, store),
): Promise<TestLedger> {
  const task = { contract: agreed, taskId: taskIdOf(agreed), attempt };
  const counts = countsOf.get(store) ?? nodeStarts(store);
  const ledger = await openDisclosureLedger({ store, trail, counts, now: () => NOW }, task);
  return {
    record: (disclosure, value) => ledger.record({ ...disclosure, value: value ?? null }),
  };
}

/** A trail into a log that writes when it is told to, all that waits at once. */
function slowLog(store: Store) {
  const writes: Write[] = [];
  let [count, arrived, done, isBroken] = [0, deferred<void>(), deferred<void>(), false];
  const log: EntryLog = {
    async append(entries, also) {
      if (isBroken) throw new AuditError('log_failed', 'the log is broken');
      writes.push(...also);
      count += entries.length;
      arrived.resolve();
      await done.promise;
      return entries.map((_, i) => count + i);
    },
    taskCount: async () => 0,
  };
  return {
    trail: trailInto(log, { now: () => NOW, rng: seededRng('slow log') }),
    /** Once so many entries wait. */
    async waiting(entries: number) {
      while (count < entries) {
        await arrived.promise;
        arrived = deferred();
      }
    },
    async write() {
      await store.write(...writes.splice(0));
      count = 0;
      done.resolve();
      done = deferred();
    },
    /** What waits and what follows cannot be written. */
    break() {
      isBroken = true;
      done.reject(new AuditError('log_failed', 'the log is broken'));
    },
  };
}

const SCORES = { class: 'validation_scores', to: ['orgA'], elements: 2 };

const counters = async (store: Store): Promise<object> =>
  Object.fromEntries(await openedValues(store, DATASET));

const nextNonce = (i: number): Contract => ({ ...contract, nonce: `${i}0`.repeat(32) });

describe('disclosure ledger', () => {
  it('records declared openings, in order, before it resolves', () =>
    withTemporaryStore(async (store) => {
      const ledger = await ledgerOf(store);
      await Promise.all([
        ledger.record({ class: 'intersection_size', to: ['orgA', 'orgB', 'orgC'], elements: 1 }),
        ledger.record({ class: 'validation_scores', to: ['orgA'], elements: 200 }),
      ]);
      await ledger.record({ class: 'weights', to: ['orgA', 'auditor'], elements: 0 });
      deepEqual(
        (await disclosuresOf(store, TASK)).map(({ seq, class: name }) => [seq, name]),
        [
          [0, 'intersection_size'],
          [1, 'validation_scores'],
          [2, 'weights'],
        ],
      );
      deepEqual((await disclosuresOf(store, TASK))[1], {
        taskId: TASK,
        seq: 1,
        attempt: 1,
        class: 'validation_scores',
        to: ['orgA'],
        elements: 200,
        value: null,
        time: '2026-03-01T12:00:00.000Z',
      });
    }));

  it('commits to values in the audit log, and keeps the salt to itself', () =>
    withTemporaryStore(async (store) => {
      const ledger = await ledgerOf(store);
      const value = { salt: 'aa'.repeat(32), commitment: 'bb'.repeat(32) };
      await ledger.record({ class: 'weights', to: ['orgA', 'auditor'], elements: 6 }, value);
      await ledger.record({ class: 'validation_scores', to: ['orgA'], elements: 2 });
      deepEqual(
        ledger.trail.of('disclosure').map(({ task, attempt, body }) => [task, attempt, body]),
        [
          [
            TASK,
            1,
            { class: 'weights', to: ['orgA', 'auditor'], elements: 6, value: value.commitment },
          ],
          [TASK, 1, { class: 'validation_scores', to: ['orgA'], elements: 2, value: null }],
        ],
      );
      ok(!JSON.stringify(ledger.trail.entries).includes(value.salt));
      deepEqual((await disclosuresOf(store, TASK))[0]!.value, value);
    }));

  it('refuses an undeclared class or receiver, and records only that', () =>
    withTemporaryStore(async (store) => {
      const ledger = await ledgerOf(store);
      const undeclared = [
        { class: 'labels', to: ['orgA'], elements: 1 },
        { class: 'validation_scores', to: ['orgB'], elements: 1 },
        { class: 'validation_scores', to: ['orgA', 'orgB'], elements: 1 },
        { class: 'weights', to: ['orgC'], elements: 1 },
        { class: 'intersection_size', to: ['stranger'], elements: 1 },
        { class: 'toString', to: ['orgA'], elements: 1 },
      ];
      for (const disclosure of undeclared) {
        await rejects(ledger.record(disclosure), { code: 'NOT_DECLARED' }, disclosure.class);
      }
      deepEqual(await disclosuresOf(store, TASK), []);
      deepEqual(await counters(store), {});
      deepEqual(
        ledger.trail.entries.map(({ kind, body }) => [kind, body]),
        undeclared.map(() => [
          'error',
          { source: 'protocol', code: 'NOT_DECLARED', party: 'orgB' },
        ]),
      );
    }));

  it('refuses openings to nobody and of no countable number', () =>
    withTemporaryStore(async (store) => {
      const ledger = await ledgerOf(store);
      for (const elements of [-1, 0.5, Number.NaN, 2 ** 53]) {
        await rejects(ledger.record({ class: 'weights', to: ['orgA'], elements }), RangeError);
      }
      await rejects(ledger.record({ class: 'weights', to: [], elements: 1 }), RangeError);
    }));

  it('lets a class that stands twice go to the readers of both', () =>
    withTemporaryStore(async (store) => {
      const scores = { ...DECLARATION.leakage.opened[1]!, to: 'feature_holder' };
      const leakage = { ...contract.leakage, opened: [...contract.leakage.opened, scores] };
      const ledger = await ledgerOf(store, { contract: { ...contract, leakage } });
      await ledger.record({ class: 'validation_scores', to: ['orgA', 'orgB'], elements: 1 });
      const auditor = { class: 'validation_scores', to: ['auditor'], elements: 1 };
      await rejects(ledger.record(auditor), { code: 'NOT_DECLARED' });
    }));

  it('goes on counting in the next attempt, apart from other tasks', () =>
    withTemporaryStore(async (store) => {
      const disclosure = { class: 'intersection_size', to: ['orgA'], elements: 1 };
      await vote(store);
      for (let attempt = 0; attempt < 2; attempt++) {
        nodeStarts(store);
        const ledger = await openLedger(store);
        await ledger.record(disclosure);
      }
      const other = await ledgerOf(store, { contract: nextNonce(2) });
      await other.record(disclosure);
      deepEqual(
        (await disclosuresOf(store, TASK)).map(({ seq }) => seq),
        [0, 1],
      );
      equal((await disclosuresOf(store, taskIdOf(nextNonce(2))))[0]!.seq, 0);
      deepEqual(await counters(store), { 'orgA/intersection_size': 3 });
    }));

  it('is not there for a task that this node did not vote for', () =>
    withTemporaryStore(async (store) => {
      const refused = { name: 'ProtocolError', code: 'NOT_DECLARED' };
      await rejects(openLedger(store), refused, 'it never heard of it');
      const received = await consensusRecords(store, () => NOW).receive(TASK, contract, null);
      await rejects(openLedger(store), refused, 'it was asked');
      const foreign = {
        vote: signVote(
          a!,
          contract,
          { taskId: TASK, rule: '11'.repeat(32), auditHead: AUDIT_HEAD },
          NOW,
          systemRng,
        ),
        opening: null,
      };
      await consensusRecords(store, () => NOW).voted(received, foreign, null);
      await rejects(openLedger(store), refused, 'another party voted');
    }));

  it('opens at most what the contract bounds, anew in each attempt', () =>
    withTemporaryStore(async (store) => {
      await vote(store);
      const scores = (elements: number) => ({ class: 'validation_scores', to: ['orgA'], elements });
      for (let attempt = 0; attempt < 2; attempt++) {
        const ledger = await openLedger(store);
        await ledger.record(scores(150));
        await rejects(ledger.record(scores(51)), { code: 'NOT_DECLARED' });
      }
      const ledger = await openLedger(store);
      const outcomes = await Promise.allSettled([120, 120].map((n) => ledger.record(scores(n))));
      equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1, 'also at once');
      deepEqual(await counters(store), { 'orgA/validation_scores': 420 });
    }));

  it('counts what others learn of the dataset, each for itself', () =>
    withTemporaryStore(async (store) => {
      const ledger = await ledgerOf(store);
      await ledger.record({
        class: 'intersection_size',
        to: ['orgA', 'orgB', 'orgC'],
        elements: 1,
      });
      await ledger.record({ class: 'weights', to: ['orgA', 'auditor', 'orgA'], elements: 6 });
      deepEqual(await counters(store), {
        'auditor/weights': 6,
        'orgA/intersection_size': 1,
        'orgA/weights': 6,
        'orgC/intersection_size': 1,
      });
      const without = await ledgerOf(store, { contract: nextNonce(3), dataset: null });
      await without.record({ class: 'weights', to: ['orgA'], elements: 6 });
      equal((await openedValues(store, DATASET)).get('orgA/weights'), 6, 'brings no data');
    }));

  it('opens nothing beyond a lifetime budget, over tasks and attempts', () =>
    withTemporaryStore(async (store) => {
      const budgets = { validation_scores: 500, weights: 6 };
      const scores = { class: 'validation_scores', to: ['orgA'], elements: 200 };
      const first = await ledgerOf(store, { budgets });
      await first.record(scores);
      const again = await openLedger(store);
      await again.record(scores);
      const second = await ledgerOf(store, { contract: nextNonce(4), budgets });
      await rejects(second.record(scores), { code: 'BUDGET_EXCEEDED' });
      equal((await disclosuresOf(store, taskIdOf(nextNonce(4)))).length, 0);
      await second.record({ class: 'weights', to: ['orgA', 'auditor'], elements: 6 });
      const unnamed = { class: 'intersection_size', to: ['orgA'], elements: 1 };
      await rejects(second.record(unnamed), { code: 'BUDGET_EXCEEDED' });
      deepEqual(await counters(store), {
        'auditor/weights': 6,
        'orgA/validation_scores': 400,
        'orgA/weights': 6,
      });
    }));

  it('keeps two tasks that open at once within one budget', () =>
    withTemporaryStore(async (store) => {
      const budgets = { validation_scores: 300 };
      const ledgers = [
        await ledgerOf(store, { budgets }),
        await ledgerOf(store, { contract: nextNonce(5), budgets }),
      ];
      const scores = { class: 'validation_scores', to: ['orgA'], elements: 200 };
      const outcomes = await Promise.allSettled(ledgers.map((each) => each.record(scores)));
      equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      deepEqual(await counters(store), { 'orgA/validation_scores': 200 });
    }));

  it('records what only this party learns in its place, and waits for the disk only with others', () =>
    withTemporaryStore(async (store) => {
      await vote(store);
      const log = slowLog(store);
      const ledger = await openLedger(store, contract, 1, log.trail);
      await ledger.record({ class: 'intersection_size', to: ['orgB'], elements: 1 });
      let isTold = false;
      const told = ledger.record(SCORES).then(() => {
        isTold = true;
      });
      await log.waiting(2);
      ok(!isTold);
      deepEqual(await disclosuresOf(store, TASK), []);
      await log.write();
      await told;
      deepEqual(
        (await disclosuresOf(store, TASK)).map(({ seq, to }) => [seq, to]),
        [
          [0, ['orgB']],
          [1, ['orgA']],
        ],
      );
    }));

  it('opens nothing after a record that could not be written', () =>
    withTemporaryStore(async (store) => {
      await vote(store);
      const log = slowLog(store);
      const ledger = await openLedger(store, contract, 1, log.trail);
      await ledger.record({ class: 'intersection_size', to: ['orgB'], elements: 1 });
      log.break();
      await rejects(ledger.record(SCORES), { code: 'log_failed' });
      deepEqual(await disclosuresOf(store, TASK), []);
    }));

  it('counts openings that wait for the disk', () =>
    withTemporaryStore(async (store) => {
      await vote(store, { budgets: { validation_scores: 300 } });
      const log = slowLog(store);
      const ledger = await openLedger(store, contract, 1, log.trail);
      const first = ledger.record({ ...SCORES, elements: 150 });
      await log.waiting(1);
      const again = await openLedger(store, contract, 2, log.trail);
      const more = { ...SCORES, elements: 151 };
      const refused = Promise.all([
        rejects(ledger.record(more), { code: 'NOT_DECLARED' }),
        rejects(again.record(more), { code: 'BUDGET_EXCEEDED' }),
      ]);
      await log.waiting(3); // the refusals are recorded, too
      await log.write();
      await Promise.all([first, refused]);
      deepEqual(await counters(store), { 'orgA/validation_scores': 150 });
    }));
});

import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { Contract } from '../../src/party/consensus/contract.ts';
import {
  disclosuresOf,
  openDisclosureLedger,
  partiesOfRole,
} from '../../src/party/disclosure-ledger.ts';
import { Store } from '../../src/party/store.ts';
import { DECLARATION, NOW, sampleContract, testIdentity } from '../support/contracts.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const [a, b, c, r] = ['orgA', 'orgB', 'orgC', 'auditor'].map((n) => testIdentity(n).signer);
const contract = sampleContract([a!, b!, c!], { receiver: r! });
const TASK = '01'.repeat(32);

async function withStore(use: (store: Store) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (path) => {
    const store = await Store.open(path);
    try {
      await use(store);
    } finally {
      await store.close();
    }
  });
}

describe('parties of a role', () => {
  it('are those the contract gives it', () => {
    deepEqual(partiesOfRole(contract, 'all'), ['orgA', 'orgB', 'orgC', 'auditor']);
    deepEqual(partiesOfRole(contract, 'label_holder'), ['orgA']);
    deepEqual(partiesOfRole(contract, 'feature_holder'), ['orgB', 'orgC']);
    deepEqual(partiesOfRole(contract, 'receivers'), ['orgA', 'auditor']);
    deepEqual(partiesOfRole(contract, 'orgB'), []);
  });
});

describe('disclosure ledger', () => {
  it('records declared openings, in order, before it resolves', () =>
    withStore(async (store) => {
      const ledger = await openDisclosureLedger(store, contract, TASK, () => NOW);
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
        class: 'validation_scores',
        to: ['orgA'],
        elements: 200,
        time: '2026-03-01T12:00:00.000Z',
      });
    }));

  it('refuses an undeclared class or receiver, and records nothing', () =>
    withStore(async (store) => {
      const ledger = await openDisclosureLedger(store, contract, TASK, () => NOW);
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
    }));

  it('refuses openings to nobody and of no countable number', () =>
    withStore(async (store) => {
      const ledger = await openDisclosureLedger(store, contract, TASK, () => NOW);
      for (const elements of [-1, 0.5, Number.NaN, 2 ** 53]) {
        await rejects(ledger.record({ class: 'weights', to: ['orgA'], elements }), RangeError);
      }
      await rejects(ledger.record({ class: 'weights', to: [], elements: 1 }), RangeError);
    }));

  it('lets a class that stands twice go to the readers of both', () =>
    withStore(async (store) => {
      const scores = { ...DECLARATION.leakage.opened[1]!, to: 'feature_holder' };
      const leakage = { ...contract.leakage, opened: [...contract.leakage.opened, scores] };
      const wider: Contract = { ...contract, leakage };
      const ledger = await openDisclosureLedger(store, wider, TASK, () => NOW);
      await ledger.record({ class: 'validation_scores', to: ['orgA', 'orgB'], elements: 1 });
      const auditor = { class: 'validation_scores', to: ['auditor'], elements: 1 };
      await rejects(ledger.record(auditor), { code: 'NOT_DECLARED' });
    }));

  it('goes on counting in the next attempt, apart from other tasks', () =>
    withStore(async (store) => {
      const disclosure = { class: 'intersection_size', to: ['orgA'], elements: 1 };
      for (let attempt = 0; attempt < 2; attempt++) {
        const ledger = await openDisclosureLedger(store, contract, TASK, () => NOW);
        await ledger.record(disclosure);
      }
      const other = await openDisclosureLedger(store, contract, '02'.repeat(32), () => NOW);
      await other.record(disclosure);
      deepEqual(
        (await disclosuresOf(store, TASK)).map(({ seq }) => seq),
        [0, 1],
      );
      equal((await disclosuresOf(store, '02'.repeat(32)))[0]!.seq, 0);
    }));
});

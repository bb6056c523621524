import { deepEqual, equal } from 'node:assert/strict';
import { composeCertificate } from '../../../src/party/consensus/certificate.ts';
import type { TrainContract } from '../../../src/party/consensus/contract.ts';
import { CLOCK_SKEW_MS, taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import {
  type ConsensusRecord,
  type ConsensusRecords,
  consensusRecords,
  MAX_ASKED_A_DAY,
  MAX_OPEN_CONTRACTS,
  MAX_UNVOTED_CONTRACTS,
} from '../../../src/party/consensus/records.ts';
import type { Signed } from '../../../src/party/consensus/signed.ts';
import { signVote, type Vote } from '../../../src/party/consensus/vote.ts';
import { Store } from '../../../src/party/store.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { NOW, sampleContract, testIdentity } from '../../support/contracts.ts';
import { refusesAsync } from '../../support/refusals.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';
import { AUDIT_HEAD } from '../../support/test-audit.ts';

const a = testIdentity('orgA').signer;
const b = testIdentity('orgB').signer;
const contract = sampleContract([a, b]);
const taskId = taskIdOf(contract);
const statement = { taskId, rule: '11'.repeat(32), auditHead: AUDIT_HEAD };
const [voteA, voteB] = [a, b].map((s) => signVote(s, contract, statement, NOW, systemRng));
const DATASET = '33'.repeat(32);
const end = { from: 'orgB', party: 'orgB', code: 'cancelled', reason: 'x', time: '' } as const;
const opening = { rule: { name: 'r' }, salt: '22'.repeat(32) };

describe('consensus records', () => {
  it('keep every step over a restart', () =>
    withTemporaryDirectory(async (path) => {
      const certificate = composeCertificate(contract, [voteA!, voteB!]);
      const first = await Store.open(path);
      const before = consensusRecords(first, () => NOW);
      const received = await before.receive(taskId, contract, voteA!);
      equal(received.state, 'received');
      const voted = await before.voted(received, { vote: voteB!, opening }, DATASET);
      const { digest } = await before.committed(voted, certificate);
      await first.close();

      const second = await Store.open(path);
      const after = consensusRecords(second, () => NOW);
      deepEqual(await after.find(taskId), {
        ...received,
        state: 'committed',
        votedAt: '2026-03-01T12:00:00.000Z',
        dataset: DATASET,
      });
      deepEqual(await after.vote(taskId, 'orgA'), { vote: voteA, opening: null });
      deepEqual(await after.vote(taskId, 'orgB'), { vote: voteB, opening });
      deepEqual(await after.certificate(taskId), {
        certificate,
        digest,
        committedAt: '2026-03-01T12:00:00.000Z',
      });
      equal((await after.all()).length, 1);
      await refusesAsync(after.receive(taskId, contract, null), 'replayed_task');
      const twin = { ...contract, purpose: 'credit risk 2' };
      await refusesAsync(after.receive(taskIdOf(twin), twin, null), 'replayed_nonce');
      await second.close();
    }));

  it('keep a contract that ended only if this node had voted for it', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const records = consensusRecords(store, () => NOW);
      const received = await records.receive(taskId, contract, voteA!);
      await records.ended(received, 'aborted', end);
      deepEqual(await records.find(taskId), { ...received, contract: null, state: 'aborted', end });
      equal(await records.vote(taskId, 'orgA'), undefined);
      await refusesAsync(records.receive(taskId, contract, null), 'replayed_task');

      const next = { ...contract, nonce: '00'.repeat(32) };
      const nextId = taskIdOf(next);
      const second = await records.receive(nextId, next, null);
      const voted = await records.voted(second, { vote: voteB!, opening }, null);
      await records.ended(voted, 'aborted', end);
      deepEqual((await records.find(nextId))?.contract, next);
      await store.close();
    }));

  it('keep nothing of a replay', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const records = consensusRecords(store, () => NOW);
      await records.receive(taskId, contract, voteA!);
      const next = { ...contract, nonce: '00'.repeat(32) };
      await refusesAsync(records.receive(taskIdOf(next), next, voteA!), 'replayed_nonce');
      equal(await records.find(taskIdOf(next)), undefined);
      await records.receive(taskIdOf(next), next, null);
      await store.close();
    }));

  it('let one of several claims of the same nonce through', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const records = consensusRecords(store, () => NOW);
      const claims = ['p1', 'p2', 'p3'].map((purpose) => {
        const twin = { ...contract, purpose };
        return records.receive(taskIdOf(twin), twin, null);
      });
      const outcomes = await Promise.allSettled(claims);
      equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      equal((await records.all()).length, 1);
      await store.close();
    }));

  it('tell another party’s nonce from the initiator’s', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const records = consensusRecords(store, () => NOW);
      await records.receive(taskId, contract, null);
      const theirs = { ...contract, initiator: 'orgB' };
      equal((await records.receive(taskIdOf(theirs), theirs, null)).state, 'received');
      await store.close();
    }));

  it('forget what they did not vote for once it cannot be replayed, nonces too', () =>
    withRecords(async ({ records, store, clock }) => {
      const refused = fresh(1);
      await records.ended(await records.receive(taskIdOf(refused), refused, null), 'refused', end);
      const asked = fresh(2);
      const waiting = await records.asked(await records.receive(taskIdOf(asked), asked, null));
      await records.ended(waiting, 'aborted', end);
      const agreed = fresh(3);
      const received = await records.receive(taskIdOf(agreed), agreed, null);
      const voted = await records.voted(received, { vote: voteB!, opening }, null);
      await records.ended(voted, 'aborted', end);
      const open = fresh(4);
      await records.receive(taskIdOf(open), open, null);
      equal((await store.table('nonces').list()).length, 4);

      clock.now = Date.parse(contract.expiresAt) + CLOCK_SKEW_MS;
      await records.receive(taskIdOf(fresh(5)), fresh(5), null);
      equal((await records.all()).length, 5, 'as long as its contract may be valid anywhere');
      await refusesAsync(records.receive(taskIdOf(refused), refused, null), 'replayed_task');
      clock.now += 1;
      await records.receive(taskIdOf(fresh(6)), fresh(6), null);
      const left = new Set((await records.all()).map(({ taskId: id }) => id));
      deepEqual(left, new Set([asked, agreed, open, fresh(5), fresh(6)].map(taskIdOf)));
      equal((await store.table('nonces').list()).length, 5, 'asked about today');
    }));

  it('take a bounded number of contracts that one peer proposes and nobody votes for', () =>
    withRecords(async ({ records, store, clock }) => {
      const table = store.table<ConsensusRecord>('contracts');
      const first = await records.receive(taskIdOf(fresh(0)), fresh(0), proposal(fresh(0)));
      await records.ended(first, 'refused', end);
      const kept = (await records.find(first.taskId))!;
      const many = Array.from({ length: MAX_UNVOTED_CONTRACTS - 2 }, (_, i) => {
        const id = taskIdOf(fresh(i + 1));
        return table.put(id, { ...kept, taskId: id });
      });
      await store.write(...many);
      const again = consensusRecords(store, () => clock.now);
      const [last, tooMany] = [fresh(2000), fresh(2001)];
      const room = await again.receive(taskIdOf(last), last, proposal(last));
      await again.ended(room, 'refused', end);
      const next = again.receive(taskIdOf(tooMany), tooMany, proposal(tooMany));
      await refusesAsync(next, 'too_many_tasks');
      equal((await again.all()).length, MAX_UNVOTED_CONTRACTS);
      const byAnother = { ...tooMany, initiator: 'orgB' };
      await again.receive(taskIdOf(byAnother), byAnother, proposal(byAnother, b));
      const own = fresh(2002);
      await again.receive(taskIdOf(own), own, null);

      clock.now = Date.parse(contract.expiresAt) + CLOCK_SKEW_MS + 1;
      const later = { ...tooMany, expiresAt: new Date(clock.now + 1000).toISOString() };
      await again.receive(taskIdOf(later), later, proposal(later));
      equal((await again.all()).length, 3, 'room again');
    }));

  it('take a bounded number of open contracts of one peer', () =>
    withRecords(async ({ records }) => {
      for (let i = 0; i < MAX_OPEN_CONTRACTS; i++) {
        const one = fresh(i);
        const received = await records.receive(taskIdOf(one), one, proposal(one));
        if (i % 2 === 0) await records.voted(received, { vote: voteB!, opening }, null);
      }
      const next = fresh(MAX_OPEN_CONTRACTS);
      const refused = records.receive(taskIdOf(next), next, proposal(next));
      await refusesAsync(refused, 'too_many_tasks');
      equal(await records.find(taskIdOf(next)), undefined);
    }));

  it('ask people about a bounded number of one peer’s contracts a day', () =>
    withRecords(async ({ records, store, clock }) => {
      const expired = { ...end, from: 'orgA', party: 'orgA', code: 'expired' } as const;
      const soon = (nonce: number): TrainContract => ({
        ...fresh(nonce),
        expiresAt: new Date(clock.now + 1000).toISOString(),
      });
      const receive = (one: TrainContract) => records.receive(taskIdOf(one), one, proposal(one));
      for (let i = 0; i < MAX_ASKED_A_DAY; i++) {
        await records.ended(await records.asked(await receive(soon(i))), 'aborted', expired);
        clock.now += 2000 + CLOCK_SKEW_MS / 10;
      }
      const next = await receive(soon(1000));
      await refusesAsync(records.asked(next), 'too_many_tasks');
      const restarted = consensusRecords(store, () => clock.now);
      await refusesAsync(restarted.asked(next), 'too_many_tasks');
      await records.asked(next, Number.POSITIVE_INFINITY);
      const byAnother = { ...soon(1001), initiator: 'orgB' };
      await records.asked(
        await records.receive(taskIdOf(byAnother), byAnother, proposal(byAnother, b)),
      );
      clock.now += DAY_MS;
      await records.asked(await receive(soon(1002)));
    }));

  it('know what is current: open, or voted for within a day', () =>
    withRecords(async ({ records, store, clock }) => {
      const received = await records.receive(taskId, contract, null);
      const voted = await records.voted(received, { vote: voteB!, opening }, DATASET);
      await records.ended(voted, 'aborted', end);
      const waiting = fresh(7);
      await records.asked(await records.receive(taskIdOf(waiting), waiting, null));
      const current = async (of = records) => (await of.current()).map(({ state }) => state).sort();
      deepEqual(await current(), ['aborted', 'asked']);
      clock.now += DAY_MS;
      deepEqual(await current(), ['asked']);
      deepEqual(await current(consensusRecords(store, () => clock.now)), ['asked']);
    }));

  it('tell of a change to whoever waits for it', () =>
    withRecords(async ({ records }) => {
      const never = new AbortController().signal;
      equal(await records.until(taskId, () => true, never), undefined, 'no such task');
      const received = await records.receive(taskId, contract, null);
      const asked = records.until(taskId, ({ state }) => state === 'asked', never);
      const stopped = new AbortController();
      const patient = records.until(taskId, ({ state }) => state === 'finished', stopped.signal);
      await records.asked(received);
      equal((await asked)?.state, 'asked');
      stopped.abort();
      equal((await patient)?.state, 'asked', 'as it is when nobody waits any more');
      equal((await records.until(taskId, () => false, stopped.signal))?.state, 'asked');
    }));
});

const DAY_MS = 24 * 3_600_000;

const fresh = (i: number): TrainContract => ({
  ...contract,
  nonce: i.toString(16).padStart(64, '0'),
});

/** The vote with which the initiator proposes a contract. */
function proposal(of: TrainContract, signer = a): Signed<Vote> {
  return signVote(signer, of, { ...statement, taskId: taskIdOf(of) }, NOW, systemRng);
}

interface Setting {
  readonly records: ConsensusRecords;
  readonly store: Store;
  readonly clock: { now: number };
}

const withRecords = (use: (setting: Setting) => Promise<void>): Promise<void> =>
  withTemporaryDirectory(async (path) => {
    const store = await Store.open(path);
    const clock = { now: NOW };
    try {
      await use({ store, clock, records: consensusRecords(store, () => clock.now) });
    } finally {
      await store.close();
    }
  });

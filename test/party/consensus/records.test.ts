import { deepEqual, equal } from 'node:assert/strict';
import { composeCertificate } from '../../../src/party/consensus/certificate.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import { consensusRecords } from '../../../src/party/consensus/records.ts';
import { NO_AUDIT_HEAD, signVote } from '../../../src/party/consensus/vote.ts';
import { Store } from '../../../src/party/store.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { NOW, sampleContract, testIdentity } from '../../support/contracts.ts';
import { refusesAsync } from '../../support/refusals.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const a = testIdentity('orgA').signer;
const b = testIdentity('orgB').signer;
const contract = sampleContract([a, b]);
const taskId = taskIdOf(contract);
const statement = { taskId, rule: '11'.repeat(32), auditHead: NO_AUDIT_HEAD };
const [voteA, voteB] = [a, b].map((s) => signVote(s, contract, statement, NOW, systemRng));
const DATASET = '33'.repeat(32);
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
      const end = {
        from: 'orgB',
        party: 'orgB',
        code: 'cancelled',
        reason: 'x',
        time: '',
      } as const;
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
});

import { deepEqual, equal, ok } from 'node:assert/strict';
import type { Entry } from '../../../src/party/audit/entry.ts';
import { approveTask } from '../../../src/party/consensus/approval.ts';
import { certificateDigest } from '../../../src/party/consensus/certificate.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import { submitReceipt } from '../../../src/party/consensus/receipt.ts';
import { abortTask } from '../../../src/party/consensus/task-end.ts';
import { storedAttempts } from '../../../src/party/stored-attempts.ts';
import {
  type Network,
  nextAsked,
  OPEN_RULE,
  type TestNode,
  withNetwork,
} from '../../support/consensus-network.ts';
import type { MemoryTrail } from '../../support/memory-trail.ts';
import { refusesAsync } from '../../support/refusals.ts';

const TWO = ['orgA', 'orgB'];
const THREE = ['orgA', 'orgB', 'orgC'];

function trailOf({ node }: TestNode): MemoryTrail {
  return node.audit.trail as MemoryTrail;
}

const kinds = ({ entries }: MemoryTrail): string[] =>
  entries.map((entry) =>
    entry.kind === 'vote' ? `vote of ${entry.body.body.signer}` : entry.kind,
  );

async function agree(network: Network): Promise<string> {
  return (await proposeContract(network.at('orgA').node, network.contract())).taskId;
}

describe('consensus in the audit log', () => {
  it('is the contract, the votes and the certificate, in this order, at every party', () =>
    withNetwork(THREE, async (network) => {
      const contract = network.contract();
      const { taskId, certificate } = await proposeContract(network.at('orgA').node, contract);
      const [a, b] = TWO.map((name) => trailOf(network.at(name)));
      deepEqual(kinds(a!).toSorted(), [
        'certificate',
        'contract',
        'vote of orgA',
        'vote of orgB',
        'vote of orgC',
      ]);
      deepEqual(kinds(a!).slice(0, 2), ['contract', 'vote of orgA']);
      equal(kinds(a!).at(-1), 'certificate');
      deepEqual(kinds(b!), ['contract', 'vote of orgA', 'vote of orgB', 'certificate']);
      for (const trail of [a!, b!]) {
        ok(trail.entries.every(({ task, seq }, i) => task === taskId && seq === i));
        const [{ body }] = trail.of('contract') as [Entry<'contract'>];
        equal(body.implementation, contract.algorithm.implementation);
        deepEqual(
          body.parties.map(({ name, dataset }) => [name, dataset?.commitment, dataset?.rows]),
          contract.parties.map(({ name, dataset }) => [
            name,
            dataset?.commitment,
            dataset?.rowCount,
          ]),
        );
        const [agreed] = trail.of('certificate') as [Entry<'certificate'>];
        equal(agreed.body.certificate, certificateDigest(certificate));
        const signatures = certificate.votes.map(({ body: { signer }, signature }) => ({
          signer,
          signature,
        }));
        deepEqual(agreed.body.votes, signatures);
      }
    }));

  it('names the head of the log in every vote', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgB');
      const heads = ['aa'.repeat(32), 'bb'.repeat(32)];
      Object.assign(node, { audit: { ...node.audit, head: () => heads.shift()! } });
      await agree(network);
      const own = (node.audit.trail as MemoryTrail).of('vote').at(-1)!;
      deepEqual([own.body.body.signer, own.body.body.auditHead], ['orgB', 'aa'.repeat(32)]);
    }));

  it('has refusals, with whose they are and at which step', () =>
    withNetwork(TWO, async (network) => {
      network.at('orgB').policy = { version: 1, rules: [{ ...OPEN_RULE, peers: ['nobody'] }] };
      await refusesAsync(agree(network), 'refused_by_policy');
      const refusal = { party: 'orgB', step: 'prepare', code: 'refused_by_policy' };
      const [a, b] = TWO.map((name) => trailOf(network.at(name)).of('refusal'));
      deepEqual(
        b!.map(({ body }) => body),
        [{ ...refusal, from: 'orgB' }],
      );
      deepEqual(
        a!.map(({ body }) => [body.party, body.step, body.code]),
        [['orgB', 'commit', 'refused_by_policy']],
      );
    }));

  it('has the end of an agreed task, as a refusal or a cancellation', () =>
    withNetwork(TWO, async (network) => {
      for (const [code, kind] of [
        ['task_failed', 'refusal'],
        ['cancelled', 'cancellation'],
      ] as const) {
        const taskId = await agree(network);
        await abortTask(network.at('orgB').node, taskId, { code, reason: 'x' });
        for (const name of TWO) {
          const ends = trailOf(network.at(name)).of(kind);
          const last = ends.at(-1)!;
          deepEqual([last.task, last.body.party], [taskId, 'orgB'], name);
          if (last.kind === 'refusal') equal(last.body.step, 'run');
        }
      }
    }));

  it('refuses a task whose parties’ logs are not confirmed, at whichever party', () =>
    withNetwork(THREE, async (network) => {
      for (const [name, code] of [
        ['orgA', 'audit_forked'],
        ['orgC', 'audit_rolled_back'],
      ] as const) {
        const { node } = network.at(name);
        const { audit } = node;
        const show = () => Promise.reject(new ConsensusError(code, 'not the log that it was'));
        Object.assign(node, { audit: { ...audit, show } });
        await refusesAsync(agree(network), code);
        for (const each of THREE) {
          const { entries } = trailOf(network.at(each));
          const last = entries.findLast(({ kind }) => kind === 'refusal') as Entry<'refusal'>;
          equal(last.body.code, code, each);
        }
        Object.assign(node, { audit });
      }
      await agree(network);
    }));

  it('has a vote that a person gave', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, action: 'ask' }] };
      const asked = nextAsked(b);
      const agreed = agree(network);
      await approveTask(b.node, await asked);
      await agreed;
      deepEqual(kinds(trailOf(b)), ['contract', 'vote of orgA', 'vote of orgB', 'certificate']);
    }));

  it('has every party’s result, once, with the code that made the own one', () =>
    withNetwork(TWO, async (network) => {
      const taskId = await agree(network);
      const nodes = TWO.map((name) => network.at(name));
      for (const { store } of nodes) {
        const attempts = storedAttempts(store);
        for (const peer of TWO) await attempts.claim(Buffer.from(taskId, 'hex'), peer, 1);
      }
      const statement = {
        taskId,
        attempt: 1,
        outcome: 'completed',
        model: null,
        metrics: null,
      } as const;
      for (const { node } of nodes) {
        deepEqual(await submitReceipt(node, { ...statement, transport: [] }), []);
      }
      for (const test of nodes) {
        const results = trailOf(test).of('result');
        deepEqual(
          results
            .map(({ body }) => [body.receipt.body.signer, body.implementation !== null])
            .toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
          TWO.map((signer) => [signer, signer === test.identity.signer.name]),
        );
      }
    }));
});

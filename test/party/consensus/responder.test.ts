import { deepEqual, equal } from 'node:assert/strict';
import type { CommitResponse, PrepareResponse } from '../../../proto/gen/consensus.ts';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import type { Contract } from '../../../src/party/consensus/contract.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import {
  decodeSigned,
  encodeSigned,
  type Signed,
  signBody,
} from '../../../src/party/consensus/signed.ts';
import { endStaleTasks } from '../../../src/party/consensus/task-end.ts';
import { signVote, type Vote, VoteSchema } from '../../../src/party/consensus/vote.ts';
import { encodeHash, METHODS } from '../../../src/party/consensus/wire.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { DatasetRefusal, type Network, withNetwork } from '../../support/consensus-network.ts';
import { keyRing, testIdentity } from '../../support/contracts.ts';
import { AUDIT_HEAD } from '../../support/test-audit.ts';

const TWO = ['orgA', 'orgB'];
const THREE = ['orgA', 'orgB', 'orgC'];

/** A vote as `name` would sign it, with some fields its own wish. */
function voteOf(
  network: Network,
  name: string,
  contract: Contract,
  changes: Partial<Vote> = {},
): Signed<Vote> {
  const { signer } = network.at(name).identity;
  const statement = { taskId: taskIdOf(contract), rule: '11'.repeat(32), auditHead: AUDIT_HEAD };
  const { body } = signVote(signer, contract, statement, network.clock.now, systemRng);
  return signBody(signer, 'entente/vote/v1', { ...body, ...changes });
}

/** The code of a refusal, or `ok`. */
function verdict({ result }: PrepareResponse | CommitResponse): string {
  return result?.$case === 'refused' ? result.value.code : 'ok';
}

async function prepare(
  network: Network,
  contract: Contract,
  {
    from = 'orgA',
    vote = voteOf(network, 'orgA', contract),
    bytes = canonicalBytes(contract),
  } = {},
): Promise<string> {
  const request = { contract: bytes, vote: encodeSigned(vote) };
  return verdict(await network.send(from, 'orgB', METHODS.prepare, request));
}

async function commit(
  network: Network,
  contract: Contract,
  votes: readonly Signed<Vote>[],
  { from = 'orgA', taskId = taskIdOf(contract), bytes = canonicalBytes(contract) } = {},
): Promise<string> {
  const request = { taskId: encodeHash(taskId), contract: bytes, votes: votes.map(encodeSigned) };
  return verdict(await network.send(from, 'orgB', METHODS.commit, request));
}

/** A contract that `orgB` has voted for, with the votes that would commit it. */
async function voted(
  network: Network,
  contract = network.contract(),
): Promise<{ contract: Contract; votes: readonly [Signed<Vote>, Signed<Vote>] }> {
  const own = voteOf(network, 'orgA', contract);
  const request = { contract: canonicalBytes(contract), vote: encodeSigned(own) };
  const { result } = await network.send('orgA', 'orgB', METHODS.prepare, request);
  const theirs = result?.$case === 'vote' ? result.value : undefined;
  return { contract, votes: [own, decodeSigned(VoteSchema, theirs)] };
}

const stateAt = async (network: Network, contract: Contract): Promise<string | undefined> =>
  (await network.at('orgB').node.records.find(taskIdOf(contract)))?.state;

describe('answering a prepare', () => {
  it('votes, and has stored the vote before it is sent', () =>
    withNetwork(TWO, async (network) => {
      const { contract, votes } = await voted(network);
      equal(await stateAt(network, contract), 'voted');
      const stored = await network.at('orgB').node.records.vote(taskIdOf(contract), 'orgB');
      deepEqual(stored?.vote, votes[1]);
    }));

  it('refuses by signature: who sends it, who signed it, what it signs', () =>
    withNetwork(THREE, async (network) => {
      const contract = network.contract();
      const vote = voteOf(network, 'orgA', contract);
      const tampered = { ...vote, body: { ...vote.body, nonce: '00'.repeat(32) } };
      equal(await prepare(network, contract, { from: 'orgC' }), 'not_initiator');
      const ofC = voteOf(network, 'orgC', contract);
      equal(await prepare(network, contract, { vote: ofC }), 'wrong_signer');
      equal(await prepare(network, contract, { vote: tampered }), 'bad_signature');
      const elsewhere = voteOf(network, 'orgA', network.contract());
      equal(await prepare(network, contract, { vote: elsewhere }), 'wrong_task');
      const refusing = voteOf(network, 'orgA', contract, { decision: 'refuse' });
      equal(await prepare(network, contract, { vote: refusing }), 'not_accepted');
      // One from before parties showed each other their logs, and one of the future.
      for (const protocolVersion of [1, 3]) {
        const other = voteOf(network, 'orgA', contract, { protocolVersion });
        equal(await prepare(network, contract, { vote: other }), 'unsupported_version');
      }
      equal(await stateAt(network, contract), undefined, 'nothing of it is kept');
      equal(await prepare(network, contract), 'ok');
    }));

  it('refuses parties that it does not know as the contract has them', () =>
    withNetwork(THREE, async (network) => {
      const { node, identity } = network.at('orgB');
      const [a, c] = [network.at('orgA').identity, network.at('orgC').identity];
      const contract = network.contract();
      Object.assign(node, { keys: keyRing([a, identity]) });
      equal(await prepare(network, contract), 'unknown_party');
      Object.assign(node, { keys: keyRing([a, identity, testIdentity('orgC')]) });
      equal(await prepare(network, contract), 'identity_mismatch');
      Object.assign(node, { keys: keyRing([testIdentity('orgA'), identity, c]) });
      equal(await prepare(network, contract), 'identity_mismatch');
      Object.assign(node, { keys: keyRing([a, identity, c]) });
      const [pa, pb, pc] = contract.parties;
      const other = { ...contract, parties: [pa!, { ...pb!, fingerprint: '00'.repeat(32) }, pc!] };
      equal(await prepare(network, other), 'identity_mismatch', 'this node under another key');
      equal(await prepare(network, { ...contract, parties: [pa!, pc!] }), 'not_participant');
    }));

  it('refuses what is not a contract', () =>
    withNetwork(TWO, async (network) => {
      const contract = network.contract();
      const loose = new TextEncoder().encode(JSON.stringify(contract));
      equal(await prepare(network, contract, { bytes: loose }), 'malformed_contract');
      equal(await prepare(network, { ...contract, receivers: [] }), 'malformed_contract');
    }));

  it('refuses by time', () =>
    withNetwork(TWO, async (network) => {
      const { clock } = network;
      const contract = network.contract();
      const at = (ms: number): string => new Date(clock.now + ms).toISOString();
      const stale = voteOf(network, 'orgA', contract, { expiresAt: at(0) });
      equal(await prepare(network, contract, { vote: stale }), 'vote_expired');
      const early = voteOf(network, 'orgA', contract, { votedAt: at(600_000) });
      equal(await prepare(network, contract, { vote: early }), 'not_yet_valid');
      const future = network.contract({ createdAt: at(600_000) });
      equal(await prepare(network, future), 'not_yet_valid');
      clock.now += 3_600_000;
      equal(await prepare(network, contract), 'expired');
    }));

  it('refuses a contract that expires while the data are read', () =>
    withNetwork(TWO, async (network) => {
      network.at('orgB').datasets.verifyWith = async () => {
        network.clock.now += 3_600_000;
      };
      const contract = network.contract();
      equal(await prepare(network, contract), 'expired');
      equal(await stateAt(network, contract), 'refused');
    }));

  it('refuses replays, of voted, refused, aborted and finished tasks alike', () =>
    withNetwork(TWO, async (network) => {
      const { contract, votes } = await voted(network);
      equal(await prepare(network, contract, { vote: votes[0] }), 'replayed_task');
      equal(await prepare(network, contract), 'replayed_task', 'with a fresh vote');
      equal(await stateAt(network, contract), 'voted', 'a replay does not end the task');

      const nonced = network.contract({ nonce: contract.nonce, purpose: 'credit risk' });
      const twin = { ...nonced, metrics: [] };
      equal(await prepare(network, twin), 'replayed_nonce', 'the contract’s nonce');
      const next = network.contract();
      const again = voteOf(network, 'orgA', next, { nonce: votes[0].body.nonce });
      equal(await prepare(network, next, { vote: again }), 'replayed_nonce', 'the vote’s nonce');
      equal(await prepare(network, next), 'ok');

      network.at('orgB').policy = { version: 1, rules: [] };
      const denied = network.contract();
      equal(await prepare(network, denied), 'refused_by_policy');
      equal(await prepare(network, denied), 'replayed_task');
    }));

  it('votes once when one contract comes twice at the same time', () =>
    withNetwork(TWO, async (network) => {
      const contract = network.contract();
      const both = await Promise.all([prepare(network, contract), prepare(network, contract)]);
      deepEqual(both.toSorted(), ['ok', 'replayed_task']);
    }));

  it('asks the policy before it looks at the data, and tells no reason', () =>
    withNetwork(TWO, async (network) => {
      const { datasets, log } = network.at('orgB');
      datasets.verifyWith = async () => {
        throw new DatasetRefusal('missing_dataset', 'credit/train.csv: no such dataset');
      };
      const reasons = new Set<string>();
      for (const policy of [{ version: 1, rules: [] } as const, new Error('no policy file')]) {
        network.at('orgB').policy = policy as never;
        const contract = network.contract();
        const vote = encodeSigned(voteOf(network, 'orgA', contract));
        const request = { contract: canonicalBytes(contract), vote };
        const { result } = await network.send('orgA', 'orgB', METHODS.prepare, request);
        equal(result?.$case === 'refused' && result.value.code, 'refused_by_policy');
        reasons.add(result?.$case === 'refused' ? result.value.reason : '');
      }
      equal(reasons.size, 1, 'the same words whatever the reason');
      equal(datasets.verified, 0);
      deepEqual(
        log.filter((line) => line.startsWith('denied')),
        ['denied orgA no_rules', 'denied orgA unreadable'],
      );
    }));

  it('refuses terms that its data do not match', () =>
    withNetwork(TWO, async (network) => {
      network.at('orgB').datasets.verifyWith = async () => {
        throw new DatasetRefusal('changed', 'credit/train.csv has changed');
      };
      const contract = network.contract();
      equal(await prepare(network, contract), 'data_mismatch');
      equal(await stateAt(network, contract), 'refused');
    }));

  it('keeps of a contract that it refused no more than that there was one', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      const policy = b.policy;
      b.policy = { version: 1, rules: [] };
      const denied = network.contract();
      equal(await prepare(network, denied), 'refused_by_policy');
      b.policy = policy;
      b.datasets.verifyWith = async () => {
        throw new DatasetRefusal('changed', 'credit/train.csv has changed');
      };
      const changed = network.contract();
      equal(await prepare(network, changed), 'data_mismatch');
      for (const contract of [denied, changed]) {
        const taskId = taskIdOf(contract);
        const record = await b.node.records.find(taskId);
        const { initiator, expiresAt } = contract;
        deepEqual(
          [record?.initiator, record?.expiresAt, record?.contract, record?.state],
          [initiator, expiresAt, null, 'refused'],
        );
        equal(await b.node.records.vote(taskId, 'orgA'), undefined);
        const abort = { taskId: encodeHash(taskId), refused: undefined, party: 'orgA' };
        await network.send('orgA', 'orgB', METHODS.abort, abort);
        equal(await prepare(network, contract), 'replayed_task');
      }
      await endStaleTasks(b.node);
      equal((await b.node.records.all()).length, 2);
    }));

  it('runs only what its own code declares', () =>
    withNetwork(TWO, async (network) => {
      const contract = network.contract();
      const algorithm = { ...contract.algorithm, implementation: '00'.repeat(32) };
      const other = { ...contract, algorithm } as Contract;
      equal(await prepare(network, other), 'implementation_mismatch');
      const leaky = network.contract({ leakage: { ...contract.leakage, structural: [] } });
      equal(await prepare(network, leaky), 'leakage_mismatch');
    }));
});

describe('answering a commit', () => {
  it('stores the certificate once, and takes it again', () =>
    withNetwork(TWO, async (network) => {
      const { contract, votes } = await voted(network);
      equal(await commit(network, contract, votes), 'ok');
      equal(await commit(network, contract, votes.toReversed()), 'ok');
      equal(await stateAt(network, contract), 'committed');
      equal(network.at('orgB').log.length, 1, 'reported once');
      const others = [voteOf(network, 'orgA', contract), votes[1]];
      equal(await commit(network, contract, others), 'wrong_state');
      equal(await stateAt(network, contract), 'committed');
    }));

  it('refuses a task it does not know, and anybody but its initiator', () =>
    withNetwork(THREE, async (network) => {
      const { contract, votes } = await voted(network);
      equal(await commit(network, network.contract(), votes), 'unknown_task');
      equal(await commit(network, contract, votes, { from: 'orgC' }), 'not_initiator');
      equal(await stateAt(network, contract), 'voted');
    }));

  it('refuses a contract that changed after the vote', () =>
    withNetwork(TWO, async (network) => {
      const { contract, votes } = await voted(network);
      const changed = canonicalBytes({ ...contract, receivers: ['orgA', 'orgB'] });
      equal(await commit(network, contract, votes, { bytes: changed }), 'contract_changed');
      equal(await stateAt(network, contract), 'aborted');
      equal(await commit(network, contract, votes), 'aborted', 'it is over');
    }));

  const forgeries: readonly [
    string,
    (n: Network, c: Contract, v: readonly [Signed<Vote>, Signed<Vote>]) => readonly Signed<Vote>[],
  ][] = [
    ['missing_vote', (_n, _c, [a]) => [a]],
    ['missing_vote', (_n, _c, [, b]) => [b]],
    ['missing_vote', () => []],
    ['duplicate_vote', (_n, _c, [a, b]) => [a, b, a]],
    ['wrong_task', (n, _c, [, b]) => [voteOf(n, 'orgA', n.contract()), b]],
    ['not_accepted', (n, c, [, b]) => [voteOf(n, 'orgA', c, { decision: 'refuse' }), b]],
    ['vote_expired', (n, c, [, b]) => [voteOf(n, 'orgA', c, { expiresAt: c.createdAt }), b]],
    ['bad_signature', (_n, _c, [a, b]) => [a, { ...b, signature: a.signature }]],
    ['bad_signature', (_n, _c, [a, b]) => [{ ...a, body: { ...a.body, rule: '0'.repeat(64) } }, b]],
    ['vote_mismatch', (n, c, [a]) => [a, voteOf(n, 'orgB', c)]],
    ['vote_mismatch', (n, c, [, b]) => [voteOf(n, 'orgA', c), b]],
  ];
  for (const [code, forge] of forgeries) {
    it(`refuses votes that do not certify: ${code}`, () =>
      withNetwork(TWO, async (network) => {
        const { contract, votes } = await voted(network);
        equal(await commit(network, contract, forge(network, contract, votes)), code);
        equal(await stateAt(network, contract), 'aborted');
        const { records } = network.at('orgB').node;
        equal(await records.certificate(taskIdOf(contract)), undefined, 'no session can open');
      }));
  }

  it('asks the policy and its own code again', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      const { contract, votes } = await voted(network);
      const rule = b.policy;
      b.policy = { version: 1, rules: [] };
      equal(await commit(network, contract, votes), 'refused_by_policy');
      equal(await stateAt(network, contract), 'aborted');
      b.policy = rule;
      equal(await commit(network, contract, votes), 'aborted', 'it is over');
      const next = await voted(network);
      Object.assign(b.node, { declare: () => undefined });
      equal(await commit(network, next.contract, next.votes), 'implementation_mismatch');
    }));

  it('refuses two contracts that an initiator told two parties apart', () =>
    withNetwork(THREE, async (network) => {
      const { contract, votes } = await voted(network);
      const other = { ...contract, receivers: ['orgA', 'orgC'] };
      const voteC = voteOf(network, 'orgC', other);
      equal(await commit(network, contract, [...votes, voteC]), 'wrong_task');
    }));

  it('refuses once the contract has expired', () =>
    withNetwork(TWO, async (network) => {
      const { contract, votes } = await voted(network);
      network.clock.now += 3_600_000;
      equal(await commit(network, contract, votes), 'expired');
    }));

  it('refuses a contract that it refused itself', () =>
    withNetwork(TWO, async (network) => {
      network.at('orgB').policy = { version: 1, rules: [] };
      const contract = network.contract();
      await prepare(network, contract);
      const votes = [voteOf(network, 'orgA', contract), voteOf(network, 'orgB', contract)];
      equal(await commit(network, contract, votes), 'wrong_state');
    }));

  it('refuses more votes than a contract can have', () =>
    withNetwork(TWO, async (network) => {
      const { contract, votes } = await voted(network);
      const many = Array.from({ length: 17 }, () => votes[0]);
      equal(await commit(network, contract, many), 'malformed_message');
      equal(await commit(network, contract, votes, { taskId: 'ab' }), 'malformed_message');
    }));
});

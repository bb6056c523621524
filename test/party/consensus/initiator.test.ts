import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { PrepareResponse } from '../../../proto/gen/consensus.ts';
import { certificateDigest, verifyCertificate } from '../../../src/party/consensus/certificate.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import type { ConsensusErrorCode } from '../../../src/party/consensus/errors.ts';
import { NotAgreedError, proposeContract } from '../../../src/party/consensus/initiator.ts';
import {
  decodeSigned,
  encodeSigned,
  type Signed,
  signBody,
} from '../../../src/party/consensus/signed.ts';
import { abortTask } from '../../../src/party/consensus/task-end.ts';
import { type Vote, VoteSchema } from '../../../src/party/consensus/vote.ts';
import {
  DatasetRefusal,
  lost,
  type Network,
  OPEN_RULE,
  withNetwork,
} from '../../support/consensus-network.ts';
import { refusesAsync } from '../../support/refusals.ts';

const TWO = ['orgA', 'orgB'];
const THREE = ['orgA', 'orgB', 'orgC'];

/** Asserts that a proposal of `orgA` fails by the code and party, and how every node records it. */
async function failsEverywhere(
  network: Network,
  code: ConsensusErrorCode,
  party: string,
  contract = network.contract(),
): Promise<void> {
  await rejects(proposeContract(network.at('orgA').node, contract), (error) => {
    ok(error instanceof NotAgreedError, String(error));
    deepEqual([error.code, error.party], [code, party]);
    return true;
  });
  for (const name of network.names) {
    const record = await network.at(name).node.records.find(taskIdOf(contract));
    ok(record?.state === 'aborted' || record?.state === 'refused', `${name}: ${record?.state}`);
    deepEqual([record.end?.code, record.end?.party], [code, party], name);
    ok(network.at(name).log.includes(`ended ${code} ${party}`), name);
  }
}

/** Changes the vote that `orgB` answers a prepare with. */
function forgeVote(network: Network, forge: (vote: Signed<Vote>) => Signed<Vote>): void {
  network.intercept = async ({ to, method }, deliver) => {
    const answer = await deliver();
    if (method !== 'consensus/prepare' || to !== 'orgB') return answer;
    const { result } = PrepareResponse.decode(answer);
    if (result?.$case !== 'vote') return answer;
    const value = encodeSigned(forge(decodeSigned(VoteSchema, result.value)));
    return PrepareResponse.encode({ result: { $case: 'vote', value } }).finish();
  };
}

describe('proposing a contract', () => {
  for (const [title, names, receiver] of [
    ['two parties', TWO, false],
    ['three parties', THREE, false],
    ['a party that only receives', THREE, true],
    ['five parties', [...THREE, 'orgD', 'orgE'], false],
  ] as const) {
    it(`gives ${title} one certificate, which each has verified`, () =>
      withNetwork(
        names,
        async (network) => {
          const contract = network.contract();
          const agreed = await proposeContract(network.at('orgA').node, contract);
          equal(agreed.taskId, taskIdOf(contract));
          for (const name of names) {
            const { node, datasets, log } = network.at(name);
            const stored = (await node.records.certificate(agreed.taskId))!;
            equal(stored.digest, agreed.digest, name);
            equal(certificateDigest(stored.certificate), agreed.digest, name);
            equal(
              verifyCertificate(stored.certificate, node.keys, network.clock.now),
              agreed.taskId,
            );
            equal((await node.records.find(agreed.taskId))?.state, 'committed', name);
            const own = (await node.records.vote(agreed.taskId, name))!;
            deepEqual(own.opening?.rule, OPEN_RULE, name);
            equal(datasets.verified, receiver && name === names.at(-1) ? 0 : 1, name);
            deepEqual(log, name === 'orgA' ? [] : [`committed ${agreed.taskId}`], name);
          }
        },
        { receiver },
      ));
  }

  it('costs two calls a peer', () =>
    withNetwork(THREE, async (network) => {
      await proposeContract(network.at('orgA').node, network.contract());
      deepEqual(network.calls.map(({ to, method }) => `${to} ${method}`).toSorted(), [
        'orgB consensus/commit',
        'orgB consensus/prepare',
        'orgC consensus/commit',
        'orgC consensus/prepare',
      ]);
    }));

  it('can be done by a feature holder', () =>
    withNetwork(TWO, async (network) => {
      const contract = network.contract({ initiator: 'orgB' });
      const { taskId } = await proposeContract(network.at('orgB').node, contract);
      equal((await network.at('orgA').node.records.find(taskId))?.state, 'committed');
    }));

  it('runs several at once', () =>
    withNetwork(THREE, async (network) => {
      const agreed = await Promise.all([
        proposeContract(network.at('orgA').node, network.contract()),
        proposeContract(network.at('orgA').node, network.contract()),
        proposeContract(network.at('orgB').node, network.contract({ initiator: 'orgB' })),
      ]);
      equal(new Set(agreed.map(({ taskId }) => taskId)).size, 3);
    }));

  it('commits to the matched rule without telling it', () =>
    withNetwork(TWO, async (network) => {
      const { certificate } = await proposeContract(network.at('orgA').node, network.contract());
      const [a, b] = certificate.votes.map((vote) => vote.body.rule);
      notEqual(a, b, 'the same rule under two salts');
    }));
});

describe('proposing a contract, refused', () => {
  it('by this node: nobody else hears of it', () =>
    withNetwork(TWO, async (network) => {
      const { node, log } = network.at('orgA');
      network.at('orgA').policy = { version: 1, rules: [] };
      const contract = network.contract();
      await refusesAsync(proposeContract(node, contract), 'refused_by_policy');
      equal((await node.records.find(taskIdOf(contract)))?.state, 'refused');
      deepEqual(log, ['denied orgA no_rules', 'ended refused_by_policy orgA']);
      deepEqual(network.calls, []);
      await refusesAsync(proposeContract(node, contract), 'replayed_task');
    }));

  it('when it is not this node’s, malformed, or expired', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const propose = (changes: object) => proposeContract(node, network.contract(changes));
      await refusesAsync(propose({ initiator: 'orgB' }), 'not_initiator');
      await refusesAsync(propose({ receivers: ['orgX'] }), 'malformed_contract', 'receivers/0');
      network.clock.now += 3_600_000;
      await refusesAsync(propose({}), 'expired');
      deepEqual(network.calls, []);
    }));

  it('by a peer’s policy: everybody records whose refusal it was, and no more', () =>
    withNetwork(THREE, async (network) => {
      network.at('orgB').policy = { version: 1, rules: [{ ...OPEN_RULE, receivers: [] }] };
      await failsEverywhere(network, 'refused_by_policy', 'orgB');
      deepEqual(network.at('orgB').log[0], 'denied orgA receiver');
      equal(network.at('orgB').datasets.verified, 0, 'the data were not touched');
    }));

  it('by a rule that its own node removed while the others voted', () =>
    withNetwork(THREE, async (network) => {
      const { node } = network.at('orgA');
      const contract = network.contract();
      network.intercept = async (_call, deliver) => {
        network.at('orgA').policy = { version: 1, rules: [] };
        return deliver();
      };
      await refusesAsync(proposeContract(node, contract), 'refused_by_policy');
      equal(await node.records.certificate(taskIdOf(contract)), undefined);
      equal((await network.at('orgB').node.records.find(taskIdOf(contract)))?.state, 'aborted');
    }));

  it('by a peer whose data changed', () =>
    withNetwork(THREE, async (network) => {
      network.at('orgC').datasets.verifyWith = async () => {
        throw new DatasetRefusal('changed', 'credit/train.csv is not the file that was described');
      };
      await failsEverywhere(network, 'data_mismatch', 'orgC');
    }));

  it('by a peer that fails: its fault is told to nobody', () =>
    withNetwork(TWO, async (network) => {
      network.at('orgB').datasets.verifyWith = async () => {
        throw new Error('secret detail');
      };
      const contract = network.contract();
      await failsEverywhere(network, 'internal', 'orgB', contract);
      const { end } = (await network.at('orgA').node.records.find(taskIdOf(contract)))!;
      ok(!end!.reason.includes('secret'), end!.reason);
      ok(network.at('orgB').log.includes('failed secret detail'));
    }));

  it('by a peer with other code, or another leakage', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgB');
      const declaration = node.declare(network.contract())!;
      const other = { ...declaration, implementation: '00'.repeat(32) };
      Object.assign(node, { declare: () => other });
      await failsEverywhere(network, 'implementation_mismatch', 'orgB');
      const leakage = { ...declaration.leakage, opened: [] };
      Object.assign(node, { declare: () => ({ ...declaration, leakage }) });
      await failsEverywhere(network, 'leakage_mismatch', 'orgB');
    }));

  it('when the answer to a prepare is lost', () =>
    withNetwork(THREE, async (network) => {
      for (const [code, expected] of [
        ['TIMED_OUT', 'timed_out'],
        ['UNREACHABLE', 'unreachable'],
      ] as const) {
        network.intercept = async ({ to, method }, deliver) => {
          const answer = await deliver();
          if (to === 'orgC' && method === 'consensus/prepare') throw lost(code);
          return answer;
        };
        await failsEverywhere(network, expected, 'orgC');
      }
    }));

  it('when a commit is lost: those who have committed end too', () =>
    withNetwork(THREE, async (network) => {
      network.intercept = async ({ to, method }, deliver) => {
        if (to === 'orgC' && method === 'consensus/commit') throw lost();
        return deliver();
      };
      const contract = network.contract();
      await failsEverywhere(network, 'timed_out', 'orgC', contract);
      const logB = network.at('orgB').log;
      deepEqual(logB, [`committed ${taskIdOf(contract)}`, 'ended timed_out orgC']);
    }));

  it('when even the abort is lost: the task still ends here', () =>
    withNetwork(TWO, async (network) => {
      network.intercept = async () => {
        throw lost('UNREACHABLE');
      };
      const contract = network.contract();
      const { node } = network.at('orgA');
      await refusesAsync(proposeContract(node, contract), 'unreachable');
      equal((await node.records.find(taskIdOf(contract)))?.state, 'aborted');
      equal(await network.at('orgB').node.records.find(taskIdOf(contract)), undefined);
    }));

  it('when somebody cancels while the votes come in', () =>
    withNetwork(THREE, async (network) => {
      const contract = network.contract();
      network.intercept = async ({ to, method }, deliver) => {
        const answer = await deliver();
        if (to === 'orgC' && method === 'consensus/prepare') {
          const refusal = { code: 'cancelled', reason: 'changed our mind' } as const;
          await abortTask(network.at('orgC').node, taskIdOf(contract), refusal);
        }
        return answer;
      };
      await failsEverywhere(network, 'cancelled', 'orgC', contract);
    }));

  it('when the contract expires while the votes come in', () =>
    withNetwork(TWO, async (network) => {
      network.intercept = async ({ method }, deliver) => {
        const answer = await deliver();
        if (method === 'consensus/prepare') network.clock.now += 3_600_000;
        return answer;
      };
      await failsEverywhere(network, 'vote_expired', 'orgB');
    }));
});

describe('proposing a contract to a peer that cheats', () => {
  const resigned =
    (network: Network, signer: string, changes: Partial<Vote>) =>
    (vote: Signed<Vote>): Signed<Vote> =>
      signBody(network.at(signer).identity.signer, 'entente/vote/v1', { ...vote.body, ...changes });

  const cheats: readonly [
    string,
    ConsensusErrorCode,
    (network: Network) => (v: Signed<Vote>) => Signed<Vote>,
  ][] = [
    ['on another task', 'wrong_task', (n) => resigned(n, 'orgB', { taskId: '00'.repeat(32) })],
    ['in another’s name', 'wrong_signer', (n) => resigned(n, 'orgB', { signer: 'orgC' })],
    ['by another’s key', 'bad_signature', (n) => resigned(n, 'orgC', {})],
    ['that refuses', 'not_accepted', (n) => resigned(n, 'orgB', { decision: 'refuse' })],
    [
      'of another version',
      'unsupported_version',
      (n) => resigned(n, 'orgB', { protocolVersion: 9 }),
    ],
    [
      'that has expired',
      'vote_expired',
      (n) => resigned(n, 'orgB', { expiresAt: '2026-03-01T12:00:00.000Z' }),
    ],
    [
      'from the future',
      'not_yet_valid',
      (n) => resigned(n, 'orgB', { votedAt: '2026-03-02T12:00:00.000Z' }),
    ],
    [
      'with another key’s name',
      'identity_mismatch',
      (n) => resigned(n, 'orgB', { fingerprint: '00'.repeat(32) }),
    ],
    [
      'that was changed',
      'bad_signature',
      () => (vote) => ({ ...vote, body: { ...vote.body, rule: '00'.repeat(32) } }),
    ],
  ];
  for (const [title, code, forge] of cheats) {
    it(`refuses a vote ${title}`, () =>
      withNetwork(THREE, async (network) => {
        forgeVote(network, forge(network));
        await failsEverywhere(network, code, 'orgB');
      }));
  }

  it('refuses an answer without vote or refusal, and a certificate it did not send', () =>
    withNetwork(TWO, async (network) => {
      network.intercept = async ({ method }, deliver) => {
        const answer = await deliver();
        return method === 'consensus/prepare' ? new Uint8Array() : answer;
      };
      await failsEverywhere(network, 'malformed_message', 'orgB');
      network.intercept = async ({ method }, deliver) => {
        const answer = await deliver();
        if (method === 'consensus/commit') answer[answer.length - 1]! ^= 1;
        return answer;
      };
      await failsEverywhere(network, 'certificate_mismatch', 'orgB');
    }));

  it('takes an unknown code for a fault, and keeps the text printable', () =>
    withNetwork(TWO, async (network) => {
      network.intercept = async ({ method }, deliver) => {
        const answer = await deliver();
        if (method !== 'consensus/prepare') return answer;
        const value = { code: 'x\u001b[2J', reason: `\u001b[2J${'y'.repeat(10_000)}` };
        return PrepareResponse.encode({ result: { $case: 'refused', value } }).finish();
      };
      const contract = network.contract();
      await failsEverywhere(network, 'internal', 'orgB', contract);
      const { end } = (await network.at('orgA').node.records.find(taskIdOf(contract)))!;
      equal(end!.reason.length, 512);
      ok(!end!.reason.includes('\u001b'));
    }));
});

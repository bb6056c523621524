import { deepEqual, equal, ok } from 'node:assert/strict';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import { proposeContract } from '../../../src/party/consensus/initiator.ts';
import { encodeSigned } from '../../../src/party/consensus/signed.ts';
import { signVote } from '../../../src/party/consensus/vote.ts';
import { METHODS } from '../../../src/party/consensus/wire.ts';
import type { PolicyRule } from '../../../src/party/policy-rule.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { changed } from '../../support/changed-contract.ts';
import { type Network, OPEN_RULE, withNetwork } from '../../support/consensus-network.ts';
import { sampleTrees } from '../../support/contracts.ts';
import { refusesAsync } from '../../support/refusals.ts';
import { AUDIT_HEAD } from '../../support/test-audit.ts';

const TWO = ['orgA', 'orgB'];

/** What `orgB` answers to the sample contract, byte for byte. */
async function answer(network: Network): Promise<Uint8Array> {
  const contract = network.contract();
  const statement = { taskId: taskIdOf(contract), rule: '11'.repeat(32), auditHead: AUDIT_HEAD };
  const { signer } = network.at('orgA').identity;
  const vote = signVote(signer, contract, statement, network.clock.now, systemRng);
  const request = { contract: canonicalBytes(contract), vote: encodeSigned(vote) };
  const response = await network.send('orgA', 'orgB', METHODS.prepare, request);
  return METHODS.prepare.response.encode(response).finish();
}

/** A limit that the sample contract does not keep, and one that it just keeps. */
const LIMITS: readonly (readonly [
  reason: string,
  broken: Partial<PolicyRule>,
  kept: Partial<PolicyRule>,
])[] = [
  ['peer', { peers: ['orgC'] }, { peers: ['orgA'] }],
  ['purpose', { purposes: ['marketing'] }, { purposes: ['credit *'] }],
  ['algorithm', { algorithms: ['predict/*'] }, { algorithms: ['vertical/logistic_regression'] }],
  ['dataset', { datasets: ['hr/*'] }, { datasets: ['credit/train.csv'] }],
  ['column', { columns: { key: ['id'], feature: ['income'] } }, {}],
  ['column', { columns: { allow: ['*'], deny: ['region'] } }, { columns: { allow: ['*'] } }],
  ['receiver', { receivers: [] }, { receivers: ['orgA'] }],
  ['model_release', { model_release: ['split'] }, { model_release: ['full'] }],
  ['metrics', { metrics: ['auc'] }, { metrics: ['auc', 'accuracy'] }],
  ['security', { security: { sigma: 41 } }, { security: { kappa: 128, sigma: 40 } }],
  ['open_bits', { open_bits: 11 }, { open_bits: 12 }],
  ['minimum_columns', { minimum_columns: 2 }, { minimum_columns: 1 }],
  ['minimum_intersection', { minimum_intersection: 1 }, {}],
  ['expires', { expires: '2026-02-28' }, { expires: '2026-03-01' }],
  ['tasks_per_day', { tasks_per_day: 0 }, { tasks_per_day: 1 }],
];

describe('consent', () => {
  it('fails for each rule with its own reason, and tells the peer nothing of it', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      const answers = new Set<string>();
      const broken = [
        ...LIMITS.map(([reason, limits]) => [reason, { ...OPEN_RULE, ...limits }] as const),
        ['no_rules', null] as const,
        ['unreadable', new Error('broken file')] as const,
      ];
      for (const [reason, rule] of broken) {
        b.policy = rule instanceof Error ? rule : { version: 1, rules: rule ? [rule] : [] };
        answers.add(Buffer.from(await answer(network)).toString('hex'));
        const reported = b.log.filter((line) => line.startsWith('denied')).at(-1);
        equal(reported, `denied orgA ${reason}`);
      }
      equal(answers.size, 1, 'one answer for all reasons');
      const { listed, described, verified, identified } = b.datasets;
      deepEqual([listed, described, verified, identified], [0, 0, 0, 0], 'no dataset was touched');
    }));

  it('is given where each rule is just kept', () =>
    withNetwork(TWO, async (network) => {
      const limits = Object.assign({}, ...LIMITS.map(([, , kept]) => kept)) as Partial<PolicyRule>;
      const budgets = { intersection_size: 1, validation_scores: 200, weights: 6 };
      network.at('orgB').policy = { version: 1, rules: [{ ...OPEN_RULE, ...limits, budgets }] };
      await proposeContract(network.at('orgA').node, network.contract());
    }));

  it('is the feature holder’s to refuse where sums of trees may tell records apart', () =>
    withNetwork(TWO, async (network) => {
      const [a, b] = TWO.map((name) => network.at(name));
      const propose = () => {
        const trees = sampleTrees(TWO.map((name) => network.at(name).identity.signer));
        const nonce = Buffer.from(systemRng(32)).toString('hex');
        const few = changed('parties/0/dataset/rowCount', 100, { ...trees, nonce });
        return proposeContract(a!.node, few);
      };
      a!.policy = { version: 1, rules: [{ ...OPEN_RULE, minimum_margin: 1000 }] };
      await refusesAsync(propose(), 'refused_by_policy');
      ok(b!.log.includes('denied orgA minimum_margin'), b!.log.join());
      b!.policy = { version: 1, rules: [{ ...OPEN_RULE, minimum_margin: 0.1 }] };
      await propose();
    }));

  it('looks at the data before it asks a person', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      const before = Buffer.from(await denial(network)).toString('hex');
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, budgets: {} }] };
      equal(Buffer.from(await answer(network)).toString('hex'), before, 'the same answer');
      equal(b.log.at(-2), 'denied orgA budgets');
      equal(b.datasets.verified, 0, 'a budget that no such task can keep');
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, action: 'ask' }] };
      await answer(network);
      equal(b.datasets.verified, 1);
    }));
});

async function denial(network: Network): Promise<Uint8Array> {
  network.at('orgB').policy = { version: 1, rules: [] };
  return answer(network);
}

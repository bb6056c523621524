import { equal, match, notEqual } from 'node:assert/strict';
import {
  certificateDigest,
  composeCertificate,
  type StartCertificate,
  verifyCertificate,
} from '../../../src/party/consensus/certificate.ts';
import type { Contract } from '../../../src/party/consensus/contract.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import { type Signed, signBody } from '../../../src/party/consensus/signed.ts';
import { signVote, type Vote } from '../../../src/party/consensus/vote.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import {
  keyRing,
  NOW,
  sampleContract,
  type TestIdentity,
  testIdentity,
} from '../../support/contracts.ts';
import { refuses } from '../../support/refusals.ts';
import { AUDIT_HEAD } from '../../support/test-audit.ts';

const [a, b, c] = ['orgA', 'orgB', 'orgC'].map(testIdentity) as [
  TestIdentity,
  TestIdentity,
  TestIdentity,
];
const keys = keyRing([a, b, c]);
const contract = sampleContract([a.signer, b.signer], { receiver: c.signer });

function vote(party: TestIdentity, on: Contract = contract): Signed<Vote> {
  const statement = { taskId: taskIdOf(on), rule: '11'.repeat(32), auditHead: AUDIT_HEAD };
  return signVote(party.signer, on, statement, NOW, systemRng);
}

/** A vote with changed fields, honestly signed: only the changed field can be what is refused. */
function voteWith(party: TestIdentity, changes: Partial<Vote>): Signed<Vote> {
  return signBody(party.signer, 'entente/vote/v1', { ...vote(party).body, ...changes });
}

const votes = [a, b, c].map((party) => vote(party));
const certificate = composeCertificate(contract, votes);

function withVotes(...list: readonly Signed<Vote>[]): StartCertificate {
  return { contract, votes: list };
}

describe('start certificate', () => {
  it('stands when every party accepted, and names the task', () => {
    equal(verifyCertificate(certificate, keys, NOW), taskIdOf(contract));
  });

  it('has one digest whatever order the votes came in', () => {
    const digest = certificateDigest(certificate);
    match(digest, /^[0-9a-f]{64}$/);
    equal(certificateDigest(composeCertificate(contract, votes.toReversed())), digest);
    notEqual(certificateDigest(composeCertificate(contract, [vote(a), ...votes.slice(1)])), digest);
  });

  it('refuses a missing vote, each party’s', () => {
    for (const absent of [0, 1, 2]) {
      const rest = votes.filter((_, i) => i !== absent);
      refuses(() => verifyCertificate(withVotes(...rest), keys, NOW), 'missing_vote');
    }
    refuses(() => verifyCertificate(withVotes(), keys, NOW), 'missing_vote');
  });

  it('refuses two votes of one party, equal or not', () => {
    for (const again of [votes[1]!, vote(b)]) {
      refuses(() => verifyCertificate(withVotes(...votes, again), keys, NOW), 'duplicate_vote');
    }
  });

  it('refuses a vote of a party outside the contract', () => {
    const stranger = testIdentity('orgX');
    const ring = keyRing([a, b, c, stranger]);
    const crowd = withVotes(...votes, vote(stranger));
    refuses(() => verifyCertificate(crowd, ring, NOW), 'not_participant');
  });

  it('refuses a party that is not pinned, or pinned with another key', () => {
    refuses(() => verifyCertificate(certificate, keyRing([a, b]), NOW), 'unknown_party');
    const other = keyRing([a, b, testIdentity('orgC')]);
    refuses(() => verifyCertificate(certificate, other, NOW), 'identity_mismatch');
    const claimed = voteWith(b, { fingerprint: c.signer.fingerprint });
    refuses(
      () => verifyCertificate(withVotes(votes[0]!, claimed, votes[2]!), keys, NOW),
      'identity_mismatch',
    );
  });

  it('refuses a vote signed by another party, in another domain, or changed anywhere', () => {
    const good = votes[1]!;
    const last = good.signature.at(-1) === '0' ? '1' : '0';
    const forgeries: readonly Signed<Vote>[] = [
      signBody(c.signer, 'entente/vote/v1', good.body),
      signBody(b.signer, 'entente/receipt/v1', good.body),
      { body: good.body, signature: good.signature.slice(0, -1) + last },
      { body: good.body, signature: '' },
      { body: good.body, signature: votes[0]!.signature },
      ...(['rule', 'nonce', 'auditHead'] as const).map((field) => ({
        ...good,
        body: { ...good.body, [field]: '22'.repeat(32) },
      })),
      ...(['votedAt', 'expiresAt'] as const).map((field) => ({
        ...good,
        body: { ...good.body, [field]: new Date(NOW + 1).toISOString() },
      })),
    ];
    for (const forged of forgeries) {
      const list = withVotes(votes[0]!, forged, votes[2]!);
      refuses(() => verifyCertificate(list, keys, NOW), 'bad_signature');
    }
  });

  it('refuses a vote for another task', () => {
    const other = sampleContract([a.signer, b.signer], { receiver: c.signer, purpose: 'other' });
    const list = withVotes(votes[0]!, vote(b, other), votes[2]!);
    refuses(() => verifyCertificate(list, keys, NOW), 'wrong_task');
  });

  it('refuses every vote once the contract is changed', () => {
    const changed = { ...contract, receivers: ['orgB', 'orgC'] };
    refuses(() => verifyCertificate({ contract: changed, votes }, keys, NOW), 'wrong_task');
  });

  it('refuses a vote that does not accept', () => {
    const list = withVotes(votes[0]!, voteWith(b, { decision: 'refuse' }), votes[2]!);
    refuses(() => verifyCertificate(list, keys, NOW), 'not_accepted');
  });

  it('refuses another protocol version', () => {
    const list = withVotes(votes[0]!, voteWith(b, { protocolVersion: 1 }), votes[2]!);
    refuses(() => verifyCertificate(list, keys, NOW), 'unsupported_version');
  });

  it('refuses votes and contracts outside their time', () => {
    const at = (ms: number): string => new Date(NOW + ms).toISOString();
    const expired = withVotes(votes[0]!, voteWith(b, { expiresAt: at(1000) }), votes[2]!);
    equal(verifyCertificate(expired, keys, NOW + 999), taskIdOf(contract));
    refuses(() => verifyCertificate(expired, keys, NOW + 1000), 'vote_expired');
    const future = withVotes(votes[0]!, voteWith(b, { votedAt: at(600_000) }), votes[2]!);
    refuses(() => verifyCertificate(future, keys, NOW), 'not_yet_valid');
    const nonsense = voteWith(b, { votedAt: '2026-02-30T12:00:00.000Z' });
    refuses(
      () => verifyCertificate(withVotes(votes[0]!, nonsense, votes[2]!), keys, NOW),
      'malformed_message',
    );
    refuses(() => verifyCertificate(certificate, keys, NOW + 3_600_000), 'expired');
  });
});

import { deepEqual, equal, notEqual, throws } from 'node:assert/strict';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { taskIdOf } from '../../../src/party/consensus/contract-check.ts';
import { decodeSigned, encodeSigned, signBody } from '../../../src/party/consensus/signed.ts';
import {
  checkVote,
  checkVoteAge,
  ruleDigest,
  signVote,
  VoteSchema,
} from '../../../src/party/consensus/vote.ts';
import { keyRing, NOW, sampleContract, testIdentity } from '../../support/contracts.ts';
import { refuses } from '../../support/refusals.ts';
import { AUDIT_HEAD } from '../../support/test-audit.ts';

const a = testIdentity('orgA');
const b = testIdentity('orgB');
const contract = sampleContract([a.signer, b.signer]);
const taskId = taskIdOf(contract);
const statement = { taskId, rule: '11'.repeat(32), auditHead: AUDIT_HEAD };
const vote = signVote(b.signer, contract, statement, NOW, (n) => new Uint8Array(n).fill(7));

describe('vote', () => {
  it('says who agrees to what, and until when', () => {
    deepEqual(vote.body, {
      protocolVersion: 2,
      signer: 'orgB',
      fingerprint: b.signer.fingerprint,
      taskId,
      decision: 'accept',
      rule: '11'.repeat(32),
      nonce: '07'.repeat(32),
      votedAt: '2026-03-01T12:00:00.000Z',
      expiresAt: contract.expiresAt,
      auditHead: '00'.repeat(32),
    });
    checkVote(vote, contract, taskId, keyRing([a, b]));
    checkVoteAge(vote, NOW);
  });

  it('of another version names the party, and both versions', () => {
    const before = signBody(b.signer, 'entente/vote/v1', { ...vote.body, protocolVersion: 1 });
    throws(() => checkVote(before, contract, taskId, keyRing([a, b])), {
      code: 'unsupported_version',
      message: 'orgB speaks version 1 of the consensus protocol, this side 2: update the older one',
    });
  });

  it('survives the wire and still verifies', () => {
    const received = decodeSigned(VoteSchema, encodeSigned(vote));
    deepEqual(received, vote);
    checkVote(received, contract, taskId, keyRing([a, b]));
  });

  it('is not decoded from a malformed statement', () => {
    const wire = encodeSigned(vote);
    const bodies: readonly unknown[] = [
      { ...vote.body, extra: 1 },
      { ...vote.body, decision: 'maybe' },
      { ...vote.body, taskId: 'x' },
      { ...vote.body, protocolVersion: -1 },
      { ...vote.body, signer: 'a b' },
      [],
    ];
    for (const body of bodies) {
      const bytes = canonicalBytes(body);
      refuses(() => decodeSigned(VoteSchema, { ...wire, body: bytes }), 'malformed_message');
    }
    for (const size of [0, 63, 65]) {
      const signature = new Uint8Array(size);
      refuses(() => decodeSigned(VoteSchema, { ...wire, signature }), 'malformed_message');
    }
    const huge = new Uint8Array(1 << 20);
    refuses(() => decodeSigned(VoteSchema, { ...wire, body: huge }), 'malformed_message');
    refuses(() => decodeSigned(VoteSchema, undefined), 'malformed_message');
  });
});

describe('rule digest', () => {
  it('depends on the rule and on its salt, and asks for 32 bytes of it', () => {
    const salt = new Uint8Array(32);
    const digest = ruleDigest({ peers: ['orgA'] }, salt);
    equal(ruleDigest({ peers: ['orgA'] }, salt), digest);
    notEqual(ruleDigest({ peers: ['orgB'] }, salt), digest);
    notEqual(ruleDigest({ peers: ['orgA'] }, new Uint8Array(32).fill(1)), digest);
    throws(() => ruleDigest({}, new Uint8Array(31)), RangeError);
  });
});

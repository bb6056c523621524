import Type from 'typebox';
import type { Rng } from '../../protocols/primitives/rng.ts';
import { canonicalBytes, taggedDigest } from './canonical-json.ts';
import type { Contract } from './contract.ts';
import { CLOCK_SKEW_MS } from './contract-check.ts';
import { ConsensusError } from './errors.ts';
import { Hex32, isTimestamp, PartyName, Timestamp } from './schema.ts';
import type { KeyRing, PinnedKey, Signer } from './signature.ts';
import { checkSignature, type Signed, signBody } from './signed.ts';

/** Version of the messages and of the order of the steps. Other versions are refused. */
export const PROTOCOL_VERSION = 2;
const VOTE_DOMAIN = 'entente/vote/v1';
const RULE_DOMAIN = 'entente/policy-rule/v1';

/** What a party says about one contract. Signed; meaningless without its signature. */
export interface Vote {
  readonly protocolVersion: number;
  readonly signer: string;
  /** The key that signs, as the contract names it. */
  readonly fingerprint: string;
  readonly taskId: string;
  readonly decision: 'accept' | 'refuse';
  /** `ruleDigest` of the policy rule that allowed it; the voter keeps rule and salt. */
  readonly rule: string;
  /** 32 random bytes, hex. */
  readonly nonce: string;
  readonly votedAt: string;
  readonly expiresAt: string;
  /** Root of the voter's own audit log when it voted. */
  readonly auditHead: string;
}

export const VoteSchema = Type.Object(
  {
    protocolVersion: Type.Integer({ minimum: 0, maximum: 0xffff }),
    signer: PartyName,
    fingerprint: Hex32,
    taskId: Hex32,
    decision: Type.Enum(['accept', 'refuse']),
    rule: Hex32,
    nonce: Hex32,
    votedAt: Timestamp,
    expiresAt: Timestamp,
    auditHead: Hex32,
  },
  { additionalProperties: false },
);

/**
 * Commits to a policy rule without telling it: SHA-256(tag | 0 | salt | canonical rule), hex.
 * `salt` is 32 random bytes that stay with the voter until it chooses to show the rule to an auditor.
 */
export function ruleDigest(rule: unknown, salt: Uint8Array): string {
  if (salt.length !== 32) throw new RangeError(`"salt" expected 32 bytes, got ${salt.length}`);
  return taggedDigest(RULE_DOMAIN, salt, canonicalBytes(rule));
}

/** Signs this node's consent. `now`: Unix ms; the vote lives as long as the contract. */
export function signVote(
  signer: Signer,
  contract: Contract,
  statement: { readonly taskId: string; readonly rule: string; readonly auditHead: string },
  now: number,
  rng: Rng,
): Signed<Vote> {
  return signBody<Vote>(signer, VOTE_DOMAIN, {
    protocolVersion: PROTOCOL_VERSION,
    signer: signer.name,
    fingerprint: signer.fingerprint,
    taskId: statement.taskId,
    decision: 'accept',
    rule: statement.rule,
    nonce: Buffer.from(rng(32)).toString('hex'),
    votedAt: new Date(now).toISOString(),
    expiresAt: contract.expiresAt,
    auditHead: statement.auditHead,
  });
}

/**
 * The pinned key of a party of the contract. Throws `unknown_party` when this node has pinned no such
 * party, `identity_mismatch` when it knows the name with another key.
 */
export function contractKey(contract: Contract, name: string, keys: KeyRing): PinnedKey {
  const party = contract.parties.find((candidate) => candidate.name === name);
  if (!party) throw new ConsensusError('not_participant', `${name} is not a party of the contract`);
  const key = keys.find(name);
  if (!key) throw new ConsensusError('unknown_party', `${name} is not a known peer`);
  if (key.fingerprint !== party.fingerprint) {
    throw new ConsensusError('identity_mismatch', `${name} is known with another key`);
  }
  return key;
}

/**
 * Checks everything about a vote but its age: that it is for this task and version, accepts it, and
 * that the party of the contract it names signed it.
 */
export function checkVote(
  vote: Signed<Vote>,
  contract: Contract,
  taskId: string,
  keys: KeyRing,
): void {
  const { body } = vote;
  if (body.protocolVersion !== PROTOCOL_VERSION) throw unsupportedVersion(body);
  const key = contractKey(contract, body.signer, keys);
  if (body.fingerprint !== key.fingerprint) {
    throw new ConsensusError('identity_mismatch', `${body.signer} voted with another key`);
  }
  checkSignature(key, VOTE_DOMAIN, vote);
  if (body.taskId !== taskId) {
    throw new ConsensusError('wrong_task', `${body.signer} voted on another task`);
  }
  if (body.decision !== 'accept') {
    throw new ConsensusError('not_accepted', `${body.signer} did not accept`);
  }
}

/** Of a statement that another version of this program made. */
export function unsupportedVersion({
  signer,
  protocolVersion,
}: Pick<Vote, 'signer' | 'protocolVersion'>): ConsensusError {
  const versions = `${signer} speaks version ${protocolVersion} of the consensus protocol, this side ${PROTOCOL_VERSION}`;
  return new ConsensusError('unsupported_version', `${versions}: update the older one`);
}

/** Refuses a vote that is dated in the future or no longer stands. `now`: Unix ms. */
export function checkVoteAge({ body }: Signed<Vote>, now: number): void {
  if (!isTimestamp(body.votedAt) || !isTimestamp(body.expiresAt)) {
    throw new ConsensusError('malformed_message', 'votedAt and expiresAt must be dates');
  }
  if (Date.parse(body.votedAt) > now + CLOCK_SKEW_MS) {
    throw new ConsensusError('not_yet_valid', `the vote of ${body.signer} is in the future`);
  }
  if (Date.parse(body.expiresAt) <= now) {
    throw new ConsensusError('vote_expired', `the vote of ${body.signer} has expired`);
  }
}

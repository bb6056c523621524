import { canonicalBytes, taggedDigest } from './canonical-json.ts';
import type { Contract } from './contract.ts';
import { checkValidity, taskIdOf } from './contract-check.ts';
import { ConsensusError } from './errors.ts';
import type { KeyRing } from './signature.ts';
import type { Signed } from './signed.ts';
import { checkVote, checkVoteAge, type Vote } from './vote.ts';

const CERTIFICATE_DOMAIN = 'entente/certificate/v1';

/** The proof that every party agreed to a contract. Without it no node opens a session. */
export interface StartCertificate {
  readonly contract: Contract;
  /** One vote a party, in the order of the contract's parties. */
  readonly votes: readonly Signed<Vote>[];
}

/**
 * Checks the votes of a well-formed contract: one accepting vote of each party, for this task, signed
 * by the key the contract names and this node has pinned, none expired. Returns the task's id.
 *
 * @param now - Unix ms at which the certificate must stand: the present at commit, the time of
 *   commit whenever a stored certificate is checked again.
 */
export function verifyCertificate(
  certificate: StartCertificate,
  keys: KeyRing,
  now: number,
): string {
  const { contract, votes } = certificate;
  const taskId = taskIdOf(contract);
  checkValidity(contract, now);
  const voters = new Set<string>();
  for (const vote of votes) {
    checkVote(vote, contract, taskId, keys);
    checkVoteAge(vote, now);
    if (voters.has(vote.body.signer)) {
      throw new ConsensusError('duplicate_vote', `${vote.body.signer} voted twice`);
    }
    voters.add(vote.body.signer);
  }
  for (const { name } of contract.parties) {
    if (!voters.has(name)) throw new ConsensusError('missing_vote', `${name} did not vote`);
  }
  return taskId;
}

/** The certificate of a contract and its votes, in the one order that all parties hash. */
export function composeCertificate(
  contract: Contract,
  votes: readonly Signed<Vote>[],
): StartCertificate {
  const place = new Map(contract.parties.map(({ name }, i) => [name, i]));
  const rank = (vote: Signed<Vote>): number => place.get(vote.body.signer) ?? place.size;
  return { contract, votes: votes.toSorted((a, b) => rank(a) - rank(b)) };
}

/** What the session hello binds its keys to: SHA-256(tag | 0 | canonical certificate), hex. */
export function certificateDigest(certificate: StartCertificate): string {
  return taggedDigest(CERTIFICATE_DOMAIN, canonicalBytes(certificate));
}

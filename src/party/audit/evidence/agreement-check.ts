/** Whether every party agreed to the contract, in time and by its own key, before anything ran. */
import { canonicalDigest, canonicalJson } from '../../consensus/canonical-json.ts';
import { certificateDigest } from '../../consensus/certificate.ts';
import { checkValidity } from '../../consensus/contract-check.ts';
import { ConsensusError, type ConsensusErrorCode } from '../../consensus/errors.ts';
import type { Signed } from '../../consensus/signed.ts';
import { checkVote, checkVoteAge, type Vote } from '../../consensus/vote.ts';
import type { Entry, EntryBody } from '../entry.ts';
import type { Findings, Reason } from './findings.ts';
import type { Ground } from './ground.ts';
import { type EntryCheck, entryName } from './log-check.ts';

export interface AgreementCheck extends EntryCheck {
  /** When the start certificate was logged; null before. */
  readonly agreedAt: string | null;
}

const REASON_OF: Readonly<Partial<Record<ConsensusErrorCode, Reason>>> = {
  unknown_party: 'untrusted_party',
  identity_mismatch: 'wrong_key',
  bad_signature: 'vote_forged',
  wrong_task: 'vote_replayed',
  not_accepted: 'vote_refused',
  vote_expired: 'vote_expired',
  expired: 'vote_expired',
  not_yet_valid: 'vote_early',
  not_participant: 'certificate_altered',
};

export function agreementCheck(ground: Ground, findings: Findings): AgreementCheck {
  const { contract, certificate, trusted } = ground;
  const { party, task } = ground.header;
  let hasOwnVote = false;
  let agreedAt: string | null = null;
  const attempt = (where: string, whose: string, check: () => void): void => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof ConsensusError)) throw error;
      const reason = REASON_OF[error.code] ?? 'malformed_bundle';
      // One finding a key, however many signatures it should verify.
      const isKey = reason === 'untrusted_party' || reason === 'wrong_key';
      findings.add(reason, isKey ? whose : where, error.message);
    }
  };
  const voteIs = (vote: Signed<Vote>, where: string): void => {
    if (!contract || task === null) return;
    attempt(where, vote.body.signer, () => checkVote(vote, contract, task, trusted));
  };

  if (contract) {
    for (const { name, fingerprint } of contract.parties) {
      const key = trusted.find(name);
      if (!key) findings.add('untrusted_party', name, `${name} is not a known peer`);
      else if (key.fingerprint !== fingerprint) {
        findings.add('wrong_key', name, `${name} is known with another key`);
      }
    }
    if (!contract.parties.some(({ name }) => name === party)) {
      findings.add('contract_altered', 'contract', `it does not name ${party}`);
    }
  }
  if (contract && certificate) {
    const voters = new Set<string>();
    for (const vote of certificate.votes) {
      const { signer } = vote.body;
      if (voters.has(signer)) {
        findings.add('certificate_altered', `vote of ${signer}`, 'it stands there twice');
      }
      voters.add(signer);
      voteIs(vote, `vote of ${signer}`);
    }
    for (const { name } of contract.parties) {
      if (!voters.has(name)) findings.add('vote_missing', `vote of ${name}`, 'there is none');
    }
    checkHead(certificate.votes.find(({ body }) => body.signer === party)?.body);
  }

  /** The other parties have this party's vote, too: it cannot forget the log that it named there. */
  function checkHead(vote: Vote | undefined): void {
    if (!vote || !ground.final || [...ground.states.values()].includes(vote.auditHead)) return;
    const detail = 'the log does not prove to continue the state that the vote names';
    findings.add('log_forked', `vote of ${party}`, detail);
  }

  function contractEntry(body: EntryBody<'contract'>, where: string): void {
    if (!contract) return;
    const said = [body.initiator, body.kind, body.algorithm, body.implementation, body.leakage];
    const { algorithm } = contract;
    const leakage = canonicalDigest(contract.leakage);
    const is = [
      contract.initiator,
      contract.kind,
      algorithm.name,
      algorithm.implementation,
      leakage,
    ];
    const parties = contract.parties.map(({ name, fingerprint, role, dataset }) => {
      return [name, fingerprint, role, dataset?.commitment ?? null, dataset?.rowCount ?? null];
    });
    const saidParties = body.parties.map(({ name, fingerprint, role, dataset }) => {
      return [name, fingerprint, role, dataset?.commitment ?? null, dataset?.rows ?? null];
    });
    const { receivers, createdAt, expiresAt } = contract;
    const whole = [is, parties, receivers, createdAt, expiresAt];
    const saidWhole = [said, saidParties, body.receivers, body.createdAt, body.expiresAt];
    if (canonicalJson(whole) === canonicalJson(saidWhole)) return;
    findings.add('contract_altered', where, 'it describes another contract');
  }

  function voteEntry(vote: Signed<Vote>, where: string): void {
    const { signer } = vote.body;
    voteIs(vote, `vote of ${signer}`);
    const counted = certificate?.votes.find(({ body }) => body.signer === signer);
    if (signer === party && counted?.signature === vote.signature) hasOwnVote = true;
    if (counted && counted.signature !== vote.signature) {
      const detail = `the certificate holds another vote of ${signer}`;
      findings.add('certificate_altered', where, detail);
    }
  }

  function certificateEntry(entry: Entry<'certificate'>, where: string): void {
    if (agreedAt !== null) findings.add('certificate_altered', where, 'there is a second one');
    agreedAt ??= entry.time;
    if (!contract) {
      findings.add(
        'contract_missing',
        where,
        'the task was agreed, but the bundle has no contract',
      );
    }
    if (!certificate) {
      findings.add('certificate_altered', where, 'the bundle does not hold it');
      return;
    }
    const votes = certificate.votes.map(({ body, signature }) => [body.signer, signature]);
    const said = entry.body.votes.map(({ signer, signature }) => [signer, signature]);
    if (
      certificateDigest(certificate) !== entry.body.certificate ||
      canonicalJson(votes) !== canonicalJson(said)
    ) {
      findings.add('certificate_altered', where, 'the log has a certificate of other votes');
    }
    if (!hasOwnVote && certificate.votes.some(({ body }) => body.signer === party)) {
      findings.add('vote_missing', `vote of ${party}`, 'the log does not have it before');
    }
    const now = Date.parse(entry.time);
    attempt('contract', party, () => checkValidity(certificate.contract, now));
    for (const vote of certificate.votes) {
      const { signer } = vote.body;
      attempt(`vote of ${signer}`, signer, () => checkVoteAge(vote, now));
    }
  }

  return {
    get agreedAt() {
      return agreedAt;
    },
    entry({ index, entry }) {
      const where = entryName(entry, index);
      if (entry.kind === 'contract') contractEntry(entry.body, where);
      else if (entry.kind === 'vote') voteEntry(entry.body, where);
      else if (entry.kind === 'certificate') certificateEntry(entry, where);
      else if (agreedAt === null && RUNS.includes(entry.kind)) {
        findings.add('not_agreed', where, 'the log has no start certificate before it');
      }
    },
    end() {
      if (certificate && agreedAt === null) {
        findings.add('certificate_altered', 'certificate', 'the log does not have it');
      }
    },
  };
}

/** Kinds of entries that there are of agreed tasks alone. */
const RUNS: readonly string[] = [
  'session_opened',
  'phase_receipt',
  'disclosure',
  'result',
] satisfies Entry['kind'][];

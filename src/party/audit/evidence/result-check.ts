/** Whether every party signed how the task ended, and all tell the same of what went between them. */
import { canonicalJson } from '../../consensus/canonical-json.ts';
import { datasetCommitment } from '../../consensus/dataset-commitment.ts';
import { ConsensusError } from '../../consensus/errors.ts';
import { checkReceipt, transportMismatches } from '../../consensus/receipt-check.ts';
import { type ResultReceipt, resultCommitment } from '../../consensus/receipt-statement.ts';
import type { Signed } from '../../consensus/signed.ts';
import { ruleDigest } from '../../consensus/vote.ts';
import type { Entry } from '../entry.ts';
import type { OpeningLine } from './bundle.ts';
import type { Findings } from './findings.ts';
import type { Ground } from './ground.ts';
import { type EntryCheck, entryName } from './log-check.ts';
import { byAttempt, resultKey, type SessionStory } from './story.ts';

type Ended = NonNullable<SessionStory['closed']>;

export interface ResultCheck extends EntryCheck {
  readonly results: ReadonlyMap<string, Signed<ResultReceipt>>;
  /** Parties whose last words had not come, by the last export's own account. */
  readonly awaited: readonly string[];
  opening(line: OpeningLine): void;
  /** SHA-256 of this party's file, hex, where an opening of the contract's commitment shows it. */
  readonly fileDigest: string | null;
}

export function resultCheck(
  ground: Ground,
  sessions: ReadonlyMap<string, SessionStory>,
  findings: Findings,
): ResultCheck {
  const { contract, certificate, trusted } = ground;
  const { party, task } = ground.header;
  const results = new Map<string, Signed<ResultReceipt>>();
  let awaited: readonly string[] = [];
  /** Log indices of entries with a commitment to a value. */
  const committed = new Set<number>();
  let fileDigest: string | null = null;

  function result({ body, attempt }: Entry<'result'>, where: string): void {
    const { receipt, implementation } = body;
    const { signer } = receipt.body;
    if (contract) {
      try {
        checkReceipt(receipt, contract, { keys: trusted });
      } catch (error) {
        if (!(error instanceof ConsensusError)) throw error;
        // Nothing of it was verified then, so that it must not pass: one finding a key.
        if (error.code === 'unknown_party') findings.add('untrusted_party', signer, error.message);
        else if (error.code === 'identity_mismatch') {
          findings.add('wrong_key', signer, error.message);
        } else findings.add('result_forged', `${where} of ${signer}`, error.message);
      }
    }
    if (receipt.body.taskId !== task || receipt.body.attempt !== attempt) {
      findings.add('result_forged', `${where} of ${signer}`, 'it is of another task or attempt');
      return;
    }
    if (contract && !contract.parties.some(({ name }) => name === signer)) return;
    const agreed = contract?.algorithm.implementation;
    if (signer === party ? implementation !== agreed : implementation !== null) {
      findings.add('implementation_differs', where, 'other code made it than was agreed');
    }
    const key = resultKey(receipt.body);
    const known = results.get(key);
    if (known && known.signature !== receipt.signature) {
      findings.add('result_differs', where, `${signer} signed another result of this attempt`);
    }
    results.set(key, known ?? receipt);
  }

  function checkAttempt(
    attempt: number,
    receipts: readonly ResultReceipt[],
    ends: ReadonlyMap<string, Ended>,
  ): void {
    for (const { from, to } of transportMismatches(receipts)) {
      const detail = `${from} sent other bytes than ${to} received, by their own signed words`;
      findings.add('bytes_differ', `attempt ${attempt}`, detail);
    }
    const own = receipts.find(({ signer }) => signer === party);
    for (const { peer, sent, received } of own?.transport ?? []) {
      const end = ends.get(`${attempt}/${peer}`);
      if (end?.code !== null) {
        const detail = `no session with ${peer} ended in order; the result speaks of one`;
        findings.add('session_missing', `attempt ${attempt}`, detail);
        continue;
      }
      if (canonicalJson([sent, received]) === canonicalJson([end.sent, end.received])) continue;
      const detail = `the result speaks of other bytes with ${peer} than the end of the session`;
      findings.add('bytes_differ', `attempt ${attempt}`, detail);
    }
    if (own?.outcome !== 'completed' || !contract) return;
    for (const { name } of contract.parties) {
      if (receipts.some(({ signer }) => signer === name)) continue;
      const detail = `the log of ${party} has no result of ${name}`;
      const reason = awaited.includes(name) ? 'result_awaited' : 'result_missing';
      findings.add(reason, `attempt ${attempt}`, detail);
    }
  }

  return {
    results,
    get awaited() {
      return awaited;
    },
    get fileDigest() {
      return fileDigest;
    },
    entry({ index, entry }) {
      const where = entryName(entry, index);
      if (entry.kind === 'result') result(entry, where);
      if (entry.kind === 'export') awaited = entry.body.awaited;
      const { body } = entry;
      if ('value' in body && body.value !== null) committed.add(index);
    },
    opening(line) {
      if (line.of === 'result') {
        const { attempt, field, salt, digest } = line;
        const own = results.get(resultKey({ attempt, signer: party }));
        if (own?.body[field] === resultCommitment(field, { salt, digest })) return;
        const detail = `it does not open the ${field} of ${party}’s result`;
        findings.add('opening_wrong', `opening of attempt ${attempt}`, detail);
      } else if (line.of === 'rule') {
        const own = certificate?.votes.find(({ body }) => body.signer === party);
        if (own?.body.rule === ruleDigest(line.rule, bytesOf(line.salt))) return;
        findings.add('opening_wrong', 'opening of the rule', `${party} voted by another rule`);
      } else if (line.of === 'dataset') {
        const own = contract?.parties.find(({ name }) => name === party)?.dataset;
        if (own?.commitment === datasetCommitment(bytesOf(line.digest), bytesOf(line.salt))) {
          fileDigest = line.digest;
          return;
        }
        const detail = `${party} agreed on another file, or on none`;
        findings.add('opening_wrong', 'opening of the data', detail);
      } else if (!committed.has(line.index)) {
        const detail = 'there is no commitment of a value in that entry';
        findings.add('opening_wrong', `opening of log entry ${line.index}`, detail);
      }
    },
    end() {
      const bodies = [...results.values()].map(({ body }) => body);
      const ends = new Map<string, Ended>();
      for (const { attempt, opened, closed } of sessions.values()) {
        if (closed) ends.set(`${attempt}/${opened.peer}`, closed);
      }
      for (const [attempt, ofAttempt] of byAttempt(bodies)) {
        checkAttempt(attempt, ofAttempt, ends);
      }
    },
  };
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

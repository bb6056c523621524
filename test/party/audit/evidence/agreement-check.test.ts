import { deepEqual, ok } from 'node:assert/strict';
import { decodeEntry, type Entry } from '../../../../src/party/audit/entry.ts';
import { agreementCheck } from '../../../../src/party/audit/evidence/agreement-check.ts';
import type { EntryLine } from '../../../../src/party/audit/evidence/bundle.ts';
import { Findings } from '../../../../src/party/audit/evidence/findings.ts';
import type { Ground } from '../../../../src/party/audit/evidence/ground.ts';
import { type Signed, signBody } from '../../../../src/party/consensus/signed.ts';
import type { Vote } from '../../../../src/party/consensus/vote.ts';
import {
  type AuditedTask,
  auditedTask,
  contractBody,
  newParties,
  sourceOf,
} from '../../../support/audited-task.ts';
import { NOW } from '../../../support/contracts.ts';
import {
  type EvidenceParty,
  evidenceParty,
  evidenceSource,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import {
  changedLines,
  exported,
  reasonsOf,
  reasonsWith,
  verify,
} from '../../../support/verified-bundle.ts';

const OTHER = '5e'.repeat(32);

describe('agreement', () => {
  let task: AuditedTask;
  let entries: readonly Entry[];
  let states: ReadonlyMap<number, string>;
  before(async () => {
    task = await auditedTask();
    entries = task.a.log.rows.map(({ bytes }) => decodeEntry(bytes));
    const own = task.certificate.votes.find(({ body }) => body.signer === 'orgA')!;
    states = new Map([[0, own.body.auditHead]]);
  });

  /** What is wrong with orgA's entries on this ground. */
  function found(
    ground: Partial<Pick<Ground, 'contract' | 'certificate' | 'trusted' | 'states'>> = {},
    kept: readonly Entry[] = entries,
  ): readonly string[] {
    const { a, b, contract, certificate, taskId } = task;
    const findings = new Findings();
    const final = { origin: a.key.origin, size: a.log.size, root: a.log.root() };
    const header = { party: 'orgA', task: taskId };
    const said = { contract, certificate, trusted: trustIn([a, b]), states, ...ground };
    const check = agreementCheck({ header, final, ...said } as unknown as Ground, findings);
    for (const [index, entry] of kept.entries()) {
      check.entry({ index, entry } as unknown as EntryLine);
    }
    check.end();
    return findings.listed.map(({ reason, where, detail }) => `${reason}: ${where}: ${detail}`);
  }

  /** The entries with those of a kind changed; without them for null. */
  function changed<K extends Entry['kind']>(
    kind: K,
    change: (entry: Entry<K>) => unknown,
  ): readonly Entry[] {
    return entries.flatMap((entry) =>
      entry.kind === kind ? ((change(entry as Entry<K>) ?? []) as Entry) : entry,
    );
  }

  const voteOf = (name: string): Signed<Vote> =>
    task.certificate.votes.find(({ body }) => body.signer === name)!;
  const resigned = (by: EvidenceParty, vote: Signed<Vote>, change: Partial<Vote> = {}) =>
    signBody(by.signer, 'entente/vote/v1', { ...vote.body, ...change });

  it('is of both parties, by their votes, before anything ran', () => {
    deepEqual(found(), []);
  });

  it('is of parties whose keys the reader trusts, each told once', () => {
    const { a, b } = task;
    const none = { certificate: null };
    const run: readonly Entry[] = [];
    const unknown = ['untrusted_party: orgB: orgB is not a known peer'];
    deepEqual(found({ trusted: trustIn([a]) }), unknown);
    deepEqual(found({ trusted: trustIn([a]), ...none }, run), unknown);
    const stranger = trustIn([a, evidenceParty('orgB', 9)]);
    const wrong = ['wrong_key: orgB: orgB is known with another key'];
    deepEqual(found({ trusted: stranger }), wrong);
    deepEqual(found({ trusted: stranger, ...none }, run), wrong);
    deepEqual(found({ trusted: trustIn([a, b]), ...none }, run), []);
  });

  it('counts votes that were signed, in the certificate and in the log', () => {
    const forger = evidenceParty('orgB', 9);
    const forged = resigned(forger, voteOf('orgB'));
    const certificate = { ...task.certificate, votes: [voteOf('orgA'), forged] };
    deepEqual(
      found({ certificate }, []).map((text) => text.split(':').slice(0, 2).join(':')),
      ['vote_forged: vote of orgB', 'certificate_altered: certificate'],
    );
    const logged = changed('vote', (entry) =>
      entry.body.body.signer === 'orgB' ? { ...entry, body: forged } : entry,
    ).slice(0, 3);
    deepEqual(
      found({ certificate: null }, logged).map((text) => text.split(':')[0]),
      ['vote_forged'],
    );
  });

  it('has in the log the votes of the certificate, its own before that', () => {
    const other = (name: string, by: EvidenceParty) =>
      changed('vote', (entry) =>
        entry.body.body.signer === name
          ? { ...entry, body: resigned(by, entry.body, { nonce: OTHER }) }
          : entry,
      );
    deepEqual(found({}, other('orgB', task.b)), [
      'certificate_altered: entry 2 (vote): the certificate holds another vote of orgB',
    ]);
    const missing = 'vote_missing: vote of orgA: the log does not have it before';
    deepEqual(found({}, other('orgA', task.a)), [
      'certificate_altered: entry 1 (vote): the certificate holds another vote of orgA',
      missing,
    ]);
    const without = (name: string) =>
      changed('vote', (entry) => (entry.body.body.signer === name ? null : entry));
    deepEqual(found({}, without('orgA')), [missing]);
    deepEqual(found({}, without('orgB')), []);
  });

  it('names the log of which the party voted', () => {
    const forked =
      'log_forked: vote of orgA: the log does not prove to continue the state that the vote names';
    deepEqual(found({ states: new Map([[0, OTHER]]) }), [forked]);
  });

  it('is of the contract that the log describes', () => {
    const altered = ['contract_altered: entry 0 (contract): it describes another contract'];
    for (const change of [{ initiator: 'orgB' }, { leakage: OTHER }, { receivers: [] }]) {
      const kept = changed('contract', (entry) => ({
        ...entry,
        body: { ...entry.body, ...change },
      }));
      deepEqual(found({}, kept), altered, JSON.stringify(change));
    }
  });

  it('has one certificate, that of the log', () => {
    const other = [
      'certificate_altered: entry 3 (certificate): the log has a certificate of other votes',
    ];
    const said = (change: (body: Entry<'certificate'>['body']) => object) =>
      found(
        {},
        changed('certificate', (entry) => ({
          ...entry,
          body: { ...entry.body, ...change(entry.body) },
        })),
      );
    deepEqual(
      said(() => ({ certificate: OTHER })),
      other,
    );
    deepEqual(
      said(({ votes }) => ({ votes: [...votes].reverse() })),
      other,
    );
    const again = entries.toSpliced(4, 0, entries[3]!);
    deepEqual(found({}, again), [
      'certificate_altered: entry 3 (certificate): there is a second one',
    ]);
    deepEqual(found({ certificate: null }, entries), [
      'certificate_altered: entry 3 (certificate): the bundle does not hold it',
    ]);
    deepEqual(found({ certificate: null, contract: null }, entries), [
      'contract_missing: entry 3 (certificate): the task was agreed, but the bundle has no contract',
      'certificate_altered: entry 3 (certificate): the bundle does not hold it',
    ]);
    deepEqual(found({}, entries.slice(0, 3)), [
      'certificate_altered: certificate: the log does not have it',
    ]);
  });

  it('was reached while contract and votes were valid', () => {
    const late = changed('certificate', (entry) => {
      const time = new Date(Date.parse(entry.time) + 2 * 3_600_000).toISOString();
      return { ...entry, time };
    });
    deepEqual(
      found({}, late).map((text) => text.split(': ').slice(0, 2).join(': ')),
      ['vote_expired: contract', 'vote_expired: vote of orgA', 'vote_expired: vote of orgB'],
    );
  });

  it('comes before all that runs', () => {
    const kept = changed('certificate', () => null);
    const kinds = found({ certificate: null }, kept).map((text) => {
      return /^not_agreed: entry \d+ \((\w+)\): /.exec(text)?.[1];
    });
    const ran = ['session_opened', 'disclosure', 'phase_receipt', 'result'];
    deepEqual([...new Set(kinds)], ran);
  });
});

const MINUTE_MS = 60_000;

describe('verification of an agreement', () => {
  it('finds a vote that the party did not sign', async () => {
    const forger = evidenceParty('orgC', 3);
    const reasons = await reasonsWith({ voter: (name) => (name === 'orgB' ? forger : undefined) });
    deepEqual(reasons, ['vote_forged']);
  });

  it('finds a vote on another task', async () => {
    const parties = newParties();
    const earlier = await auditedTask(parties);
    const task = await auditedTask(parties, {
      vote: (vote) => (vote.signer === 'orgB' ? { taskId: earlier.taskId } : {}),
    });
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    deepEqual(reasonsOf(await verify(lines, parties)), ['vote_replayed']);
  });

  it('finds a vote that does not accept, that is missing, or that stands there twice', async () => {
    deepEqual(await reasonsWith({ vote: () => ({ decision: 'refuse' }) }), ['vote_refused']);
    const { lines, trusted } = await exported();
    const votesOf = (change: (votes: unknown[]) => unknown[]): string[] =>
      changedLines(lines, 'certificate', (line) => {
        if (!line.includes('"line":"certificate"')) return line;
        const { votes } = JSON.parse(line) as { votes: unknown[] };
        return JSON.stringify({ line: 'certificate', votes: change(votes) });
      });
    const fewer = reasonsOf(
      await verify(
        votesOf(([first]) => [first]),
        trusted,
      ),
    );
    deepEqual(fewer, ['certificate_altered', 'vote_missing']);
    const twice = reasonsOf(
      await verify(
        votesOf(([first]) => [first, first]),
        trusted,
      ),
    );
    deepEqual(twice, ['certificate_altered', 'vote_missing']);
  });

  it('finds a contract of others, and a certificate with a vote too many', async () => {
    const { task, lines, trusted } = await exported();
    const stranger = evidenceParty('orgC', 5);
    await stranger.trail.record('contract', { task: task.taskId }, contractBody(task.contract));
    const source = evidenceSource(stranger, [], null);
    const named = { ...source, contract: async () => task.contract };
    const ofOthers = await verify(await taskBundle(named, task.taskId), [...trusted, stranger]);
    deepEqual(
      ofOthers.findings.map(({ reason, detail }) => `${reason}: ${detail}`),
      ['contract_altered: it does not name orgC'],
    );
    const twice = changedLines(lines, 'certificate', (line) => {
      if (!line.includes('"line":"certificate"')) return line;
      const { votes } = JSON.parse(line) as { votes: unknown[] };
      return JSON.stringify({ line: 'certificate', votes: [...votes, votes[1]] });
    });
    const { findings } = await verify(twice, trusted);
    ok(findings.some(({ detail }) => detail === 'it stands there twice'));
  });

  it('finds a vote that had expired, or was dated ahead', async () => {
    const soon = new Date(NOW + MINUTE_MS).toISOString();
    const reasons = await reasonsWith({
      vote: () => ({ expiresAt: soon }),
      delayMs: 2 * MINUTE_MS,
    });
    deepEqual(reasons, ['vote_expired']);
    const later = new Date(NOW + 30 * MINUTE_MS).toISOString();
    deepEqual(await reasonsWith({ vote: () => ({ votedAt: later }) }), ['vote_early']);
    deepEqual(await reasonsWith({ delayMs: 61 * MINUTE_MS }), ['vote_expired']);
  });

  it('finds a parameter that was changed after the vote', async () => {
    const { lines, trusted } = await exported();
    const swapped = changedLines(lines, 'contract', (line) =>
      line.includes('"line":"contract"') ? line.replace('"epochs":20', '"epochs":21') : line,
    );
    const reasons = reasonsOf(await verify(swapped, trusted));
    deepEqual(reasons, ['certificate_altered', 'contract_altered']);
  });

  it('finds a contract that is left out', async () => {
    const { lines, trusted } = await exported();
    const without = resealed(lines.filter((line) => !line.includes('"line":"contract"')));
    ok(reasonsOf(await verify(without, trusted)).includes('contract_missing'));
  });
});

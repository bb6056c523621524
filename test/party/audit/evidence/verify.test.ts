import { deepEqual, equal, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { formatCheckpoint } from '../../../../src/party/audit/checkpoint.ts';
import type { OpeningLine } from '../../../../src/party/audit/evidence/bundle.ts';
import type { Reason } from '../../../../src/party/audit/evidence/findings.ts';
import { type EvidenceReport, verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { verifyLogKey } from '../../../../src/party/audit/log-key.ts';
import { signatureBy, withSignature } from '../../../../src/party/audit/signed-note.ts';
import { type Trail, trailInto } from '../../../../src/party/audit/trail.ts';
import { certificateDigest } from '../../../../src/party/consensus/certificate.ts';
import { taskIdOf } from '../../../../src/party/consensus/contract-check.ts';
import {
  type AuditedTask,
  auditedTask,
  contractBody,
  type Deviations,
  newParties,
  sourceOf,
} from '../../../support/audited-task.ts';
import { NOW, sampleContract } from '../../../support/contracts.ts';
import {
  bytesOf,
  type EvidenceParty,
  evidenceParty,
  evidenceSource,
  exchange,
  logBundle,
  MemoryLog,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import { seededRng } from '../../../support/seeded-rng.ts';

const MINUTE_MS = 60_000;

function verify(
  lines: readonly string[],
  trusted: readonly EvidenceParty[],
): Promise<EvidenceReport> {
  return verifyBundle(bytesOf(lines), trustIn(trusted));
}

function reasonsOf({ findings }: EvidenceReport): readonly Reason[] {
  return [...new Set(findings.map(({ reason }) => reason))].sort();
}

/** A task, and orgA's bundle of it. */
async function exported(deviations: Deviations = {}) {
  const task = await auditedTask(newParties(), deviations);
  const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
  return { task, lines, trusted: [task.a, task.b] as const };
}

/** Why orgA's bundle of a task with these deviations fails. */
async function reasonsWith(deviations: Deviations): Promise<readonly Reason[]> {
  const { lines, trusted } = await exported(deviations);
  return reasonsOf(await verify(lines, trusted));
}

/** Lines with every one that matches changed, closed again. */
function changed(
  lines: readonly string[],
  kind: string,
  change: (line: string) => string | null,
): string[] {
  const isOf = (line: string): boolean =>
    line.includes(`"line":"${kind}"`) || line.includes(`"kind":"${kind}"`);
  return resealed(lines.flatMap((line) => (isOf(line) ? (change(line) ?? []) : [line])));
}

const isEntry = (line: string): boolean => line.startsWith('{"entry":');

/** The log of a party up to a size, as if the rest had never been, and another future. */
function rewoundLog({ log, key }: EvidenceParty, size: number): MemoryLog {
  const rewound = new MemoryLog(() => key);
  rewound.rows.push(...log.rows.slice(0, size));
  return rewound;
}

/** A trail into the log that a party has now. */
function newTrail({ log, clock }: EvidenceParty): Trail {
  return trailInto(log, { now: () => (clock.now += 7), rng: seededRng(99) });
}

async function* changedSalts(lines: AsyncIterable<OpeningLine>): AsyncGenerator<OpeningLine> {
  for await (const line of lines) yield { ...line, salt: '00'.repeat(32) };
}

describe('verification of a task’s bundle', () => {
  it('accepts what two honest parties export, and tells what it says', async () => {
    const task = await auditedTask();
    for (const party of [task.a, task.b]) {
      const lines = await taskBundle(sourceOf(task, party), task.taskId, { openings: true });
      const report = await verify(lines, [task.a, task.b]);
      deepEqual(report.findings, []);
      ok(report.ok);
      equal(report.entries, (await party.log.taskIndices(task.taskId)).length);
      equal(report.openings, 3);
      const digest = createHash('sha256').update(task.files.get(party.name)!).digest('hex');
      deepEqual(report.file, { digest, same: null });
      equal(report.unconfirmedEntries, 2, 'the last exchange and the export');
      const { story } = report;
      equal(story?.votes.length, 2);
      equal(story?.sessions.size, 1);
      equal(story?.results.size, 2);
      deepEqual(
        story?.disclosures.map(({ class: name, to, elements }) => [name, to, elements]),
        [
          ['intersection_size', ['orgA', 'orgB'], 1],
          ['validation_scores', ['orgA'], 200],
        ],
      );
      const other = party === task.a ? 'orgB' : 'orgA';
      deepEqual([...new Set(report.confirmed.map(({ witness }) => witness))], [other]);
      deepEqual([...new Set(story?.witnessed.map((state) => state.party))], [other]);
    }
  });

  it('accepts the second of two tasks, and a bundle that is exported again', async () => {
    const parties = newParties();
    const first = await auditedTask(parties);
    const second = await auditedTask(parties);
    for (const task of [first, second, first]) {
      const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
      deepEqual((await verify(lines, parties)).findings, []);
    }
  });

  it('accepts a task that was not agreed, and nothing that ran in it', async () => {
    const parties = newParties();
    const [a, b] = parties;
    const contract = sampleContract([a.signer, b.signer]);
    const task = taskIdOf(contract);
    await a.trail.record('contract', { task }, contractBody(contract));
    const refusal = {
      party: 'orgB',
      from: 'orgB',
      step: 'prepare',
      code: 'refused_by_policy',
    } as const;
    await a.trail.record('refusal', { task }, refusal);
    for (const kept of [contract, null]) {
      const source = { ...evidenceSource(a, [b], null), contract: async () => kept };
      const report = await verify(await taskBundle(source, task), parties);
      deepEqual(report.findings, []);
      deepEqual(report.story?.setbacks, ['orgB refused: refused_by_policy']);
      equal(report.story?.agreedAt, null);
    }
    const opened = { class: 'labels', to: ['orgB'], elements: 1, value: null };
    await a.trail.record('disclosure', { task, attempt: 1 }, opened);
    const lines = await taskBundle(evidenceSource(a, [b], null), task);
    deepEqual(reasonsOf(await verify(lines, parties)), ['not_agreed']);
  });

  it('finds every flipped byte', async () => {
    const { lines, trusted } = await exported();
    const bytes = Buffer.concat(bytesOf(lines));
    const keys = trustIn(trusted);
    for (let at = 0; at < bytes.length; at += 4099) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1;
      const report = await verifyBundle([flipped], keys);
      ok(!report.ok, `byte ${at}`);
      const file: readonly Reason[] = ['altered_bundle', 'malformed_bundle', 'truncated_bundle'];
      ok(
        reasonsOf(report).some((reason) => file.includes(reason)),
        `byte ${at}: ${reasonsOf(report).join()}`,
      );
    }
  });

  it('names the entry of a byte that was flipped and closed again', async () => {
    const { lines, trusted } = await exported();
    const flipped = changed(lines, 'data_access', (line) =>
      line.replace('"columns":3', '"columns":4'),
    );
    const report = await verify(flipped, trusted);
    deepEqual(reasonsOf(report), ['entry_altered']);
    equal(report.findings[0]!.where, 'entry 5 (data_access)');
  });

  it('finds a file that is cut off', async () => {
    const { lines, trusted } = await exported();
    deepEqual(reasonsOf(await verify(lines.slice(0, -1), trusted)), ['truncated_bundle']);
    const text = Buffer.concat(bytesOf(lines));
    const cut = await verifyBundle([text.subarray(0, text.length - 10)], trustIn(trusted));
    deepEqual(reasonsOf(cut), ['truncated_bundle']);
    deepEqual(reasonsOf(await verifyBundle([], trustIn(trusted))), ['truncated_bundle']);
  });

  it('finds an entry that was dropped, in the middle or at the end', async () => {
    const { lines, trusted } = await exported();
    const receipts = lines.filter((line) => line.includes('"kind":"phase_receipt"'));
    const without = resealed(lines.filter((line) => line !== receipts[2]));
    deepEqual(reasonsOf(await verify(without, trusted)), ['entry_dropped', 'receipt_missing']);
    const entries = lines.filter(isEntry);
    const tail = resealed(lines.filter((line) => !entries.slice(-2).includes(line)));
    deepEqual(reasonsOf(await verify(tail, trusted)), ['entry_dropped']);
    const noExport = resealed(lines.filter((line) => line !== entries.at(-1)));
    deepEqual(reasonsOf(await verify(noExport, trusted)), ['entry_dropped']);
  });

  it('finds entries that were reordered', async () => {
    const { lines, trusted } = await exported();
    const at = lines.findIndex((line) => line.includes('"kind":"phase_receipt"'));
    const swapped = [...lines];
    [swapped[at], swapped[at + 1]] = [swapped[at + 1]!, swapped[at]!];
    ok(reasonsOf(await verify(resealed(swapped), trusted)).includes('entry_reordered'));
    const twice = [...lines.slice(0, at), lines[at]!, ...lines.slice(at)];
    ok(reasonsOf(await verify(resealed(twice), trusted)).includes('entry_reordered'));
  });

  it('finds a log that is shorter than what the counterparty confirmed', async () => {
    const task = await auditedTask();
    // Results and the last exchange never were.
    const truncated = { ...task.a, log: rewoundLog(task.a, task.a.log.size - 4) };
    const source = sourceOf({ ...task, a: truncated }, truncated);
    const bundle = await taskBundle({ ...source, trail: newTrail(truncated) }, task.taskId);
    const report = await verify(bundle, [task.a, task.b]);
    ok(reasonsOf(report).includes('log_truncated'), reasonsOf(report).join());
  });

  it('finds a log that forked before what the counterparty confirmed', async () => {
    const task = await auditedTask();
    const forked = { ...task.a, log: rewoundLog(task.a, task.a.log.size) };
    const row = forked.log.rows[5]!; // the data access
    const text = Buffer.from(row.bytes).toString().replace('"columns":3', '"columns":4');
    forked.log.rows[5] = { ...row, bytes: Buffer.from(text) };
    const source = sourceOf({ ...task, a: forked }, forked);
    const bundle = await taskBundle({ ...source, trail: newTrail(forked) }, task.taskId);
    const reasons = reasonsOf(await verify(bundle, [task.a, task.b]));
    deepEqual(reasons, ['log_forked']);
  });

  it('finds a log that nobody has confirmed', async () => {
    deepEqual(await reasonsWith({ noExchange: true }), ['not_cosigned']);
  });

  it('finds a task that was agreed in a log that a counterparty saw long before only', async () => {
    const parties = newParties();
    await auditedTask(parties);
    const task = await auditedTask(parties, { noExchange: true });
    const report = await verify(await taskBundle(sourceOf(task, task.a), task.taskId), parties);
    deepEqual(reasonsOf(report), ['not_cosigned']);
    ok(report.confirmed.length > 0, 'there are confirmations, of what was before');
  });

  it('counts as confirmed what every counterparty has seen, whoever else has seen more', async () => {
    const task = await auditedTask();
    const regulator = evidenceParty('regulator', 7);
    const source = sourceOf(task, task.a);
    const before = await verify(await taskBundle(source, task.taskId), [task.a, task.b]);
    const { size, root, note } = await task.a.log.checkpoint();
    const text = formatCheckpoint({ origin: task.a.key.origin, size, root });
    const seen = withSignature(note, signatureBy(regulator.key.cosignatures, text));
    task.a.cosigned.set('regulator', seen);
    const keys = trustIn([task.a, task.b, regulator]);
    const identity = keys.find('regulator')!;
    const { cosignatures } = verifyLogKey('regulator', identity, regulator.key.certificate);
    const witnesses = new Map([['regulator', cosignatures]]);
    const lines = await taskBundle(source, task.taskId);
    const report = await verifyBundle(bytesOf(lines), { ...keys, witnesses });
    deepEqual(report.findings, []);
    deepEqual(
      [report.confirmed.at(-1)!.witness, report.confirmed.at(-1)!.size],
      ['regulator', size],
    );
    equal(report.unconfirmedEntries, before.unconfirmedEntries + 1, 'one more export');
  });

  it('accepts a confirmation of the very state that the bundle has', async () => {
    const { task, lines, trusted } = await exported();
    const { note } = await task.a.log.checkpoint();
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const seen = withSignature(note, signatureBy(task.b.key.cosignatures, text));
    const line = JSON.stringify({ line: 'cosigned', note: seen, witness: 'orgB' });
    const report = await verify(
      changed(lines, 'cosigned', () => line),
      trusted,
    );
    deepEqual(report.findings, []);
    equal(report.unconfirmedEntries, 0);
  });

  it('finds a cosignature that the counterparty did not make', async () => {
    const { task, lines, trusted } = await exported();
    const note = task.a.cosigned.get('orgB')!;
    const { note: other } = await task.a.log.checkpoint();
    const signature = note.trimEnd().split('\n').at(-1)!;
    const forged = `${other}${signature}\n`;
    const swapped = changed(lines, 'cosigned', () =>
      JSON.stringify({ line: 'cosigned', note: forged, witness: 'orgB' }),
    );
    ok(reasonsOf(await verify(swapped, trusted)).includes('cosignature_forged'));
  });

  it('finds a checkpoint that the log’s key did not sign', async () => {
    const { lines, trusted } = await exported();
    const [own] = newParties();
    own.log.rows.push(...trusted[0].log.rows);
    const foreign = await own.log.checkpoint();
    const swapped = changed(lines, 'checkpoint', () =>
      JSON.stringify({ line: 'checkpoint', note: foreign.note }),
    );
    deepEqual(reasonsOf(await verify(swapped, trusted)), ['wrong_key']);
  });

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
      changed(lines, 'certificate', (line) => {
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
    const twice = changed(lines, 'certificate', (line) => {
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
    const swapped = changed(lines, 'contract', (line) =>
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

  it('finds a result that claims another key, under which nothing would be checked', async () => {
    const forger = evidenceParty('orgB', 9);
    const reasons = await reasonsWith({
      resultBy: (name) => (name === 'orgB' ? forger : undefined),
      result: ({ signer }) => (signer === 'orgB' ? { fingerprint: '00'.repeat(32) } : {}),
    });
    deepEqual(reasons, ['wrong_key']);
  });

  it('finds a head that contradicts itself', async () => {
    const { lines, trusted } = await exported();
    const found = async (kind: string, change: (line: string) => string | null) => {
      const isOf = (line: string): boolean => line.includes(`"line":"${kind}"`);
      const other = resealed(lines.flatMap((line) => (isOf(line) ? (change(line) ?? []) : [line])));
      const { findings } = await verify(other, trusted);
      return findings.map(({ reason, where }) => `${reason}: ${where}`);
    };
    const of = (text: string, all: readonly string[]): void => ok(all.includes(text), all.join());
    const scope = (line: string): string => line.replace('"scope":"task"', '"scope":"all"');
    of('malformed_bundle: header', await found('header', scope));
    of('malformed_bundle: checkpoint', await found('checkpoint', () => null));
    of('contract_missing: contract', await found('contract', () => null));
    const empty = await found('contract', () => '{"contract":{},"line":"contract"}');
    of('malformed_bundle: contract', empty);
    const otherKey = (line: string): string =>
      line.replace(/"publicKey":"[0-9a-f]{64}"/, `"publicKey":"${'11'.repeat(32)}"`);
    deepEqual(await found('identity', otherKey), ['wrong_key: orgA', 'wrong_key: orgB']);
    const flipped = await found('checkpoint', (line) =>
      line.replace(
        /(.)(.{20}\\n")/,
        (_, c: string, rest: string) => `${c === 'A' ? 'B' : 'A'}${rest}`,
      ),
    );
    of('checkpoint_forged: the final checkpoint', flipped);
  });

  it('finds a log key that is not the party’s, also of a task that was not agreed', async () => {
    const parties = newParties();
    const [a, b] = parties;
    const task = taskIdOf(sampleContract([a.signer, b.signer]));
    const refusal = { party: 'orgB', from: 'orgB', step: 'prepare', code: 'refused' } as const;
    await a.trail.record('refusal', { task }, refusal);
    const source = evidenceSource(a, [b], null);
    deepEqual(reasonsOf(await verify(await taskBundle(source, task), [])), ['untrusted_party']);
    const stranger = evidenceParty('orgA', 9).key.certificate;
    for (const logKey of [stranger, b.key.certificate]) {
      const lines = await taskBundle({ ...source, logKey }, task);
      deepEqual(reasonsOf(await verify(lines, parties)), ['wrong_key']);
    }
    const unknown = { ...source, logKeys: async () => [evidenceParty('orgC', 9).key.certificate] };
    const contract = sampleContract([a.signer, b.signer]);
    const named = { ...unknown, contract: async () => contract };
    const lines = await taskBundle(named, task);
    deepEqual(reasonsOf(await verify(lines, parties)), [], 'whom nobody knows counts for nothing');
  });

  it('finds a party that confirms its own log', async () => {
    const head = await auditedTask();
    const { size, root, note } = await head.a.log.checkpoint();
    const text = formatCheckpoint({ origin: head.a.key.origin, size, root });
    const own = withSignature(note, signatureBy(head.a.key.cosignatures, text));
    head.a.cosigned.set('orgA', own);
    const lines = await taskBundle(sourceOf(head, head.a), head.taskId);
    const report = await verify(lines, [head.a, head.b]);
    deepEqual(reasonsOf(report), ['self_confirmed']);
    equal(report.unconfirmedEntries, 2, 'its own word does not count');

    const inside = await auditedTask();
    await exchange(inside.a, inside.a, inside.taskId, 'request');
    inside.a.cosigned.delete('orgA');
    const bundle = await taskBundle(sourceOf(inside, inside.a), inside.taskId);
    deepEqual(reasonsOf(await verify(bundle, [inside.a, inside.b])), ['self_confirmed']);
  });

  it('finds openings in an attempt that had no session', async () => {
    const task = await auditedTask();
    const scores = { class: 'validation_scores', to: ['orgA'], elements: 200, value: null };
    await task.a.trail.record('disclosure', { task: task.taskId, attempt: 2 }, scores);
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    deepEqual(reasonsOf(await verify(lines, [task.a, task.b])), ['session_missing']);
  });

  it('finds a session of a party with itself, which is none', async () => {
    const task = await auditedTask();
    const at = { task: task.taskId, attempt: 2 };
    await task.a.trail.record('session_opened', at, {
      peer: 'orgA',
      fingerprint: task.a.signer.fingerprint,
      session: '5e'.repeat(32),
      transcript: '00'.repeat(32),
      certificate: certificateDigest(task.certificate),
      checkpoint: '00'.repeat(32),
      implementation: task.contract.algorithm.implementation,
    });
    const scores = { class: 'validation_scores', to: ['orgA'], elements: 200, value: null };
    await task.a.trail.record('disclosure', at, scores);
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    const reasons = reasonsOf(await verify(lines, [task.a, task.b]));
    deepEqual(reasons, ['session_missing', 'session_unbound']);
  });

  it('finds a completed result whose sessions did not end in order', async () => {
    deepEqual(await reasonsWith({ sessionClosed: () => ({ code: 'CLOSED' }) }), [
      'session_missing',
    ]);
  });

  it('finds a phase receipt that was never logged', async () => {
    const reasons = await reasonsWith({
      statement: (_, statement) => (statement.step === 2 ? null : statement),
    });
    deepEqual(reasons, ['receipt_missing']);
    const twice = await reasonsWith({
      statement: (_, statement) => (statement.step === 2 ? { ...statement, number: 1 } : statement),
    });
    deepEqual(twice, ['receipt_broken', 'receipt_missing']);
  });

  it('finds times that a counterparty’s confirmation contradicts', async () => {
    for (const minutes of [30, -30]) {
      const parties = newParties();
      parties[1].clock.now += minutes * MINUTE_MS;
      const votedAt = new Date(NOW).toISOString();
      const task = await auditedTask(parties, { vote: () => ({ votedAt }) });
      const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
      deepEqual(reasonsOf(await verify(lines, parties)), ['time_reversed'], `${minutes} min`);
    }
  });

  it('keeps no endless head in memory', async () => {
    const { lines, trusted } = await exported();
    const at = lines.findIndex((line) => line.includes('"line":"consistency"'));
    const many = Array.from({ length: 5000 }, () => lines[at]!);
    const report = await verify(
      resealed([...lines.slice(0, at), ...many, ...lines.slice(at)]),
      trusted,
    );
    ok(reasonsOf(report).includes('malformed_bundle'));
  });

  it('finds a key that is not the trusted one', async () => {
    const { task, lines } = await exported();
    const [, stranger] = newParties();
    const wrong = await verify(lines, [task.a, stranger]);
    deepEqual(reasonsOf(wrong), ['not_cosigned', 'receipt_forged', 'wrong_key']);
    const own = await verify(lines, [{ ...stranger, name: 'orgA' }, task.b]);
    ok(reasonsOf(own).includes('wrong_key'));
    const unknown = await verify(lines, [task.a]);
    deepEqual(reasonsOf(unknown), ['not_cosigned', 'untrusted_party']);
  });

  it('finds an opening that the contract does not name', async () => {
    const value = 'ee'.repeat(32);
    const labels = { class: 'labels', to: ['orgB'], elements: 10, value };
    deepEqual(await reasonsWith({ disclosures: [labels] }), ['undeclared_disclosure']);
    const toOther = { class: 'validation_scores', to: ['orgB'], elements: 0, value };
    deepEqual(await reasonsWith({ disclosures: [toOther] }), ['undeclared_disclosure']);
  });

  it('finds more openings than the contract allows', async () => {
    const more = { class: 'validation_scores', to: ['orgA'], elements: 1, value: null };
    deepEqual(await reasonsWith({ disclosures: [more] }), ['excess_disclosure']);
  });

  it('finds a party that signed for other bytes than the other counted', async () => {
    const reasons = await reasonsWith({
      result: ({ signer, transport: [first] }) =>
        signer === 'orgA'
          ? {}
          : { transport: [{ ...first!, received: { ...first!.received, hash: '77'.repeat(32) } }] },
    });
    deepEqual(reasons, ['bytes_differ']);
  });

  it('finds a party whose result is not what its own session ended with', async () => {
    const reasons = await reasonsWith({
      result: ({ transport: [first] }) => ({
        transport: [{ ...first!, sent: { ...first!.sent, frames: 43 } }],
      }),
    });
    deepEqual(reasons, ['bytes_differ']);
    const alone = await reasonsWith({
      sessionClosed: (_, { sent }) => ({ sent: { ...sent, frames: sent.frames + 1 } }),
    });
    deepEqual(alone, ['bytes_differ'], 'also when both results tell the same');
  });

  it('finds phase receipts that do not continue each other, or are missing at the end', async () => {
    const back = await reasonsWith({
      statement: (_, statement) =>
        statement.phase === 'training' && statement.step === 2
          ? { ...statement, frames: 3 }
          : statement,
    });
    deepEqual(back, ['receipt_broken']);
    const other = await reasonsWith({
      statement: (_, statement) =>
        statement.step === 2 ? { ...statement, frames: 14, bytes: 1400 } : statement,
    });
    deepEqual(other, ['receipt_broken']);
    const none = await reasonsWith({
      statement: (_, statement) => (statement.last ? null : statement),
    });
    deepEqual(none, ['receipt_missing']);
    const beyond = await reasonsWith({
      statement: (_, statement) => (statement.last ? { ...statement, frames: 999 } : statement),
    });
    deepEqual(beyond, ['receipt_broken']);
    const longer = await reasonsWith({
      statement: (_, statement) => (statement.last ? { ...statement, bytes: 99_999 } : statement),
    });
    deepEqual(longer, ['receipt_broken']);
  });

  it('finds a phase receipt that the other party did not sign', async () => {
    const { task, lines } = await exported();
    const forger = evidenceParty('orgB', 9);
    const report = await verify(lines, [task.a, forger]);
    ok(reasonsOf(report).includes('receipt_forged'));
  });

  it('finds a session of another agreement, another code, and other data', async () => {
    const zeros = '00'.repeat(32);
    const other = await reasonsWith({ sessionOpened: () => ({ certificate: zeros }) });
    deepEqual(other, ['session_unbound']);
    const code = await reasonsWith({ sessionOpened: () => ({ implementation: zeros }) });
    deepEqual(code, ['implementation_differs']);
    for (const dataAccess of [{ commitment: zeros }, { commitment: null }, { rows: 1001 }]) {
      deepEqual(await reasonsWith({ dataAccess }), ['dataset_differs']);
    }
    for (const implementation of [zeros, null]) {
      deepEqual(await reasonsWith({ implementation }), ['implementation_differs']);
    }
  });

  it('finds a result that the party did not sign, and one that is missing', async () => {
    const forger = evidenceParty('orgB', 9);
    const forged = await reasonsWith({
      resultBy: (name) => (name === 'orgB' ? forger : undefined),
    });
    deepEqual(forged, ['result_forged']);
    const other = await reasonsWith({ result: () => ({ taskId: '00'.repeat(32) }) });
    deepEqual(other, ['result_forged']);
    deepEqual(await reasonsWith({ noResultOf: 'orgB' }), ['result_missing']);
  });

  it('finds openings that open nothing', async () => {
    const task = await auditedTask();
    const source = sourceOf(task, task.a);
    const wrong = { ...source, openings: () => changedSalts(source.openings(task.taskId)) };
    const lines = await taskBundle(wrong, task.taskId, { openings: true });
    const report = await verify(lines, [task.a, task.b]);
    deepEqual(reasonsOf(report), ['opening_wrong']);
    equal(report.findings.length, 3);
    equal(report.file, null, 'what opens nothing shows no file');
  });

  it('holds a file against the one that the party agreed to bring', async () => {
    const task = await auditedTask();
    const digestOf = (name: string): string =>
      createHash('sha256').update(task.files.get(name)!).digest('hex');
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
    const unopened = await taskBundle(sourceOf(task, task.a), task.taskId);
    const otherOpening = (
      await taskBundle(sourceOf(task, task.b), task.taskId, { openings: true })
    ).find((line) => line.includes('"of":"dataset"'))!;
    const swapped = resealed(
      lines.map((line) => (line.includes('"of":"dataset"') ? otherOpening : line)),
    );
    const held = async (bundle: readonly string[], fileDigest: string) => {
      const trusted = trustIn([task.a, task.b]);
      const report = await verifyBundle(bytesOf(bundle), trusted, { fileDigest });
      return [report.file?.same ?? null, reasonsOf(report)];
    };
    deepEqual(await held(lines, digestOf('orgA')), [true, []]);
    deepEqual(await held(lines, digestOf('orgB')), [false, ['file_differs']]);
    deepEqual(await held(unopened, digestOf('orgA')), [null, ['file_unopened']]);
    deepEqual(await held(swapped, digestOf('orgB')), [null, ['file_unopened', 'opening_wrong']]);
    const log = await logBundle(sourceOf(task, task.a));
    deepEqual(await held(log, digestOf('orgA')), [null, ['file_unopened']]);
  });

  it('finds a clock that went back', async () => {
    const parties = newParties();
    const task = await auditedTask(parties, {
      beforeEnd: () => {
        parties[0].clock.now -= 10 * MINUTE_MS;
      },
    });
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    deepEqual(reasonsOf(await verify(lines, parties)), ['time_reversed']);
  });

  it('survives anything that stands in a file', async () => {
    const { lines, trusted } = await exported();
    const end = JSON.parse(lines.at(-1)!) as object;
    const withEnd = (fields: string): string =>
      `{"digest":"${'00'.repeat(32)}",${fields},"line":"end"}`;
    const strange = [
      ...['', '{}', 'null', '[]', '{"line":"entry"}', '{"line":"__proto__"}', '\u0000'],
      ...['{"__proto__":{"line":"end"}}', '[['.repeat(20_000), '{"a":'.repeat(10_000)],
      ...['1e308', '-0', '1e400', '1.5', '-1', '9007199254740993', '1e3'].map((n) =>
        withEnd(`"entries":${n}`),
      ),
      JSON.stringify({ ...end, '\u001b[2J': 1 }),
      lines[0]!,
      lines[0]!.replaceAll('"orgA"', '"оrgA"'), // a Cyrillic letter
      lines[0]!.replaceAll('"orgA"', '"orgA\\u202e"'),
      '\ufeff{}',
      '"\\ud800"',
    ];
    for (const line of strange) {
      for (const at of [0, 1, lines.length - 1, lines.length]) {
        const report = await verify([...lines.slice(0, at), line, ...lines.slice(at)], trusted);
        ok(reasonsOf(report).includes('malformed_bundle'), `${line} at ${at}`);
      }
    }
    const long = await verify([...lines, 'x'.repeat(2 << 20)], trusted);
    ok(reasonsOf(long).includes('malformed_bundle'));
  });

  it('ends with a file of nothing but lines that are none', async () => {
    function* endless(): Generator<Uint8Array> {
      for (;;) yield Buffer.alloc(1 << 16, '\n');
    }
    const report = await verifyBundle(endless(), trustIn([]));
    deepEqual(reasonsOf(report), ['malformed_bundle']);
    equal(report.findings.length + report.unlisted, 1000);
  });
});

describe('verification of a whole log', () => {
  async function whole(): Promise<{ task: AuditedTask; lines: string[] }> {
    const parties = newParties();
    await auditedTask(parties);
    const task = await auditedTask(parties);
    return { task, lines: await logBundle(sourceOf(task, task.a)) };
  }

  it('accepts every entry, and counts what nobody has confirmed', async () => {
    const { task, lines } = await whole();
    const report = await verify(lines, [task.a, task.b]);
    deepEqual(report.findings, []);
    equal(report.entries, task.a.log.size);
    equal(report.logSize, task.a.log.size);
    equal(report.unconfirmedEntries, 2);
  });

  it('finds what was altered, dropped, reordered', async () => {
    const { task, lines } = await whole();
    const trusted = [task.a, task.b];
    const altered = changed(lines, 'data_access', (line) =>
      line.replace('"columns":3', '"columns":4'),
    );
    deepEqual(reasonsOf(await verify(altered, trusted)), ['entry_altered', 'log_forked']);
    const entries = lines.filter(isEntry);
    const dropped = resealed(lines.filter((line) => line !== entries[7]));
    deepEqual(reasonsOf(await verify(dropped, trusted)), ['entry_dropped']);
    const tail = resealed(lines.filter((line) => line !== entries.at(-1)));
    deepEqual(reasonsOf(await verify(tail, trusted)), ['entry_dropped']);
    const swapped = [...lines];
    const at = lines.indexOf(entries[7]!);
    [swapped[at], swapped[at + 1]] = [swapped[at + 1]!, swapped[at]!];
    ok(reasonsOf(await verify(resealed(swapped), trusted)).includes('entry_reordered'));
  });

  it('finds a log that was cut or rewritten before what the counterparty confirmed', async () => {
    const { task } = await whole();
    for (const [size, row, reason] of [
      [20, null, 'log_truncated'],
      [task.a.log.size, 5, 'log_forked'],
    ] as const) {
      const other = { ...task.a, log: rewoundLog(task.a, size) };
      if (row !== null) {
        const { bytes, ...rest } = other.log.rows[row]!;
        const text = Buffer.from(bytes).toString().replace('"columns":3', '"columns":4');
        other.log.rows[row] = { ...rest, bytes: Buffer.from(text) };
      }
      const source = { ...sourceOf({ ...task, a: other }, other), trail: newTrail(other) };
      const report = await verify(await logBundle(source), [task.a, task.b]);
      deepEqual(reasonsOf(report), [reason]);
    }
  });
});

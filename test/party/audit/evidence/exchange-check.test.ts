import { deepEqual, equal, ok } from 'node:assert/strict';
import { formatCheckpoint } from '../../../../src/party/audit/checkpoint.ts';
import type { EntryBody } from '../../../../src/party/audit/entry.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { verifyLogKey } from '../../../../src/party/audit/log-key.ts';
import { signatureBy, signNote, withSignature } from '../../../../src/party/audit/signed-note.ts';
import { auditedTask, newParties, sourceOf } from '../../../support/audited-task.ts';
import { NOW } from '../../../support/contracts.ts';
import {
  bytesOf,
  type EvidenceParty,
  evidenceParty,
  exchange,
  hexOf,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import {
  newTrail,
  reasonsOf,
  reasonsWith,
  rewoundLog,
  verify,
} from '../../../support/verified-bundle.ts';

type Shown = NonNullable<EntryBody<'checkpoint_exchange'>['own']>;

/** A state of `of`'s log, as it says, signed by it and cosigned by `by`. */
function shown(of: EvidenceParty, by: EvidenceParty, size: number, root?: Uint8Array): Shown {
  const state = { origin: of.key.origin, size, root: root ?? of.log.root(size) };
  const text = formatCheckpoint(state);
  const note = withSignature(
    signNote(text, of.key.checkpoints),
    signatureBy(by.key.cosignatures, text),
  );
  return { size, root: hexOf(state.root), note };
}

/** What is wrong with orgA's bundle once it logged one more exchange with orgB. */
async function found(
  body: (a: EvidenceParty, b: EvidenceParty) => { readonly own?: Shown; readonly theirs?: Shown },
): Promise<readonly string[]> {
  const task = await auditedTask();
  const { a, b, taskId } = task;
  const also = { own: null, theirs: null, ...body(a, b) };
  const exchange = { witness: 'orgB', at: 'request', code: null, ...also } as const;
  await a.trail.record('checkpoint_exchange', { task: taskId }, exchange);
  const lines = await taskBundle(sourceOf(task, a), taskId);
  const { findings } = await verifyBundle(bytesOf(lines), trustIn([a, b]));
  return findings.map(({ reason }) => reason).sort();
}

describe('confirmations in a log', () => {
  const other = new Uint8Array(32).fill(7);
  const said = (state: Shown, change: Partial<Shown>): Shown => ({ ...state, ...change });

  it('may be of any state that the log continues, and of any of the other’s', async () => {
    const all = await found((a, b) => ({ own: shown(a, b, 9), theirs: shown(b, a, 3, other) }));
    deepEqual(all, []);
  });

  it('are of states that the log continues', async () => {
    deepEqual(await found((a, b) => ({ own: shown(a, b, 9, other) })), ['log_forked']);
    deepEqual(await found((a, b) => ({ own: shown(a, b, a.log.size + 50, other) })), [
      'entry_reordered',
      'log_truncated',
    ]);
  });

  it('are not of states that come after them', async () => {
    const later = await found((a, b) => ({ own: shown(a, b, a.log.size + 1, other) }));
    deepEqual(later, ['entry_reordered', 'log_forked']);
  });

  it('are of what the entry says', async () => {
    for (const change of [{ size: 8 }, { root: '77'.repeat(32) }]) {
      const own = await found((a, b) => ({ own: said(shown(a, b, 9), change) }));
      const theirs = await found((a, b) => ({ theirs: said(shown(b, a, 3), change) }));
      deepEqual([own, theirs], [['checkpoint_forged'], ['checkpoint_forged']]);
    }
  });

  it('are signed by the log and by the other party', async () => {
    const [ofA, ofB] = [evidenceParty('orgA', 8), evidenceParty('orgB', 9)];
    deepEqual(await found((a) => ({ own: shown(a, ofB, 9) })), ['cosignature_forged']);
    deepEqual(await found((_, b) => ({ theirs: shown(b, ofA, 3) })), ['cosignature_forged']);
    deepEqual(await found((_, b) => ({ own: shown(ofA, b, 0) })), ['wrong_key']);
    deepEqual(await found((a) => ({ theirs: shown(ofB, a, 0) })), ['wrong_key']);
  });
});

const MINUTE_MS = 60_000;

describe('verification of confirmations', () => {
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
});

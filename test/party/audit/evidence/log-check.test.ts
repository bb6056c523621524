import { deepEqual, equal, ok } from 'node:assert/strict';
import { formatCheckpoint } from '../../../../src/party/audit/checkpoint.ts';
import { entryLine } from '../../../../src/party/audit/evidence/bundle.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { signatureBy, signNote, withSignature } from '../../../../src/party/audit/signed-note.ts';
import {
  type AuditedTask,
  auditedTask,
  newParties,
  sourceOf,
} from '../../../support/audited-task.ts';
import {
  bytesOf,
  type EvidenceParty,
  evidenceParty,
  evidenceSource,
  isEntry,
  logBundle,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import {
  changedLines,
  exported,
  newTrail,
  reasonsOf,
  rewoundLog,
  verify,
} from '../../../support/verified-bundle.ts';

const TASK = '7a'.repeat(32);
const CANCELLED = { party: 'orgA', actor: { via: 'command', id: 'operator' } } as const;
const PEER = {
  action: 'peer_pinned',
  actor: CANCELLED.actor,
  subject: 'orgC',
  role: null,
  digest: '5e'.repeat(32),
} as const;

async function found(
  lines: readonly string[],
  trusted: readonly EvidenceParty[],
): Promise<readonly string[]> {
  const { findings } = await verifyBundle(bytesOf(resealed(lines)), trustIn(trusted));
  return findings.map(({ reason, where, detail }) => `${reason}: ${where}: ${detail}`);
}

/** Lines [at] and [at + 1] the other way round. */
function swapped<T>(lines: readonly T[], at: number): T[] {
  return lines.with(at, lines[at + 1]!).with(at + 1, lines[at]!);
}

describe('entries of a task’s bundle', () => {
  let task: AuditedTask;
  let trusted: readonly EvidenceParty[];
  beforeEach(async () => {
    task = await auditedTask();
    trusted = [task.a, task.b];
  });
  const bundle = (): Promise<string[]> => taskBundle(sourceOf(task, task.a), task.taskId);

  /** Two entries after all that was confirmed, in the log the other way round. */
  async function disordered(): Promise<readonly [index: number, lines: string[]]> {
    const { trail, log } = task.a;
    const index = log.size;
    for (let i = 0; i < 2; i++) {
      await trail.record('cancellation', { task: task.taskId }, CANCELLED);
    }
    log.rows.splice(index, 2, log.rows[index + 1]!, log.rows[index]!);
    return [index, await bundle()];
  }

  it('are in the log’s tree, each as it stands there', async () => {
    const lines = await bundle();
    deepEqual(await found(lines, trusted), []);
    const at = lines.findIndex((line) => line.includes('"kind":"data_access"'));
    const altered = lines.with(at, lines[at]!.replace('"columns":3', '"columns":4'));
    const size = task.a.log.size;
    const index = (JSON.parse(lines[at]!) as { readonly index: number }).index;
    deepEqual(await found(altered, trusted), [
      `entry_altered: entry 5 (data_access): the log’s tree of ${size} entries does not have it as number ${index}`,
    ]);
    const unproven = lines.with(at, lines[at]!.replace(/,"proof":"[^"]*"/, ''));
    deepEqual(await found(unproven, trusted), await found(altered, trusted));
  });

  it('are the task’s own', async () => {
    const { trail, log } = task.a;
    const index = await trail.record('administration', {}, PEER);
    const lines = await bundle();
    const proof = await log.inclusionProof(index, log.size);
    const line = entryLine(index, await log.entry(index), proof).trimEnd();
    const last = lines.findLastIndex(isEntry);
    deepEqual(await found(lines.toSpliced(last, 0, line), trusted), [
      `entry_altered: log entry ${index} (administration): it belongs to another task`,
    ]);
  });

  it('come once, in the order of their numbers and of the log', async () => {
    const lines = await bundle();
    const last = lines.findLastIndex(isEntry);
    const again = lines.toSpliced(last, 0, lines[last - 1]!);
    ok((await found(again, trusted)).some((text) => text.endsWith('its number came before')));
    const late = 'it stands after entries that follow it';
    const inFile = await found(swapped(lines, last - 2), trusted);
    deepEqual(
      inFile.map((text) => text.split(': ').at(-1)),
      [late],
    );
    const [, byIndex] = await disordered();
    deepEqual(
      (await found(byIndex, trusted)).map((text) => text.split(': ').at(-1)),
      [late],
      'in the order of the log, which is not that of their numbers',
    );
    const first = byIndex.findLastIndex(isEntry) - 2;
    deepEqual(
      (await found(swapped(byIndex, first), trusted)).map((text) => text.split(': ').at(-1)),
      [late],
      'in the order of their numbers, which is not that of the log',
    );
  });

  it('are in the order of their times', async () => {
    task.a.clock.now -= 600_000;
    await task.a.trail.record('cancellation', { task: task.taskId }, CANCELLED);
    task.a.clock.now += 600_000;
    const all = await found(await bundle(), trusted);
    const reversed = /^time_reversed: entry \d+ \(cancellation\): .* comes after /;
    ok(
      all.some((text) => reversed.test(text)),
      all.join('\n'),
    );
  });

  it('are all there, up to the export’s own', async () => {
    const lines = await bundle();
    const without = await found(
      lines.filter((line) => !isEntry(line)),
      trusted,
    );
    ok(without.includes(`entry_dropped: task ${task.taskId}: no entry came`));
    const gap = lines.filter((line) => !line.includes('"kind":"data_access"'));
    deepEqual(await found(gap, trusted), [
      `entry_dropped: task ${task.taskId}: entry 5 of the task did not come`,
    ]);
    const last = lines.findLastIndex(isEntry);
    deepEqual(await found(lines.toSpliced(last, 1), trusted), [
      'entry_dropped: the last entry: it is not the one of this export',
    ]);
    const whole = { scope: 'all', actor: CANCELLED.actor, entries: 1, openings: false } as const;
    const at = { task: task.taskId };
    const index = await task.a.trail.record('export', at, { ...whole, awaited: [] });
    const more = await bundle();
    const end = more.findLastIndex(isEntry);
    ok(more[end - 1]!.includes(`"index":${index},`));
    deepEqual(await found(more.toSpliced(end, 1), trusted), [
      'entry_dropped: the last entry: it is not the one of this export',
    ]);
    const { log, trail } = task.a;
    const count = (await log.taskIndices(task.taskId)).length;
    const body = { ...whole, scope: 'task', entries: count + 2, awaited: [] } as const;
    await trail.record('export', at, body);
    const short = await bundle();
    const wrong = short.toSpliced(short.findLastIndex(isEntry), 1);
    deepEqual(await found(wrong, trusted), [
      `entry_dropped: the last entry: it was made with ${count + 2} entries; there are ${count + 1}`,
    ]);
  });
});

describe('entries of a whole log’s bundle', () => {
  let a: EvidenceParty;
  beforeEach(async () => {
    a = evidenceParty('orgA', 1);
    for (let i = 0; i < 6; i++) await a.trail.record('administration', {}, PEER);
  });
  const bundle = (): Promise<string[]> => logBundle(evidenceSource(a, [], null));

  it('are all there', async () => {
    const lines = await bundle();
    deepEqual(await found(lines, [a]), []);
    const at = lines.findIndex(isEntry);
    for (const [index, text] of [
      [0, 'entry 0'],
      [2, 'entry 2'],
      [6, 'entry 6'],
    ] as const) {
      deepEqual(await found(lines.toSpliced(at + index, 1), [a]), [
        `entry_dropped: the log: ${text} of the log did not come`,
      ]);
    }
  });

  it('come once and in order', async () => {
    const lines = await bundle();
    const at = lines.findIndex(isEntry) + 2;
    const reordered = (index: number) =>
      `entry_reordered: log entry ${index} (administration): it stands after entries that follow it`;
    deepEqual(await found(swapped(lines, at), [a]), [reordered(2)]);
    deepEqual(await found(lines.toSpliced(at, 0, lines[at]!), [a]), [reordered(2)]);
  });

  it('are those of the tree that the log signed', async () => {
    const lines = await bundle();
    const at = lines.findIndex(isEntry) + 2;
    const altered = lines.with(at, lines[at]!.replace('"orgC"', '"orgD"'));
    deepEqual(await found(altered, [a]), [
      'entry_altered: the log: the tree of these entries is not the one that the log signed',
    ]);
  });

  it('are those that witnesses confirmed, the first and every later time', async () => {
    const witnesses = [evidenceParty('orgB', 2), evidenceParty('orgC', 3)] as const;
    const confirmed = (by: EvidenceParty, size: number, root: Uint8Array): void => {
      const text = formatCheckpoint({ origin: a.key.origin, size, root });
      const note = signNote(text, a.key.checkpoints);
      a.cosigned.set(by.name, withSignature(note, signatureBy(by.key.cosignatures, text)));
    };
    const all = [a, ...witnesses];
    const other = new Uint8Array(32).fill(7);
    const forked = (by: string, size: number) =>
      `log_forked: the state that ${by} confirmed: its first ${size} entries are others than those that ${by} confirmed`;
    confirmed(witnesses[0], 0, a.log.root(0));
    confirmed(witnesses[1], 4, a.log.root(4));
    const lines = await logBundle(evidenceSource(a, witnesses, null));
    deepEqual(await found(lines, all), []);
    confirmed(witnesses[1], 4, other);
    const later = await logBundle(evidenceSource(a, witnesses, null));
    deepEqual(await found(later, all), [forked('orgC', 4)]);
    confirmed(witnesses[0], 0, other);
    const both = await logBundle(evidenceSource(a, witnesses, null));
    deepEqual(await found(both, all), [forked('orgB', 0), forked('orgC', 4)]);
  });

  it('have the numbers of their tasks without a gap', async () => {
    const { trail, log } = a;
    for (let i = 0; i < 3; i++) await trail.record('cancellation', { task: TASK }, CANCELLED);
    log.rows.splice(7, 1); // the log itself never had it
    deepEqual(await found(await bundle(), [a]), [
      `entry_dropped: log entry 7: number 1 of task ${TASK} should stand there`,
    ]);
  });

  it('are in the order of their times', async () => {
    a.clock.now -= 600_000;
    await a.trail.record('administration', {}, PEER);
    const [finding, ...others] = await found(await bundle(), [a]);
    ok(/^time_reversed: the log at .*: .* comes after /.test(finding!), finding);
    deepEqual(others.length, 1, 'so is the export');
  });
});

const MINUTE_MS = 60_000;

describe('verification of a task’s entries', () => {
  it('names the entry of a byte that was flipped and closed again', async () => {
    const { lines, trusted } = await exported();
    const flipped = changedLines(lines, 'data_access', (line) =>
      line.replace('"columns":3', '"columns":4'),
    );
    const report = await verify(flipped, trusted);
    deepEqual(reasonsOf(report), ['entry_altered']);
    equal(report.findings[0]!.where, 'entry 5 (data_access)');
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
    const altered = changedLines(lines, 'data_access', (line) =>
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

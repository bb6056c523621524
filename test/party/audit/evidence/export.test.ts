import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { decodeEntry } from '../../../../src/party/audit/entry.ts';
import type { EvidenceSource } from '../../../../src/party/audit/evidence/export.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { type AuditedTask, auditedTask, sourceOf } from '../../../support/audited-task.ts';
import {
  bytesOf,
  evidenceParty,
  hexOf,
  logBundle,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';

describe('export of evidence', () => {
  let task: AuditedTask;
  beforeEach(async () => {
    task = await auditedTask();
  });

  /** Runs `meanwhile` just before an export is recorded. */
  function interrupted(source: EvidenceSource, meanwhile: () => Promise<unknown>): EvidenceSource {
    const { trail } = source;
    return {
      ...source,
      trail: {
        async record(kind, scope, body) {
          if (kind === 'export') await meanwhile();
          return trail.record(kind, scope, body);
        },
      },
    };
  }

  it('is recorded, as the last entry that it holds', async () => {
    const { a, b, taskId } = task;
    const before = a.log.size;
    const lines = await taskBundle(sourceOf(task, a), taskId, { openings: true });
    equal(a.log.size, before + 1);
    const entry = decodeEntry(await a.log.entry(before));
    ok(entry.kind === 'export');
    deepEqual([entry.body.scope, entry.body.openings, entry.seq], ['task', true, before]);
    equal(entry.body.entries, before + 1);
    ok((await verifyBundle(bytesOf(lines), trustIn([a, b]))).ok);
  });

  it('begins anew when entries of the task come in between', async () => {
    const { a, b, taskId } = task;
    let times = 2;
    const body = { source: 'task', code: 'late', party: null } as const;
    const source = interrupted(sourceOf(task, a), async () => {
      if (times-- > 0) await a.trail.record('error', { task: taskId }, body);
    });
    const lines = await taskBundle(source, taskId);
    equal(lines.filter((line) => line.includes('"kind":"export"')).length, 3);
    const report = await verifyBundle(bytesOf(lines), trustIn([a, b]));
    deepEqual(report.findings, []);
    times = 1000;
    await rejects(taskBundle(source, taskId), { code: 'task_busy' });
  });

  it('waits for the last words of a task with a result, unless it is to be as it is', async () => {
    const parties = [evidenceParty('orgA', 1), evidenceParty('orgB', 2)] as const;
    const closing = await auditedTask(parties, { noResultOf: 'orgB' });
    const { a, b, taskId } = closing;
    const source = { ...sourceOf(closing, a), isDecided: async () => true };
    const before = a.log.size;
    await rejects(taskBundle(source, taskId), { code: 'task_closing', message: /by orgB: / });
    equal(a.log.size, before, 'what was not exported is not recorded as exported');
    const lines = await taskBundle(source, taskId, { unclosed: true });
    const report = await verifyBundle(bytesOf(lines), trustIn([a, b]));
    deepEqual(
      report.findings.map(({ reason }) => reason),
      ['result_awaited'],
      'a word that is said not to have come does not count as given',
    );
    deepEqual(report.awaited, ['orgB']);
    const whole = { ...sourceOf(task, task.a), isDecided: async () => true };
    const closed = await taskBundle(whole, task.taskId, { unclosed: true });
    const trusted = trustIn([task.a, task.b]);
    deepEqual((await verifyBundle(bytesOf(closed), trusted)).awaited, []);
  });

  it('that says a word had not come, though the log has it, fails as one without', async () => {
    const { a, b, taskId } = task;
    const source = sourceOf(task, a);
    const lying: EvidenceSource = {
      ...source,
      trail: {
        record: (kind, scope, body) =>
          source.trail.record(
            kind,
            scope,
            kind === 'export' ? { ...body, awaited: ['orgB'] } : body,
          ),
      },
    };
    const lines = await taskBundle(lying, taskId);
    const kept = lines.filter(
      (line) => !(line.includes('"kind":"result"') && line.includes('"signer":"orgB"')),
    );
    equal(kept.length, lines.length - 1);
    const report = await verifyBundle(bytesOf(resealed(kept)), trustIn([a, b]));
    const reasons = report.findings.map(({ reason }) => reason);
    deepEqual(reasons.toSorted(), ['entry_dropped', 'result_awaited']);
  });

  it('holds no opening unless that is asked for', async () => {
    const isOpening = (line: string): boolean => line.includes('"line":"opening"');
    const source = sourceOf(task, task.a);
    equal((await taskBundle(source, task.taskId)).filter(isOpening).length, 0);
    const opened = await taskBundle(source, task.taskId, { openings: true });
    equal(opened.filter(isOpening).length, 3);
  });

  it('of a task names no other party with which this one works', async () => {
    const { a, b, taskId } = task;
    const stranger = evidenceParty('orgC', 3);
    const source = sourceOf(task, a);
    const { note } = await a.log.checkpoint();
    const others = [...(await source.cosigned())];
    const lines = await taskBundle(
      {
        ...source,
        logKeys: async () => [b.key.certificate, stranger.key.certificate],
        cosigned: async () => [
          ...others,
          { witness: 'orgC', note },
          { witness: 'regulator', note },
        ],
      },
      taskId,
    );
    ok(!lines.some((line) => line.includes('orgC')));
    ok(lines.some((line) => line.includes('"witness":"regulator"')));
    ok((await verifyBundle(bytesOf(lines), trustIn([a, b]))).ok);
  });

  it('holds an exchange in which only the other party showed its log', async () => {
    const { a, b, taskId } = task;
    const { size, root, note } = await b.log.checkpoint();
    const theirs = { size, root: hexOf(root), note };
    const body = { at: 'end', code: 'unreachable', witness: 'orgB', own: null, theirs } as const;
    await a.trail.record('checkpoint_exchange', { task: taskId }, body);
    const lines = await taskBundle(sourceOf(task, a), taskId);
    const report = await verifyBundle(bytesOf(lines), trustIn([a, b]));
    deepEqual([report.findings, report.story?.unconfirmed], [[], ['orgB: unreachable']]);
  });

  it('has the party’s own log key in its first line only', async () => {
    const { a, b, taskId } = task;
    const logKeys = async () => [a.key.certificate, b.key.certificate];
    const lines = await taskBundle({ ...sourceOf(task, a), logKeys }, taskId);
    const named = lines.filter((line) => line.includes('"line":"log_key"'));
    equal(named.length, 1);
    ok(named[0]!.includes('"name":"orgB"'));
  });

  it('of a whole log goes up to a checkpoint made for it, whatever comes meanwhile', async () => {
    const { a, b } = task;
    const body = { source: 'task', code: 'late', party: null } as const;
    const late = async (): Promise<number> => a.trail.record('error', {}, body);
    const source = interrupted(sourceOf(task, a), late);
    const entries = a.log.entries.bind(a.log);
    a.log.entries = async function* (start: number, end: number) {
      await late();
      yield* entries(start, end);
    };
    const lines = await logBundle(source);
    const report = await verifyBundle(bytesOf(lines), trustIn([a, b]));
    deepEqual(report.findings, []);
    equal(report.entries, a.log.size - 1);
  });

  it('refuses a task that the log does not know', async () => {
    await rejects(taskBundle(sourceOf(task, task.a), '00'.repeat(32)), { code: 'unknown_task' });
  });
});

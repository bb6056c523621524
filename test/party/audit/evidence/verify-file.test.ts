import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { certificateDigest } from '../../../../src/party/consensus/certificate.ts';
import { auditedTask, sourceOf } from '../../../support/audited-task.ts';
import {
  bytesOf,
  evidenceParty,
  evidenceSource,
  exchange,
  logBundle,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';

/** A task, and orgA's bundle of it. */
async function exported() {
  const task = await auditedTask();
  const lines = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
  const verify = (changed: readonly string[]) =>
    verifyBundle(bytesOf(changed), trustIn([task.a, task.b]));
  return { task, lines, verify };
}

/** The digest that closes these lines. */
function digestOf(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  return createHash('sha256').update(text).digest('hex');
}

describe('verification of a bundle as a file', () => {
  it('holds each number of the last line against the lines before', async () => {
    const { lines, verify } = await exported();
    const before = lines.slice(0, -1);
    const closed = JSON.parse(lines.at(-1)!) as { readonly entries: number };
    for (const [change, detail] of [
      [{ entries: closed.entries + 1 }, /^\d+ entries came, and \d+ should$/],
      [{ digest: '00'.repeat(32) }, /^the digest of the lines before is another$/],
    ] as const) {
      const { findings } = await verify([...before, JSON.stringify({ ...closed, ...change })]);
      deepEqual(
        findings.map(({ reason, where }) => [reason, where]),
        [['altered_bundle', 'the last line']],
      );
      ok(detail.test(findings[0]!.detail), findings[0]!.detail);
    }
  });

  it('counts lines that it cannot read among those that the last line closes', async () => {
    const { lines, verify } = await exported();
    const { entries } = JSON.parse(lines.at(-1)!) as { readonly entries: number };
    const before = [...lines.slice(0, -1), 'odd'];
    const end = JSON.stringify({ digest: digestOf(before), entries, line: 'end' });
    const report = await verify([...before, end]);
    deepEqual(
      report.findings.map(({ reason, where }) => [reason, where]),
      [['malformed_bundle', `line ${lines.length}`]],
    );
    equal(report.entries, entries);
  });

  it('says which line is not whole, and that no last one came', async () => {
    const { task, lines } = await exported();
    const found = async (text: string) => {
      const report = await verifyBundle([Buffer.from(text)], trustIn([task.a, task.b]));
      return report.findings.map(({ reason, where }) => [reason, where]);
    };
    const whole = `${lines.join('\n')}\n`;
    deepEqual(await found(whole), []);
    deepEqual(await found(`${whole}x`), [['truncated_bundle', `line ${lines.length + 1}`]]);
    deepEqual(await found(whole.slice(0, -1)), [
      ['truncated_bundle', `line ${lines.length}`],
      ['truncated_bundle', 'the file'],
    ]);
    deepEqual(await found(whole.slice(0, whole.length - lines.at(-1)!.length - 1)), [
      ['truncated_bundle', 'the file'],
    ]);
    deepEqual(await found(`${whole}${'x'.repeat(2 << 20)}`), [
      ['malformed_bundle', `line ${lines.length + 1}`],
    ]);
  });

  it('tells nothing of a file that does not begin as one', async () => {
    const { lines, verify } = await exported();
    for (const rest of [[], lines.slice(1)]) {
      const report = await verify(rest);
      equal(report.ok, false);
      deepEqual(
        [report.header, report.entries, report.logSize, report.confirmed, report.story],
        [null, 0, null, [], null],
      );
    }
  });

  it('reads at most 1000 lines that are none, and 4096 before the entries', async () => {
    const { lines, verify } = await exported();
    const odd = Array.from({ length: 1001 }, () => 'odd');
    const end = lines.slice(0, -1);
    const malformed = await verify(resealed([...end, ...odd]));
    equal(malformed.findings.length + malformed.unlisted, 1000);
    ok(!malformed.findings.some(({ reason }) => reason !== 'malformed_bundle'));
    const at = lines.findIndex((line) => line.startsWith('{"entry":'));
    const identity = lines.find((line) => line.includes('"line":"identity"'))!;
    const first = lines.indexOf(identity);
    for (const [length, isTooLong] of [
      [4096, false],
      [4097, true],
    ] as const) {
      const many = Array.from({ length: length - at }, () => identity);
      const { findings } = await verify(
        resealed([...lines.slice(0, first), ...many, ...lines.slice(first)]),
      );
      const isLimit = ({ where }: { readonly where: string }): boolean => where === 'the head';
      equal(findings.some(isLimit), isTooLong, `${length} lines`);
    }
  });

  it('throws what reading the file threw', async () => {
    const { task, lines } = await exported();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${lines[0]}\n`);
      throw new Error('input/output error');
    }
    await rejects(verifyBundle(broken(), trustIn([task.a, task.b])), /input\/output error/);
  });

  it('finds an opening in the bundle of a whole log', async () => {
    const { task, lines, verify } = await exported();
    const opening = lines.find((line) => line.includes('"line":"opening"'))!;
    const log = await logBundle(sourceOf(task, task.a));
    const report = await verify(resealed([...log, opening]));
    deepEqual(
      report.findings.map(({ reason, where }) => [reason, where]),
      [['malformed_bundle', 'opening']],
    );
    equal(report.openings, 0);
  });

  it('tells when the party exported, of a task and of a whole log', async () => {
    const { task, lines, verify } = await exported();
    const log = await logBundle(sourceOf(task, task.a));
    const at = new Date(task.a.clock.now).toISOString();
    equal((await verify(log)).exportedAt, at);
    const { exportedAt } = await verify(lines);
    ok(exportedAt !== null && exportedAt < at, `${exportedAt}`);
    const isExport = (line: string): boolean => line.includes('"kind":"export"');
    const unsaid = await verify(resealed(lines.filter((line) => !isExport(line))));
    equal(unsaid.exportedAt, null);
  });

  it('tells what all witnesses of a whole log confirmed, smallest first', async () => {
    const { task } = await exported();
    const { a, b, taskId } = task;
    const c = evidenceParty('orgC', 3);
    await exchange(a, c, taskId, 'end');
    await exchange(a, b, taskId, 'end');
    const lines = await logBundle(evidenceSource(a, [b, c], null));
    const report = await verifyBundle(bytesOf(lines), trustIn([a, b, c]));
    deepEqual(
      report.confirmed.map(({ witness }) => witness),
      ['orgC', 'orgB'],
    );
    equal(report.unconfirmedEntries, 2, 'the last exchange and the export');
  });

  it('tells why a task came to nothing, each reason once', async () => {
    const { task, verify } = await exported();
    const { a, taskId } = task;
    const of = { task: taskId };
    const refusal = { party: 'orgB', from: 'orgB', code: 'key_mismatch' } as const;
    for (let i = 0; i < 2; i++) {
      await a.trail.record('error', of, { source: 'task', code: 'out_of_memory', party: null });
    }
    await a.trail.record('refusal', of, { ...refusal, step: 'run' });
    await a.trail.record('refusal', of, { ...refusal, step: 'prepare' });
    await a.trail.record('cancellation', of, { party: 'orgA', actor: null });
    const { story } = await verify(await taskBundle(sourceOf(task, a), taskId));
    deepEqual(story?.setbacks, [
      'error out_of_memory',
      'orgB ended the task: key_mismatch',
      'orgB refused: key_mismatch',
      'cancelled at orgA',
    ]);
  });

  it('names the certificate by its digest, if there is one', async () => {
    const { task, lines, verify } = await exported();
    equal((await verify(lines)).story?.certificate, certificateDigest(task.certificate));
    const { a, b } = task;
    const of = '5e'.repeat(32);
    await a.trail.record('error', { task: of }, { source: 'task', code: 'odd', party: null });
    const none = await verify(await taskBundle(evidenceSource(a, [b], null), of));
    equal(none.story?.certificate, null);
  });
});

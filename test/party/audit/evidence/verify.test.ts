import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Reason } from '../../../../src/party/audit/evidence/findings.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { certificateDigest } from '../../../../src/party/consensus/certificate.ts';
import { taskIdOf } from '../../../../src/party/consensus/contract-check.ts';
import { auditedTask, contractBody, newParties, sourceOf } from '../../../support/audited-task.ts';
import { sampleContract } from '../../../support/contracts.ts';
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
import { exported, reasonsOf, verify } from '../../../support/verified-bundle.ts';

/** A task, and orgA's bundle of it. */
async function openedBundle() {
  const task = await auditedTask();
  const lines = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
  const check = (changed: readonly string[]) =>
    verifyBundle(bytesOf(changed), trustIn([task.a, task.b]));
  return { task, lines, check };
}

/** The digest that closes these lines. */
function digestOf(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  return createHash('sha256').update(text).digest('hex');
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

  it('finds a file that is cut off', async () => {
    const { lines, trusted } = await exported();
    deepEqual(reasonsOf(await verify(lines.slice(0, -1), trusted)), ['truncated_bundle']);
    const text = Buffer.concat(bytesOf(lines));
    const cut = await verifyBundle([text.subarray(0, text.length - 10)], trustIn(trusted));
    deepEqual(reasonsOf(cut), ['truncated_bundle']);
    deepEqual(reasonsOf(await verifyBundle([], trustIn(trusted))), ['truncated_bundle']);
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

describe('verification of a bundle as a file', () => {
  it('holds each number of the last line against the lines before', async () => {
    const { lines, check } = await openedBundle();
    const before = lines.slice(0, -1);
    const closed = JSON.parse(lines.at(-1)!) as { readonly entries: number };
    for (const [change, detail] of [
      [{ entries: closed.entries + 1 }, /^\d+ entries came, and \d+ should$/],
      [{ digest: '00'.repeat(32) }, /^the digest of the lines before is another$/],
    ] as const) {
      const { findings } = await check([...before, JSON.stringify({ ...closed, ...change })]);
      deepEqual(
        findings.map(({ reason, where }) => [reason, where]),
        [['altered_bundle', 'the last line']],
      );
      ok(detail.test(findings[0]!.detail), findings[0]!.detail);
    }
  });

  it('counts lines that it cannot read among those that the last line closes', async () => {
    const { lines, check } = await openedBundle();
    const { entries } = JSON.parse(lines.at(-1)!) as { readonly entries: number };
    const before = [...lines.slice(0, -1), 'odd'];
    const end = JSON.stringify({ digest: digestOf(before), entries, line: 'end' });
    const report = await check([...before, end]);
    deepEqual(
      report.findings.map(({ reason, where }) => [reason, where]),
      [['malformed_bundle', `line ${lines.length}`]],
    );
    equal(report.entries, entries);
  });

  it('says which line is not whole, and that no last one came', async () => {
    const { task, lines } = await openedBundle();
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
    const { lines, check } = await openedBundle();
    for (const rest of [[], lines.slice(1)]) {
      const report = await check(rest);
      equal(report.ok, false);
      deepEqual(
        [report.header, report.entries, report.logSize, report.confirmed, report.story],
        [null, 0, null, [], null],
      );
    }
  });

  it('reads at most 1000 lines that are none, and 4096 before the entries', async () => {
    const { lines, check } = await openedBundle();
    const odd = Array.from({ length: 1001 }, () => 'odd');
    const end = lines.slice(0, -1);
    const malformed = await check(resealed([...end, ...odd]));
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
      const { findings } = await check(
        resealed([...lines.slice(0, first), ...many, ...lines.slice(first)]),
      );
      const isLimit = ({ where }: { readonly where: string }): boolean => where === 'the head';
      equal(findings.some(isLimit), isTooLong, `${length} lines`);
    }
  });

  it('throws what reading the file threw', async () => {
    const { task, lines } = await openedBundle();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${lines[0]}\n`);
      throw new Error('input/output error');
    }
    await rejects(verifyBundle(broken(), trustIn([task.a, task.b])), /input\/output error/);
  });

  it('finds an opening in the bundle of a whole log', async () => {
    const { task, lines, check } = await openedBundle();
    const opening = lines.find((line) => line.includes('"line":"opening"'))!;
    const log = await logBundle(sourceOf(task, task.a));
    const report = await check(resealed([...log, opening]));
    deepEqual(
      report.findings.map(({ reason, where }) => [reason, where]),
      [['malformed_bundle', 'opening']],
    );
    equal(report.openings, 0);
  });

  it('tells when the party exported, of a task and of a whole log', async () => {
    const { task, lines, check } = await openedBundle();
    const log = await logBundle(sourceOf(task, task.a));
    const at = new Date(task.a.clock.now).toISOString();
    equal((await check(log)).exportedAt, at);
    const { exportedAt } = await check(lines);
    ok(exportedAt !== null && exportedAt < at, `${exportedAt}`);
    const isExport = (line: string): boolean => line.includes('"kind":"export"');
    const unsaid = await check(resealed(lines.filter((line) => !isExport(line))));
    equal(unsaid.exportedAt, null);
  });

  it('tells what all witnesses of a whole log confirmed, smallest first', async () => {
    const { task } = await openedBundle();
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
    const { task, check } = await openedBundle();
    const { a, taskId } = task;
    const of = { task: taskId };
    const refusal = { party: 'orgB', from: 'orgB', code: 'key_mismatch' } as const;
    for (let i = 0; i < 2; i++) {
      await a.trail.record('error', of, { source: 'task', code: 'out_of_memory', party: null });
    }
    await a.trail.record('refusal', of, { ...refusal, step: 'run' });
    await a.trail.record('refusal', of, { ...refusal, step: 'prepare' });
    await a.trail.record('cancellation', of, { party: 'orgA', actor: null });
    const { story } = await check(await taskBundle(sourceOf(task, a), taskId));
    deepEqual(story?.setbacks, [
      'error out_of_memory',
      'orgB ended the task: key_mismatch',
      'orgB refused: key_mismatch',
      'cancelled at orgA',
    ]);
  });

  it('names the certificate by its digest, if there is one', async () => {
    const { task, lines, check } = await openedBundle();
    equal((await check(lines)).story?.certificate, certificateDigest(task.certificate));
    const { a, b } = task;
    const of = '5e'.repeat(32);
    await a.trail.record('error', { task: of }, { source: 'task', code: 'odd', party: null });
    const none = await check(await taskBundle(evidenceSource(a, [b], null), of));
    equal(none.story?.certificate, null);
  });
});

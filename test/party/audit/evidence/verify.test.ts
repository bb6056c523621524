import { deepEqual, equal, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Reason } from '../../../../src/party/audit/evidence/findings.ts';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { taskIdOf } from '../../../../src/party/consensus/contract-check.ts';
import { auditedTask, contractBody, newParties, sourceOf } from '../../../support/audited-task.ts';
import { sampleContract } from '../../../support/contracts.ts';
import {
  bytesOf,
  evidenceSource,
  resealed,
  taskBundle,
  trustIn,
} from '../../../support/evidence.ts';
import { exported, reasonsOf, verify } from '../../../support/verified-bundle.ts';

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

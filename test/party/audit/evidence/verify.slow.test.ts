import { deepEqual, equal, ok } from 'node:assert/strict';
import { verifyBundle } from '../../../../src/party/audit/evidence/verify.ts';
import { auditedTask, sourceOf } from '../../../support/audited-task.ts';
import { bytesOf, resealed, taskBundle, trustIn } from '../../../support/evidence.ts';

describe('verification of a bundle that a stranger made up', () => {
  it('keeps little of what is made up, and nothing twice', async () => {
    const task = await auditedTask();
    const trusted = trustIn([task.a, task.b]);
    const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
    const verify = (changed: readonly string[]) => verifyBundle(bytesOf(changed, 1 << 16), trusted);
    const at = (kind: string): number =>
      lines.findLastIndex((line) => line.includes(`"kind":"${kind}"`));
    const before = (await verify(lines)).story!;
    const [disclosure, opened] = [lines[at('disclosure')]!, lines[at('session_opened')]!];
    const many = Array.from({ length: 17_000 }, (_, i) => i);
    const numbered = (line: string, i: number): string =>
      line
        .replace('"attempt":1', `"attempt":${i + 2}`)
        .replace(/"session":"[0-9a-f]{8}/, `"session":"${i.toString(16).padStart(8, '0')}`);
    const repeated = ['checkpoint_exchange', 'phase_receipt'].flatMap((kind) =>
      Array.from({ length: 500 }, () => lines[at(kind)]!),
    );
    const made = [
      ...many.map((i) => numbered(opened, i)),
      ...many.map((i) => numbered(disclosure, i)),
    ];
    const more = lines.toSpliced(at('export'), 0, ...made, ...repeated);
    const { story, findings, confirmed } = await verify(resealed(more));
    ok(findings.length <= 200);
    equal(story!.sessions.size, 1 << 14);
    equal(story!.disclosures.length, 1 << 14);
    deepEqual([confirmed, story!.witnessed], [before.confirmed, before.witnessed]);
    const receipts = [...before.sessions].map(([id, session]) => [id, session.receipts.length]);
    deepEqual(
      receipts.map(([id]) => [id, story!.sessions.get(id as string)!.receipts.length]),
      receipts,
    );
  });
});

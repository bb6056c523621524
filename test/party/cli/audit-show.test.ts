import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditShowFile } from '../../../src/party/cli/audit-show.ts';
import { timelinePieces } from '../../../src/party/cli/audit-timeline.ts';
import { auditedTask, sourceOf } from '../../support/audited-task.ts';
import { runInProcess } from '../../support/cli-run.ts';
import { logBundle, taskBundle } from '../../support/evidence.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

describe('audit show', () => {
  let lines: readonly string[];
  let log: readonly string[];
  before(async () => {
    const task = await auditedTask();
    lines = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
    log = await logBundle(sourceOf(task, task.a));
  });

  const withFile = (
    content: readonly string[],
    use: (path: string) => Promise<void>,
  ): Promise<void> =>
    withTemporaryDirectory(async (dir) => {
      const path = join(dir, 'bundle');
      await writeFile(path, content.map((line) => `${line}\n`).join(''));
      await use(path);
    });
  const show = (...argv: string[]) => runInProcess(['audit', 'show', ...argv]);

  it('tells the entries in words', () =>
    withFile(lines, async (path) => {
      const { code, out } = await show(path);
      equal(code, 0);
      match(out, /^orgA, task [0-9a-f]{64}, as the file says\n/);
      match(out, /#0 +contract: train logistic_regression between orgA, orgB, proposed by orgA/);
      match(out, /#3 +start certificate: votes of orgA, orgB/);
      match(out, /attempt 1 +opened 200 validation_scores to orgA/);
      match(out, /evidence of task exported by command operator: 24 entries/);
      const { json } = await show(path, '--json');
      deepEqual([json.party, (json.entries as unknown[]).length], ['orgA', 24]);
      equal(json.skipped_lines, 0);
    }));

  it('shows a whole log, too', () =>
    withFile(log, async (path) => {
      const { out } = await show(path);
      match(out, /^orgA, as the file says\n/);
      equal((await show(path, '--json')).json.task_id, null);
    }));

  it('says how many lines it cannot read', () =>
    withFile([...lines.slice(0, -3), 'noise', lines.at(-3)!.slice(0, -9)], async (path) => {
      const { code, out } = await show(path);
      equal(code, 0);
      match(out, /\nlines that cannot be read: 2; "entente audit verify" says/);
      equal((await show(path, '--json')).json.skipped_lines, 2);
    }));

  it('refuses what is no evidence', () =>
    withFile(['nothing of the kind', ...lines], async (path) => {
      const files = [
        [path, /bundle is no evidence\n {2}name a file of "entente audit export"/],
        [`${path}.none`, /\.none does not exist\n {2}name a file of/],
        [join(path, 'in-a-file'), /in-a-file does not exist\n/],
        [join(path, '..'), / is a folder\n {2}name a file of/],
      ] as const;
      for (const [file, why] of files) {
        const { code, out, err } = await show(file);
        deepEqual([code, out], [1, ''], file);
        match(err, why);
      }
    }));

  it('reads no further than it is asked for, and keeps a page', () => {
    const entry = lines.find((line) => line.startsWith('{"entry":'))!;
    const many = Array.from({ length: 5000 }, () => entry);
    return withFile([lines[0]!, ...many], (path) =>
      auditShowFile(path, async (timeline) => {
        let seen = 0;
        const entries = async function* () {
          for await (const each of timeline.entries) {
            seen += 1;
            yield each;
          }
        };
        const pieces = timelinePieces({ ...timeline, entries: entries() }, false);
        await pieces.next(); // the title
        const page = await pieces.next();
        ok(seen > 0 && seen <= 1000, `${seen} entries for one page`);
        equal((page.value as string).trimEnd().split('\n').length, seen);
        await pieces.return(undefined);
        equal(seen <= 1000, true);
      }),
    );
  });
});

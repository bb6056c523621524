import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type AuditedTask, auditedTask, newParties, sourceOf } from '../../support/audited-task.ts';
import { runInProcess, withNode } from '../../support/cli-run.ts';
import { keysText, logBundle, resealed, taskBundle } from '../../support/evidence.ts';
import { startFakeNode } from '../../support/fake-node.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

interface Files {
  readonly task: AuditedTask;
  /** Bundles of orgA and orgB, one whose data were changed, orgA's whole log, a file that is none. */
  readonly a: string;
  readonly b: string;
  readonly changed: string;
  readonly log: string;
  readonly noise: string;
  /** Trusted keys: of both, of orgA alone. */
  readonly keys: string;
  readonly keyOfA: string;
}

describe('audit', () => {
  let task: AuditedTask;
  let texts: Readonly<Record<keyof Omit<Files, 'task'>, string>>;
  before(async () => {
    task = await auditedTask();
    const bundle = await taskBundle(sourceOf(task, task.a), task.taskId, { openings: true });
    const other = await taskBundle(sourceOf(task, task.b), task.taskId);
    const changed = bundle.map((line) =>
      line.includes('"kind":"data_access"') ? line.replace('"rows":1000', '"rows":9000') : line,
    );
    const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`;
    texts = {
      a: text(bundle),
      b: text(other),
      changed: text(resealed(changed)),
      log: text(await logBundle(sourceOf(task, task.a))),
      noise: 'nothing of the kind\n',
      keys: keysText([task.a, task.b]),
      keyOfA: keysText([task.a]),
    };
  });

  const withFiles = (use: (files: Files) => Promise<void>): Promise<void> =>
    withTemporaryDirectory(async (dir) => {
      const paths = Object.keys(texts).map((name) => [name, join(dir, name)] as const);
      for (const [name, path] of paths) await writeFile(path, texts[name as 'a']);
      await use({ ...(Object.fromEntries(paths) as unknown as Files), task });
    });
  const run = (...argv: string[]) => runInProcess(['audit', ...argv]);

  it('verify tells what the evidence says, and that it holds', () =>
    withFiles(async ({ a, keys }) => {
      const { code, out, err } = await run('verify', a, '--trust', keys);
      equal(code, 0, err);
      match(out, new RegExp(`^Evidence of orgA about task ${task.taskId}\n`));
      match(out, /orgB +feature_holder +1000 rows +voted 2026/);
      match(
        out,
        /attempt 1 +with orgB +4\.4 kB sent, 4\.5 kB received +10 receipts signed by both/,
      );
      match(out, /validation_scores +to orgA +200 of at most 200\n/);
      match(out, /What that tells[^\n]*\n(?: .*\n)* {2}validation_scores: The model/);
      match(out, /On which data\n {2}orgA: .*\n {4}commitment [0-9a-f]{64}\n {4}key /);
      match(out, /What ran\n {2}code {2}what was agreed, as orgA says\n/);
      match(out, /orgB +completed/);
      match(out, /Who has confirmed this log\n {2}orgB +22 entries/);
      match(out, /\nVERIFIED: nothing is wrong with this evidence\.\n2 entries came after/);
      const { json } = await run('verify', a, '--trust', keys, '--json');
      deepEqual([json.ok, json.party, json.entries, json.findings], [true, 'orgA', 24, []]);
      const { parties } = json.task as { parties: readonly Record<string, unknown>[] };
      for (const [i, { name, dataset }] of task.contract.parties.entries()) {
        const { path, rowCount, keyColumns, labelColumn, features, payload, commitment } = dataset!;
        const names = features.map((each) => each.name);
        const columns = { key: keyColumns, label: labelColumn, features: names, payload };
        const { name: told, path: file, rows, columns: of, commitment: to } = parties[i]!;
        deepEqual([told, file, rows, of, to], [name, path, rowCount, columns, commitment]);
      }
    }));

  it('verify holds the party’s file against its commitment', () =>
    withFiles(async ({ a, b, keys }) => {
      const [own, other] = ['orgA', 'orgB'].map((name) => `${a}.${name}`);
      await writeFile(own!, task.files.get('orgA')!);
      await writeFile(other!, task.files.get('orgB')!);
      const held = (bundle: string, file: string, ...more: string[]) =>
        run('verify', bundle, '--trust', keys, '--data', file, ...more);
      const same = await held(a, own!);
      equal(same.code, 0, same.err);
      match(same.out, /\n {2}data +agreed on as the file with SHA-256 [0-9a-f]{64}; yours is this/);
      const { file } = (await held(a, own!, '--json')).json as { file: { same: boolean } };
      equal(file.same, true);
      const differs = await held(a, other!);
      equal(differs.code, 5);
      match(differs.out, /; yours is another file\n/);
      match(differs.out, /\n {2}file_differs: the file is not the one that was agreed on\n/);
      const unopened = await held(b, other!);
      equal(unopened.code, 5);
      match(unopened.err, /file_unopened\n {2}the party’s own evidence opens it: .* --openings/);
      const none = await held(a, `${own}.none`);
      equal(none.code, 1);
      match(none.err, /\.none does not exist\n {2}name the file that the party brought/);
    }));

  it('verify names what is wrong, and ends with a code of its own', () =>
    withFiles(async ({ changed, keys, keyOfA }) => {
      const { code, out, err } = await run('verify', changed, '--trust', keys);
      equal(code, 5);
      match(out, /What is wrong\n {2}entry_altered: the log has another entry in this place/);
      match(out, /entry 5 \(data_access\)/);
      match(out, /\nNOT VERIFIED/);
      match(err, /the evidence does not hold: entry_altered/);
      const other = await run('verify', changed, '--trust', keyOfA, '--json');
      equal(other.code, 5);
      const reasons = (other.json.findings as { reason: string }[]).map(({ reason }) => reason);
      ok(reasons.includes('untrusted_party'), reasons.join());
      match(other.err, /"code":"NOT_VERIFIED"/);
    }));

  it('verify checks a whole log', () =>
    withFiles(async ({ log, keys }) => {
      const { code, out } = await run('verify', log, '--trust', keys);
      equal(code, 0);
      match(out, /^The whole audit log of orgA\n/);
      match(out, /This shows that what others confirmed of the log was not rewritten since/);
    }));

  it('verify says what it cannot read', () =>
    withFiles(async ({ a, noise, keys }) => {
      const failing = async (expected: RegExp, ...argv: string[]): Promise<void> => {
        const { code, err } = await run('verify', ...argv);
        equal(code, 1);
        match(err, expected);
      };
      await failing(/\.none does not exist\n {2}name a file of/, `${a}.none`, '--trust', keys);
      await failing(/ is a folder\n/, dirname(a), '--trust', keys);
      await failing(/\.none does not exist\n {2}name .* keys/, a, '--trust', `${keys}.none`);
      const good = ['--trust', keys];
      await failing(/noise: .* no JSON\n {2}ask each organisation/, a, ...good, '--trust', noise);
      equal((await run('verify', a)).code, 2);
      const { code, out } = await run('verify', noise, '--trust', keys);
      equal(code, 5);
      match(out, /This is no evidence\.\n\nWhat is wrong\n {2}malformed_bundle/);
    }));

  it('verify takes keys from several files', () =>
    withFiles(async ({ a, keyOfA, keys }) => {
      const file = JSON.parse(await readFile(keys, 'utf8')) as { parties: object[] };
      const second = `${keys}.b`;
      await writeFile(second, JSON.stringify({ ...file, parties: [file.parties[1]] }));
      equal((await run('verify', a, '--trust', keyOfA, '--trust', second)).code, 0);
      const lacking = await run('verify', a, '--trust', keyOfA);
      equal(lacking.code, 5);
      match(lacking.err, /untrusted_party.*\n {2}give the key of every party with --trust/);
    }));

  it('verify lists what is wrong by its reason, however often it is wrong', () =>
    withFiles(async ({ a, keys }) => {
      const [header, ...lines] = (await readFile(a, 'utf8')).trimEnd().split('\n');
      await writeFile(a, `${[header, ...lines.map((line) => ` ${line}`)].join('\n')}\n`);
      const { out } = await run('verify', a, '--trust', keys);
      equal(out.split('malformed_bundle').length, 2);
      match(out, /line 11: .*\n {4}and \d+ places more\n/);
    }));

  it('reconcile compares two bundles', () =>
    withFiles(async ({ a, b, changed, noise, keys }) => {
      const { code, out, err } = await run('reconcile', a, b, '--trust', keys);
      equal(code, 0, err);
      match(out, /phase receipts +10 alike in both/);
      match(out, /RECONCILED: both parties tell the same story/);
      const { json } = await run('reconcile', a, b, '--trust', keys, '--json');
      deepEqual([json.ok, json.matched_receipts], [true, 10]);
      const differs = await run('reconcile', changed, b, '--trust', keys);
      equal(differs.code, 5);
      match(
        differs.out,
        /the evidence of orgA does not hold by itself\n\nWhat is wrong\n {2}entry_/,
      );
      const same = await run('reconcile', a, a, '--trust', keys);
      match(same.out, /NOT RECONCILED: these are not two parties’ evidence of one task/);
      match(same.err, /cannot be compared: not_comparable\n {2}name the evidence of two parties/);
      const odd = await run('reconcile', a, noise, '--trust', keys);
      equal(odd.code, 5);
      match(odd.out, /the file \S+noise does not hold by itself/);
    }));

  it('export says whose word is missing while a task is being closed', () =>
    withTemporaryDirectory(async (dir) => {
      const node = await startFakeNode();
      try {
        const id = 'ab'.repeat(32);
        const msg = 'the task is still being closed by orgB: ask again in a moment';
        const path = `/api/v1/audit/tasks/${id}/bundle`;
        node.answers.set(`GET ${path}`, { status: 409, msg, code: 'CONFLICT' });
        const out = join(dir, 'bundle');
        const command = ['export', '--task', id, '--out', out, '--url', node.url, '--token', 'x'];
        const refused = await run(...command);
        equal(refused.code, 1);
        match(refused.err, /closed by orgB: .*\n.*--unclosed exports what there is/);
        deepEqual(await readdir(dir), []);
        await run(...command, '--unclosed');
        const queries = node.calls.map((call) => call.path.split('?')[1]);
        deepEqual(queries, ['openings=false&unclosed=false', 'openings=false&unclosed=true']);
        equal((await run('export', '--all', '--unclosed', '--out', out)).code, 2);
      } finally {
        await node.close();
      }
    }));

  it('shows nothing that steers a terminal, whatever the parties agreed to and a file holds', () =>
    withFiles(async ({ keys: path }) => {
      const steering = '\u009b2J\u202eevil\u2028\u{e0041}';
      const hostile = await auditedTask(newParties(), { contract: { purpose: steering } });
      const lines = await taskBundle(sourceOf(hostile, hostile.a), hostile.taskId);
      const bundle = `${path}.bundle`;
      const keys = `${path}.hostile`;
      await writeFile(keys, keysText([hostile.a, hostile.b]));
      const check = async (...argv: string[]): Promise<void> => {
        for (const json of [[], ['--json']]) {
          const { out, err } = await run(...argv, ...json);
          // Of all of these a line's end is the only one that is ours.
          const odd = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;
          equal(`${out}${err}`.replaceAll('\n', '').match(odd), null, argv.join(' '));
        }
      };
      await writeFile(bundle, `${lines.join('\n')}\n`);
      await check('verify', bundle, '--trust', keys);
      await check('show', bundle);
      await check('reconcile', bundle, bundle, '--trust', keys);
      const { json } = await run('verify', bundle, '--trust', keys, '--json');
      equal((json.task as { purpose: string }).purpose, steering, 'and JSON tells what it was');
      const odd = JSON.stringify({ line: 'header', [steering]: '\u001b[31m' });
      await writeFile(bundle, `${odd}\n${lines.join('\n')}\n`);
      await check('verify', bundle, '--trust', keys);
      const trust = JSON.stringify({ format: 'entente/keys/v1', parties: [], [steering]: 1 });
      await writeFile(keys, trust);
      await check('verify', bundle, '--trust', keys);
      await check('verify', `${bundle}\u001b[31m`, '--trust', path);
    }));

  it('keys are those of the node, as a file of trust', () =>
    withNode(async (_, config) => {
      const { code, out, err } = await run('keys', '--config', config);
      equal(code, 0, err);
      const { parties } = JSON.parse(out) as { parties: Record<string, string>[] };
      deepEqual(Object.keys(parties[0]!), ['name', 'publicKey', 'fingerprint']);
      equal(parties[0]!.name, 'orgA');
      const shown = await runInProcess(['peer', 'show', '--config', config, '--json']);
      equal(parties[0]!.fingerprint, shown.json.fingerprint);
    }));
});

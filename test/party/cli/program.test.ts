import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInProcess as run, withNode } from '../../support/cli-run.ts';

describe('command line', () => {
  it('exits with 2 on wrong usage and with 0 on help', async () => {
    for (const argv of [['inti'], ['init'], ['init', 'x'], ['token', 'create'], ['peer'], []]) {
      const { code, out, err } = await run(argv);
      equal(code, 2, argv.join(' '));
      ok(err.length > 0, argv.join(' '));
      equal(out, '');
    }
    const help = await run(['--help']);
    equal(help.code, 0);
    match(help.out, /peer .*\n/);
    match(help.out, /Exit codes: 0 done, 1 failed, 2 wrong usage/);
    equal((await run(['token', 'create', '--help'])).code, 0);
  });

  it('suggests the word that was meant', async () => {
    const cases: [string[], RegExp][] = [
      [['inti'], /unknown command 'inti'\n {2}Did you mean init\?/],
      [['task', 'lst'], /Did you mean list\?/],
      [['train', '--labl', 'x'], /unknown option '--labl'\n {2}Did you mean --label\?/],
      [['frobnicate'], /unknown command 'frobnicate'\n {2}--help shows/],
    ];
    for (const [argv, message] of cases) {
      const { code, err } = await run(argv);
      equal(code, 2);
      match(err, message);
    }
  });

  it('prints errors as one JSON object where programs read', async () => {
    for (const argv of [
      ['inti'],
      ['peer'],
      [],
      ['init', 'x'],
      ['train'],
      ['task', 'list', '--limit', 'x'],
    ]) {
      const { code, out, err } = await run(['--json', ...argv]);
      deepEqual([code, out], [2, ''], argv.join(' '));
      const { error } = JSON.parse(err) as { error: Record<string, string> };
      deepEqual(Object.keys(error), ['code', 'message', 'hint'], err);
      equal(error.code, 'USAGE');
      ok(error.message!.length > 3 && error.hint!.length > 3, err);
    }
  });

  it('names a configuration that is missing, unreadable or wrong', async () => {
    await withNode(async (dir, config) => {
      const shown = async (path: string): Promise<string> => {
        const { code, err } = await run(['peer', 'show', '--config', path]);
        equal(code, 1);
        return err;
      };
      match(await shown(join(dir, 'none.yaml')), /none\.yaml: cannot be read.*\n {2}name another/);
      await writeFile(config, 'name: 7\nextra: 1\n');
      const both = await shown(config);
      match(both, /name expected the organisation/);
      match(both, /extra is not a known key/);
    });
  });
});

import { equal } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, utimesSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { scratchFolder } from '../support/scratch-folder.ts';

const SCRIPT = resolve('scripts/ensure-installed.mjs');

interface Package {
  readonly version: string;
  readonly integrity: string;
  readonly optional?: true;
}

const tool: Package = { version: '1.2.0', integrity: 'sha512-AA' };
const binding: Package = { version: '1.2.0', integrity: 'sha512-BB', optional: true };

describe('ensure-installed', () => {
  const folder = scratchFolder();
  const marker = join(folder.path, 'installed');
  chmodSync(
    join(folder.path, folder.write('bin/npm', `#!/bin/sh\necho "$@" > ${marker}\n`)),
    0o755,
  );
  folder.write(
    'package-lock.json',
    JSON.stringify({
      packages: { '': { name: 'us' }, 'node_modules/tool': tool, 'node_modules/binding': binding },
    }),
  );

  /** Whether the script calls npm, with these packages in node_modules. */
  function installs(packages: Readonly<Record<string, Package>> | string | null): boolean {
    rmSync(marker, { force: true });
    rmSync(join(folder.path, 'node_modules'), { recursive: true, force: true });
    if (packages !== null) {
      const text = typeof packages === 'string' ? packages : JSON.stringify({ packages });
      const noted = join(folder.path, folder.write('node_modules/.package-lock.json', text));
      utimesSync(noted, 0, 0); // older than the lock file, as in a fresh checkout
    }
    const PATH = `${join(folder.path, 'bin')}${delimiter}${process.env.PATH}`;
    const { status } = spawnSync(process.execPath, [SCRIPT], {
      cwd: folder.path,
      env: { ...process.env, PATH },
    });
    equal(status, 0);
    return existsSync(marker);
  }

  it('does nothing where all locked packages are there, however old', () => {
    equal(installs({ 'node_modules/tool': tool, 'node_modules/binding': binding }), false);
  });

  it('misses no optional package of another platform', () => {
    equal(installs({ 'node_modules/tool': tool }), false);
  });

  for (const [what, packages] of [
    ['nothing is there', null],
    ['an installation broke off', '{"packages": {'],
    ['what npm noted says nothing', '{}'],
    ['a package lacks', { 'node_modules/binding': binding }],
    ['a package is of another version', { 'node_modules/tool': { ...tool, version: '1.1.0' } }],
    ['a package has another content', { 'node_modules/tool': { ...tool, integrity: 'sha512-CC' } }],
    [
      'an optional one is of another version',
      {
        'node_modules/tool': tool,
        'node_modules/binding': { ...binding, version: '1.1.0' },
      },
    ],
    [
      'a package is there that is not locked',
      { 'node_modules/tool': tool, 'node_modules/x': tool },
    ],
  ] as const) {
    it(`installs where ${what}`, () => {
      equal(installs(packages), true);
    });
  }
});

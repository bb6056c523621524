import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { moveDurably, writeDurably } from '../../src/party/durable-file.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

describe('durable file', () => {
  it('writes a file with its mode, in folders that need not exist', async () => {
    await withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'a', 'b', 'c.json');
      await writeDurably(path, 'one', { mode: 0o600 });
      await writeDurably(path, 'two', { mode: 0o600 });
      equal(await readFile(path, 'utf8'), 'two');
      equal((await stat(path)).mode & 0o777, 0o600);
      deepEqual(await readdir(join(directory, 'a', 'b')), ['c.json']);
    });
  });

  it('makes folders for their owner alone when asked', async () => {
    await withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'a', 'b', 'c');
      await writeDurably(path, 'one', { mode: 0o600, folderMode: 0o700 });
      for (const folder of ['a', join('a', 'b')]) {
        equal((await stat(join(directory, folder))).mode & 0o777, 0o700, folder);
      }
    });
  });

  it('replaces what an interrupted write left behind', async () => {
    await withTemporaryDirectory(async (directory) => {
      await writeFile(join(directory, '.c.json.tmp'), 'half of', { mode: 0o644 });
      await writeDurably(join(directory, 'c.json'), 'whole', { mode: 0o600 });
      deepEqual(await readdir(directory), ['c.json']);
      equal((await stat(join(directory, 'c.json'))).mode & 0o777, 0o600);
    });
  });

  it('leaves nothing when it fails', async () => {
    await withTemporaryDirectory(async (directory) => {
      await mkdir(join(directory, 'c.json'));
      await rejects(writeDurably(join(directory, 'c.json'), 'x', { mode: 0o600 }));
      deepEqual(await readdir(directory), ['c.json']);
    });
  });

  it('writes pieces in order, and moves a file to where it belongs', async () => {
    await withTemporaryDirectory(async (directory) => {
      const [from, to] = [join(directory, 'staged'), join(directory, 'a', 'b', 'result.csv')];
      const pieces = ['one,', 'two,', 'three'].map((text) => new TextEncoder().encode(text));
      await writeDurably(from, pieces, { mode: 0o640 });
      await moveDurably(from, to);
      equal(await readFile(to, 'utf8'), 'one,two,three');
      deepEqual(await readdir(directory), ['a']);
    });
  });

  it('shows a whole file or none when the process is killed at any moment', async () => {
    const size = 2_000_000;
    const module = new URL('../../src/party/durable-file.js', import.meta.url);
    const program = `
      import { moveDurably, writeDurably } from ${JSON.stringify(module.href)};
      for (let i = 0; ; i++) {
        await writeDurably(process.argv[1], String(i % 10).repeat(${size}), { mode: 0o600 });
        process.stdout.write('.');
      }`;
    await withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'model.json');
      for (const writes of [1, 3]) {
        const child = spawn(process.execPath, ['--input-type=module', '-e', program, path]);
        let seen = 0;
        for await (const chunk of child.stdout) {
          seen += (chunk as Buffer).length;
          if (seen >= writes) break;
        }
        child.kill('SIGKILL');
        await once(child, 'exit');
        const text = await readFile(path, 'utf8');
        ok(text === text.charAt(0).repeat(size), `${text.length} characters, not all the same`);
      }
      await writeDurably(path, 'after', { mode: 0o600 });
      deepEqual(await readdir(directory), ['model.json']);
    });
  });
});

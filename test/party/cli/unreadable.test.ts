import { deepEqual, equal } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliError } from '../../../src/party/cli/command.ts';
import { unreadable } from '../../../src/party/cli/unreadable.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

describe('a file that a command cannot read', () => {
  const of = (cause: unknown): CliError => unreadable('a.json', 'name another', cause);

  it('says why, as the system tells it', () =>
    withTemporaryDirectory(async (directory) => {
      const failed = (path: string): Promise<unknown> =>
        readFile(path).then(
          () => null,
          (cause: unknown) => cause,
        );
      equal(of(await failed(join(directory, 'none'))).message, 'a.json does not exist');
      equal(of(await failed(directory)).message, 'a.json is a folder');
      const denied = Object.assign(new Error('denied'), { code: 'EACCES' });
      equal(of(denied).message, 'a.json may not be read by you');
    }));

  it('says no more than that where the system tells nothing', () => {
    for (const cause of [new Error('broken'), Object.assign(new Error(), { code: 'EIO' }), null]) {
      const { message, hint, exit, cause: kept } = of(cause);
      deepEqual([message, hint, exit, kept], ['a.json cannot be read', 'name another', 1, cause]);
    }
  });
});

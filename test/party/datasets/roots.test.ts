import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict';
import { mkdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetError, DatasetErrorCode } from '../../../src/party/datasets/dataset-error.ts';
import { listDatasets, resolveDataset, stampOf } from '../../../src/party/datasets/roots.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('dataset roots', () => {
  const folder = scratchFolder();
  const root = join(folder.path, 'shared');
  const second = join(folder.path, 'more');
  const roots = [root, second];
  folder.write('secret.csv', 'id,x\n1,2\n');
  folder.write('shared-not/twin.csv', 'id,x\n1,2\n');
  folder.write('shared/a.csv', 'id,x\n1,2\n');
  folder.write('shared/deep/b.parquet', 'x');
  folder.write('more/a.csv', 'other');
  folder.write('more/c.JSON', '[]');
  folder.write('shared/readme.txt', '');
  mkdirSync(join(root, 'folder.csv'));
  symlinkSync(join(folder.path, 'secret.csv'), join(root, 'leak.csv'));
  symlinkSync(folder.path, join(root, 'up'));
  symlinkSync(join(root, 'a.csv'), join(root, 'alias.csv'));
  symlinkSync(join(root, 'nowhere'), join(root, 'dangling.csv'));

  it('finds relative and absolute names, the first root first', async () => {
    equal((await resolveDataset(roots, 'a.csv')).realPath, join(root, 'a.csv'));
    equal(
      (await resolveDataset(roots, './deep//b.parquet')).realPath,
      join(root, 'deep/b.parquet'),
    );
    equal((await resolveDataset(roots, 'c.JSON')).realPath, join(second, 'c.JSON'));
    equal((await resolveDataset(roots, join(second, 'a.csv'))).realPath, join(second, 'a.csv'));
    equal((await resolveDataset(roots, 'alias.csv')).realPath, join(root, 'a.csv'));
  });

  const refused: [string, DatasetErrorCode][] = [
    ['', 'bad_path'],
    ['x'.repeat(2000), 'bad_path'],
    ['a\u0000.csv', 'bad_path'],
    ['*.csv', 'bad_path'],
    ['a.cs?', 'bad_path'],
    ['[a].csv', 'bad_path'],
    ['http://host/a.csv', 'bad_path'],
    ['s3://bucket/a.csv', 'bad_path'],
    ['file:///etc/passwd', 'bad_path'],
    ['../secret.csv', 'outside_roots'],
    ['deep/../a.csv', 'outside_roots'],
    ['deep\\..\\..\\secret.csv', 'outside_roots'],
    ['/etc/passwd', 'outside_roots'],
    [join(folder.path, 'secret.csv'), 'outside_roots'],
    [join(folder.path, 'shared-not/twin.csv'), 'outside_roots'],
    [root, 'outside_roots'],
    ['leak.csv', 'outside_roots'],
    ['up/secret.csv', 'outside_roots'],
    ['none.csv', 'missing_dataset'],
    ['dangling.csv', 'missing_dataset'],
    ['a.csv/x', 'missing_dataset'],
    ['folder.csv', 'not_a_file'],
  ];
  for (const [name, code] of refused) {
    it(`refuses ${JSON.stringify(name.slice(0, 40).replace(folder.path, ''))}: ${code}`, async () => {
      await rejects(resolveDataset(roots, name), (error: DatasetError) => {
        equal(error.code, code);
        const shown = name.startsWith('/') ? error.message.replace(name, '') : error.message;
        equal(shown.includes(folder.path), false, 'the message shows no path of this machine');
        return true;
      });
    });
  }

  it('gives a stamp that changes with the file', async () => {
    folder.write('shared/t.csv', 'id\n1\n');
    const { realPath, stamp } = await resolveDataset(roots, 't.csv');
    equal(await stampOf(realPath), stamp);
    utimesSync(realPath, 1, 1);
    notEqual(await stampOf(realPath), stamp);
  });

  it('lists data files by suffix, none of them twice', async () => {
    deepEqual(
      (await listDatasets(roots)).filter((name) => name !== 't.csv'),
      ['a.csv', 'c.JSON', 'deep/b.parquet'],
    );
    deepEqual(await listDatasets([join(folder.path, 'absent')]), []);
  });
});

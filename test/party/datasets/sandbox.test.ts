import { deepEqual, rejects } from 'node:assert/strict';
import { join } from 'node:path';
import { resolveDataset } from '../../../src/party/datasets/roots.ts';
import { quoteText, withSandbox } from '../../../src/party/datasets/sandbox.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('database sandbox', () => {
  const folder = scratchFolder();
  const limits = { threads: 1, memoryLimit: '128MB' };
  folder.write('other.csv', 'a\n1\n');
  const name = folder.write("it's.csv", 'a\n7\n');

  it('reads the one file', async () => {
    const file = await resolveDataset([folder.path], name);
    const rows = await withSandbox(file, limits, async (connection) =>
      (await connection.runAndReadAll(`FROM read_csv(${quoteText(file.realPath)})`)).getRowsJson(),
    );
    deepEqual(rows, [['7']]);
  });

  it('opens nothing else, writes nothing and unlocks nothing', async () => {
    const file = await resolveDataset([folder.path], name);
    const path = (other: string): string => quoteText(join(folder.path, other));
    const refused = [
      `FROM read_csv(${path('other.csv')})`,
      `FROM read_csv(${path('*.csv')})`,
      `FROM read_csv(${path('sub/../other.csv')})`,
      `FROM read_csv('/etc/passwd')`,
      `FROM read_text('/etc/hostname')`,
      `FROM glob('/*')`,
      `FROM read_csv('http://127.0.0.1:9/a.csv')`,
      `COPY (SELECT 1) TO ${path('out.csv')}`,
      `ATTACH ${path('a.db')}`,
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      `SET allowed_paths = ['/etc/passwd']`,
      `SET allowed_directories = ['/']`,
      `SET temp_directory = '/'`,
    ];
    await withSandbox(file, limits, async (connection) => {
      for (const statement of refused) {
        await rejects(
          connection.runAndReadAll(statement),
          /permission|lock|disabled|not allowed/i,
          statement,
        );
      }
    });
  });
});

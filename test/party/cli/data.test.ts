import { deepEqual, equal, match } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Store } from '../../../src/party/store.ts';
import { runInProcess, setHttpPort, withNode } from '../../support/cli-run.ts';
import { startFakeNode } from '../../support/fake-node.ts';

describe('data', () => {
  it('registers, lists, shows and removes while the node is stopped', async () => {
    await withNode(async (dir, config) => {
      const run = (...argv: string[]) => runInProcess(['data', ...argv, '--config', config]);
      match((await run('list')).out, /No data yet/);
      await writeFile(join(dir, 'data/clients.csv'), 'id,age,name\n1,30,Ada\n2,40,Bob\n');
      const made = await run('register', 'clients', 'clients.csv');
      equal(made.code, 0, made.err);
      match(
        made.out,
        /^clients\.csv is dataset:clients for tasks\n.*datasets: \['dataset:clients'\]/,
      );
      equal((await run('list')).out, 'clients.csv\ndataset:clients\n');
      deepEqual((await run('list', '--json')).json, { paths: ['clients.csv', 'dataset:clients'] });
      equal(
        (await run('show', 'dataset:clients')).out,
        '  type  csv\n  rows  2\n  id    integer\n  age   integer\n  name  text\n',
      );
      deepEqual((await run('show', 'clients.csv', '--json')).json, {
        path: 'clients.csv',
        type: 'csv',
        rows: 2,
        columns: [
          { name: 'id', type: 'integer' },
          { name: 'age', type: 'integer' },
          { name: 'name', type: 'text' },
        ],
      });
      match((await run('remove', 'clients')).out, /the file is untouched/);
      equal((await run('list')).out, 'clients.csv\n');
    });
  });

  it('says what is wrong with a name, a path, a type', async () => {
    await withNode(async (dir, config) => {
      await writeFile(join(dir, 'data/a.csv'), 'id\n1\n');
      await writeFile(join(dir, 'data/table'), 'id\n1\n');
      const cases: [argv: string[], code: number, err: RegExp][] = [
        [['register', 'a', 'none.csv'], 1, /none\.csv: no such dataset\n {2}paths of data count/],
        [['register', 'a', '../policy.yaml', '--type', 'csv'], 1, /outside the folders/],
        [['register', 'a b', 'a.csv'], 1, /the name of a dataset has/],
        [['register', 'a', 'table'], 2, /tells no type\n {2}give --type/],
        [['remove', 'a'], 1, /there is no registered dataset/],
        [['show', 'dataset:a'], 1, /dataset:a: no such dataset/],
        [['list', '--party', 'orgB'], 4, /no node answers/],
      ];
      for (const [argv, code, message] of cases) {
        const result = await runInProcess(['data', ...argv, '--config', config]);
        equal(result.code, code, `${argv.join(' ')}: ${result.err}`);
        match(result.err, message);
      }
      const typed = ['data', 'register', 'a', 'table', '--type', 'csv', '--config', config];
      equal((await runInProcess(typed)).code, 0);
      const taken = await runInProcess(['data', 'register', 'a', 'a.csv', '--config', config]);
      match(taken.err, /dataset:a is table already; remove it first/);
    });
  });

  it('asks the running node, also for what a peer shows', async () => {
    await withNode(async (dir, config) => {
      const store = await Store.open(join(dir, 'state/store'));
      const node = await startFakeNode();
      await setHttpPort(config, node.port);
      const run = (...argv: string[]) => runInProcess(['data', ...argv, '--config', config]);
      const made = { name: 'a', path: 'a.csv', type: 'csv', created_at: '2026' };
      node.answers.set('POST /api/v1/datasets', { result: made });
      match((await run('register', 'a', 'a.csv')).out, /a\.csv is dataset:a/);
      deepEqual(node.calls[0]!.body, { name: 'a', path: 'a.csv', type: 'csv' });
      node.answers.set('GET /getDataProviders', { result: { data_providers: ['orgA', 'orgB'] } });
      node.answers.set('GET /getDataPath', { result: { data_path: ['a.csv'] } });
      equal((await run('list')).out, 'a.csv\n');
      equal(node.calls.at(-1)!.path, '/getDataPath?data_provider=orgA');
      equal((await run('list', '--party', 'orgB')).out, 'a.csv\n');
      equal(node.calls.at(-1)!.path, '/getDataPath?data_provider=orgB');
      node.answers.set('GET /getDataPath', { result: { data_path: [] } });
      match((await run('list', '--party', 'orgB')).out, /orgB shows no dataset to this node/);
      const columns = [{ name: 'id\u001b[2J', type: 'integer' }];
      const result = { data_type: 'csv', rows_num: 3, columns };
      node.answers.set('GET /getMetaData', { result });
      const shown = await run('show', 'x.csv', '--party', 'orgB');
      match(shown.out, /rows {2}3\n {2}id\?\[2J/);
      match(node.calls.at(-1)!.path, /data_provider=orgB&data_path=x\.csv/);
      const msg = 'orgB has no such dataset for this node';
      node.answers.set('GET /getMetaData', { status: 500, msg, code: 'REFUSED' });
      const refused = await run('show', 'x.csv', '--party', 'orgB');
      deepEqual([refused.code, /its policy\.yaml decides/.test(refused.err)], [3, true]);
      node.answers.set('DELETE /api/v1/datasets/a', { result: {} });
      equal((await run('remove', 'a')).code, 0);
      await node.close();
      await store.close();
    });
  });
});

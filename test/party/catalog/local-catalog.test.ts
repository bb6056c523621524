import { deepEqual, equal, rejects } from 'node:assert/strict';
import { join } from 'node:path';
import { datasetRegistry } from '../../../src/party/catalog/dataset-registry.ts';
import { type LocalCatalog, localCatalog } from '../../../src/party/catalog/local-catalog.ts';
import { createDatasets, type Datasets } from '../../../src/party/datasets/datasets.ts';
import { Store } from '../../../src/party/store.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('local catalog', () => {
  const folder = scratchFolder();
  let store: Store;
  let datasets: Datasets;
  let catalog: LocalCatalog;
  before(async () => {
    store = await Store.open(join(folder.path, 'store'));
    const registry = datasetRegistry(store, () => 0);
    const roots = [join(folder.path, 'data')];
    const limits = { threads: 1, memoryLimit: '256MB' };
    datasets = createDatasets({ roots, registered: registry.find, ...limits }, systemRng);
    catalog = localCatalog(datasets, registry);
    folder.write('data/credit/loans.csv', 'id,age\n1,30\n2,40\n');
    folder.write('data/notes.jsonl', '{"id": "x", "n": 1.5}\n');
    folder.write('data/table', 'id;age\n1;30\n');
    folder.write('secret.csv', 'id\n1\n');
  });
  after(() => store.close());

  it('lists files and registered names, and describes both', async () => {
    await catalog.register('loans', 'credit/loans.csv', 'CSV');
    await catalog.register('odd', 'table', 'csv');
    deepEqual(await catalog.paths(), [
      'credit/loans.csv',
      'dataset:loans',
      'dataset:odd',
      'notes.jsonl',
    ]);
    const loans = {
      type: 'csv',
      rows: 2,
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'age', type: 'integer' },
      ],
    };
    deepEqual(await catalog.metadata('credit/loans.csv'), loans);
    deepEqual(await catalog.metadata('dataset:loans'), loans);
    equal((await catalog.metadata('notes.jsonl')).type, 'json');
    equal((await catalog.metadata('dataset:odd')).rows, 1);
    await catalog.unregister('odd');
    deepEqual(
      (await catalog.registered()).map(({ name }) => name),
      ['loans'],
    );
  });

  it('registers only files that tasks can use', async () => {
    const register = (path: string, type = 'csv') => catalog.register('new', path, type);
    await rejects(register('none.csv'), { code: 'missing_dataset' });
    await rejects(register('../secret.csv'), { code: 'outside_roots' });
    await rejects(register('https://x.example/a.csv'), { code: 'bad_path' });
    await rejects(register('dataset:loans'), { code: 'bad_path' });
    await rejects(register('credit'), { code: 'not_a_file' });
    await rejects(register('credit/loans.csv', 'xls'), { code: 'bad_type' });
    await rejects(register('credit/loans.csv', 'parquet'), { code: 'malformed' });
    deepEqual((await catalog.registered()).map(({ name }) => name).includes('new'), false);
  });

  it('never names the file behind a name', async () => {
    folder.write('data/gone.csv', 'id\n1\n');
    await catalog.register('gone', 'gone.csv', 'csv');
    folder.write('data/gone.csv', 'id,id\n1,1\n');
    await rejects(catalog.metadata('dataset:gone'), ({ message }: Error) => {
      return message.includes('dataset:gone') && !message.includes('gone.csv');
    });
    await rejects(catalog.metadata('dataset:none'), { code: 'missing_dataset' });
    await rejects(datasets.columns('dataset:loans', 'json'), { code: 'bad_type' });
    await catalog.unregister('gone');
  });

  it('says what to do where a name tells no type', async () => {
    await rejects(catalog.metadata('table'), { code: 'bad_type', message: /register it/ });
  });
});

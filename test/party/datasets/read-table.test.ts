import { deepEqual, equal, rejects } from 'node:assert/strict';
import { DatasetError } from '../../../src/party/datasets/dataset-error.ts';
import { explain, readChecked } from '../../../src/party/datasets/read-table.ts';
import { resolveDataset } from '../../../src/party/datasets/roots.ts';
import type { Table } from '../../../src/party/datasets/table.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('reading a table', () => {
  const folder = scratchFolder();
  const table = async (content: string): Promise<Table> => {
    const plain: Table = {
      file: await resolveDataset([folder.path], folder.write('t.csv', content)),
      type: 'csv',
      names: ['a', 'b'],
      storage: ['text', 'text'],
      relation: (reading) => reading,
      header: { delimiter: ',', names: ['a', 'b'] },
      withKeys: () => plain,
    };
    return plain;
  };

  /** What the database would answer: a number of rows, or an error. */
  async function read(
    content: string,
    plainLines: number | null,
    answers: Record<string, number | Error>,
  ) {
    const asked: string[] = [];
    const result = await readChecked(await table(content), plainLines, async (relation) => {
      asked.push(relation);
      const answer = answers[relation]!;
      if (answer instanceof Error) throw answer;
      return { rowCount: answer };
    });
    return { asked, ...result };
  }

  const twoRows = 'a,b\n1,2\n3,4\n';

  it('believes the parallel reader when it counts as many records as there are lines', async () => {
    deepEqual(await read(twoRows, 3, { parallel: 2 }), { asked: ['parallel'], rowCount: 2 });
  });

  it('reads again by one thread when a record was lost or the parallel reader failed', async () => {
    const twice = { asked: ['parallel', 'serial'], rowCount: 2 };
    deepEqual(await read(twoRows, 3, { parallel: 1, serial: 2 }), twice);
    deepEqual(await read(twoRows, 3, { parallel: new Error('full read'), serial: 2 }), twice);
    const miscount = new DatasetError('changed', '');
    deepEqual(await read(twoRows, 3, { parallel: miscount, serial: 2 }), twice);
  });

  it('reads a file with quotes by one thread, and counts its records apart', async () => {
    const quoted = 'a,b\n"1\n",2\n';
    deepEqual(await read(quoted, null, { serial: 1 }), { asked: ['serial'], rowCount: 1 });
    await rejects(read(quoted, null, { serial: 2 }), { code: 'malformed' });
    await rejects(read('a,b\n1,2\n"3,4\n', null, { serial: 1 }), {
      code: 'malformed',
      message: /row 2/,
    });
  });

  it('passes on what is wrong with a cell without reading again', async () => {
    const fault = new DatasetError('not_numeric', 'row 1');
    await rejects(read(twoRows, 3, { parallel: fault, serial: 2 }), fault);
  });

  it('explains an error of the database without its text', async () => {
    const quoting = new Error('CSV Error on Line: 2\nOriginal Line: planted-5ecret');
    const cases: [string, Error, string][] = [
      ['a,b\n1\n', quoting, 't.csv: row 1 (line 2) has 1 fields where the header has 2'],
      [twoRows, quoting, 't.csv: not well-formed csv'],
      [
        twoRows,
        new Error('Out of Memory Error: 5ecret'),
        't.csv: needs more than data.memoryLimit to read',
      ],
    ];
    for (const [content, error, message] of cases) {
      const explained = await explain(error, await table(content));
      equal(explained.message, message);
      equal(explained.cause, undefined);
    }
    const json = { ...(await table('')), type: 'json', header: null } as const;
    const { message } = await explain(new Error('Malformed JSON, in record/value 3: 5ecret'), json);
    equal(message, 't.csv: not well-formed json near record 3');
  });
});

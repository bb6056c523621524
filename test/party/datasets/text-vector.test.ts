import { deepEqual, equal } from 'node:assert/strict';
import { type DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { chunkTexts } from '../../../src/party/datasets/text-vector.ts';
import { stringsOf } from '../../support/text-columns.ts';

const UNLIMITED = 2 ** 31;

describe('texts of a chunk', () => {
  /** What `use` makes of every chunk of a query's result, while the database is open. */
  async function overChunks<T>(query: string, use: (chunk: DuckDBDataChunk) => T): Promise<T[]> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    try {
      const result = await connection.stream(query);
      const made: T[] = [];
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) return made;
        made.push(use(chunk));
      }
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  /** Both ways to read the texts of column c of a table expression. */
  async function agrees(table: string, rows: number): Promise<void> {
    const chunks = await overChunks(`SELECT 7, c FROM ${table}`, (chunk) => ({
      texts: stringsOf(chunkTexts(chunk, 1, UNLIMITED)!),
      expected: chunk.getColumnValues(1),
    }));
    for (const { texts, expected } of chunks) deepEqual(texts, expected, table.slice(0, 60));
    equal(chunks.flatMap(({ texts }) => texts).length, rows);
  }

  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

  it('are those of the library, whatever they are', async () => {
    const unit = fc.constantFrom('a', '"', ',', '\n', "'", 'é', '漢', '😀', '\u0301', ' ');
    const text = fc.string({ unit, maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 40 }), async (texts) => {
        const values = texts.map((each) => `(${quoted(each)})`).join(', ');
        await agrees(`(VALUES ${values}) AS t(c)`, texts.length);
      }),
      { numRuns: 40 },
    );
  });

  it('are right around the length that a cell holds itself, and far beyond it', async () => {
    const lengths = [0, 1, 11, 12, 13, 14, 0, 40, 12, 5_000, 3, 70_000, 13, 13, 12];
    const values = lengths.map((length, i) => `(repeat('${'abc'[i % 3]}', ${length}))`).join(', ');
    await agrees(`(VALUES ${values}) AS t(c)`, lengths.length);
    await agrees(`(VALUES ${lengths.map(() => `('')`).join(', ')}) AS t(c)`, lengths.length);
  });

  it('are right over many chunks, however the database holds them', async () => {
    const n = 10_000;
    const numbers = `range(${n}) AS r(i)`;
    const long = `'a text that a cell does not hold '`;
    for (const cell of [
      `${long} || i`,
      `repeat('x', (i * 7919 % 30)::INTEGER)`,
      long,
      `[${long}, 'short', ${long} || 'er'][1 + i % 3]`,
      `substr(${long} || i, 1 + (i % 8)::INTEGER)`,
      `CAST(([${long}, 'b'][1 + i % 2]) AS VARCHAR)`,
    ]) {
      await agrees(`(SELECT ${cell} AS c FROM ${numbers})`, n);
    }
    await agrees(`(SELECT 'row number ' || i AS c FROM ${numbers} ORDER BY hash(i))`, n);
  });

  it('are refused where they are more bytes than the caller takes', async () => {
    const table = `(VALUES ('abc'), (repeat('d', 20))) AS t(c)`;
    const sizes = await overChunks(`SELECT c FROM ${table}`, (chunk) =>
      [22, 23].map((most) => chunkTexts(chunk, 0, most)?.bytes.length ?? null),
    );
    deepEqual(sizes, [[null, 23]]);
  });
});

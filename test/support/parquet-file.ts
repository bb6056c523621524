import { DuckDBInstance } from '@duckdb/node-api';

/** Writes the result of a query as a Parquet (or by suffix another) file. */
export async function writeQueryResult(path: string, query: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run(`COPY (${query}) TO '${path}' (FORMAT parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

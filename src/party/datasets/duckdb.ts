import { createRequire } from 'node:module';

type DuckDb = typeof import('@duckdb/node-api');

/**
 * The database. Required, for an `import` would first search its 184 CommonJS files for the names that they
 * export: of the 0.25 s it takes to load, 0.15 s.
 */
export const duckdb: Pick<DuckDb, 'DuckDBBlobVector' | 'DuckDBInstance'> = createRequire(
  import.meta.url,
)('@duckdb/node-api') as DuckDb;

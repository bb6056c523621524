/**
 * A table of any size for benchmarks, split between two parties, the same for the same shape and seed.
 * Columns share a common factor (correlation about 0.2) and differ in unit and offset; the labels follow a
 * logistic model of all columns, whose logits have deviation 1.5: |z| < 8 at a million rows.
 */
import { DOUBLE, DuckDBDataChunk, DuckDBInstance, INTEGER } from '@duckdb/node-api';
import { type Matrix, matrix } from '../src/ml/data/matrix.ts';
import { seededGenerator } from '../src/ml/data/random.ts';
import { sigmoid } from '../src/ml/linear/link.ts';

export interface TableShape {
  readonly n: number;
  /** Columns of the guest, who holds the labels. */
  readonly da: number;
  /** Columns of the host. */
  readonly dh: number;
  readonly seed: number;
}

export const LABEL_COLUMN = 'y';

/** Loading of every column on the common factor. */
const COMMON = 0.5;
const LOGIT_DEVIATION = 1.5;
const LOGIT_MEAN = -0.5;

/** `guest` and `host` hold the row's values until the call returns. */
type Visit = (row: number, guest: Float64Array, host: Float64Array, label: number) => void;

function eachRow({ n, da, dh, seed }: TableShape, visit: Visit): void {
  const d = da + dh;
  const effects = Float64Array.from({ length: d }, (_, j) => ((j * 5) % 7) - 2.5);
  const shared = COMMON * effects.reduce((sum, w) => sum + w, 0);
  const variance = shared * shared + effects.reduce((sum, w) => sum + w * w, 0);
  const scale = LOGIT_DEVIATION / Math.sqrt(variance);

  const next = seededGenerator(seed);
  const normal = normals(next);
  const values = new Float64Array(d);
  const [guest, host] = [values.subarray(0, da), values.subarray(da)];
  for (let row = 0; row < n; row++) {
    const common = COMMON * normal();
    let z = 0;
    for (let j = 0; j < d; j++) {
      const x = common + normal();
      z += effects[j]! * x;
      values[j] = 10 ** (j % 3) * (x + (j % 5) - 2);
    }
    visit(row, guest, host, Number(next() / 2 ** 32 < sigmoid(LOGIT_MEAN + scale * z)));
  }
}

/** Standard normals by Box-Muller, [BM58]. */
function normals(next: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32));
    const angle = (2 * Math.PI * next()) / 2 ** 32;
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** One party's columns, and the labels: [n, da] or [n, dh]. */
export function blockOf(
  shape: TableShape,
  party: 'guest' | 'host',
): { readonly X: Matrix; readonly y: Float64Array } {
  const d = party === 'guest' ? shape.da : shape.dh;
  const values = new Float64Array(shape.n * d);
  const y = new Float64Array(shape.n);
  eachRow(shape, (row, guest, host, label) => {
    values.set(party === 'guest' ? guest : host, row * d);
    y[row] = label;
  });
  return { X: matrix(values, shape.n, d), y };
}

/** Guest's and host's columns side by side: [n, da + dh]. */
export function joinedTable(shape: TableShape): { readonly X: Matrix; readonly y: Float64Array } {
  const d = shape.da + shape.dh;
  const values = new Float64Array(shape.n * d);
  const y = new Float64Array(shape.n);
  eachRow(shape, (row, guest, host, label) => {
    values.set(guest, row * d);
    values.set(host, row * d + shape.da);
    y[row] = label;
  });
  return { X: matrix(values, shape.n, d), y };
}

/** g0, g1, ... or h0, h1, ...: the names of a party's columns in its file. */
export function columnNames(shape: TableShape, party: 'guest' | 'host'): string[] {
  const d = party === 'guest' ? shape.da : shape.dh;
  return Array.from({ length: d }, (_, j) => `${party[0]}${j}`);
}

/**
 * Writes each party's columns, the guest's with the labels, as Parquet. Row i is the same record. Where there are several
 * files of the host, each has as many of its columns.
 */
export async function writeParquet(
  shape: TableShape,
  files: { readonly guest: string; readonly host: string | readonly string[] },
): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const party of ['guest', 'host'] as const) {
      const columns = columnNames(shape, party).map((name) => `${name} double`);
      if (party === 'guest') columns.push(`${LABEL_COLUMN} integer`);
      await connection.run(`create table ${party} (${columns.join(', ')})`);
    }
    const guestTypes = [...Array<typeof DOUBLE>(shape.da).fill(DOUBLE), INTEGER];
    const guestRows = new RowWriter(await connection.createAppender('guest'), guestTypes);
    const hostTypes = Array<typeof DOUBLE>(shape.dh).fill(DOUBLE);
    const hostRows = new RowWriter(await connection.createAppender('host'), hostTypes);
    eachRow(shape, (_, guest, host, label) => {
      guestRows.add([...guest, label]);
      hostRows.add(host);
    });
    for (const rows of [guestRows, hostRows]) rows.close();
    await connection.run(`copy guest to '${files.guest}' (format parquet)`);
    const hosts = typeof files.host === 'string' ? [files.host] : files.host;
    const names = columnNames(shape, 'host');
    const width = Math.ceil(names.length / hosts.length);
    for (const [h, file] of hosts.entries()) {
      const own = names.slice(h * width, (h + 1) * width);
      await connection.run(
        `copy (select ${own.join(', ')} from host) to '${file}' (format parquet)`,
      );
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

type Appender = Awaited<
  ReturnType<Awaited<ReturnType<DuckDBInstance['connect']>>['createAppender']>
>;

type ColumnType = typeof DOUBLE | typeof INTEGER;

/** Rows of a chunk: DuckDB's vector size. */
const CHUNK_ROWS = 2048;

/** Appends rows by chunks of columns; value by value takes ten times as long. */
class RowWriter {
  readonly #appender: Appender;
  readonly #types: readonly ColumnType[];
  #columns: number[][];

  constructor(appender: Appender, types: readonly ColumnType[]) {
    this.#appender = appender;
    this.#types = types;
    this.#columns = types.map(() => []);
  }

  add(row: ArrayLike<number>): void {
    for (let j = 0; j < this.#columns.length; j++) this.#columns[j]!.push(row[j]!);
    if (this.#columns[0]!.length === CHUNK_ROWS) this.#flush();
  }

  close(): void {
    if (this.#columns[0]!.length > 0) this.#flush();
    this.#appender.closeSync();
  }

  #flush(): void {
    const chunk = DuckDBDataChunk.create(this.#types, this.#columns[0]!.length);
    chunk.setColumns(this.#columns);
    this.#appender.appendDataChunk(chunk);
    this.#columns = this.#types.map(() => []);
  }
}

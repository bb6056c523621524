/** The files of `psi.ts`: what the parties read, and whether what they wrote is right. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { permutation, seededGenerator } from '../src/ml/data/random.ts';
import { createDatasets, type DatasetOffer } from '../src/party/datasets/datasets.ts';
import { systemRng } from '../src/protocols/primitives/rng.ts';

export const KEY_COLUMN = 'customer';
export const KEYS_FILE = 'keys.csv';
export const RESULT_FILE = 'intersection.csv';

/** Rows of text a write. */
const BATCH_ROWS = 8192;

export interface KeySets {
  /** Rows of each party. */
  readonly n: number;
  readonly parties: number;
  readonly seed: number;
}

/** Keys that every party has: the numbers below this one. */
function commonCount(n: number): number {
  return Math.floor(n / 2);
}

/** Writes a party's table: its key and one more column, in an order of its own. */
export async function writeKeys(folder: string, keys: KeySets, party: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const order = permutation(keys.n, seededGenerator(keys.seed * keys.parties + party));
  const common = commonCount(keys.n);
  const own = party * (keys.n - common);
  function* chunks(): Generator<string> {
    yield `${KEY_COLUMN},balance\n`;
    for (let from = 0; from < order.length; from += BATCH_ROWS) {
      let text = '';
      for (const row of order.subarray(from, from + BATCH_ROWS)) {
        const key = row < common ? row : own + row;
        text += `customer-${String(key).padStart(10, '0')},${(key * 7) % 1000}\n`;
      }
      yield text;
    }
  }
  await pipeline(Readable.from(chunks()), createWriteStream(join(folder, KEYS_FILE)));
}

/** The files of one folder, read as a node reads them. */
export function datasetsOf(folder: string): ReturnType<typeof createDatasets> {
  return createDatasets({ roots: [folder], threads: 2, memoryLimit: '2GB' }, systemRng);
}

/** What a party says of its table before there is a contract. */
export function describeFile(folder: string): Promise<DatasetOffer> {
  return datasetsOf(folder).terms({
    path: KEYS_FILE,
    type: 'csv',
    keyColumns: [KEY_COLUMN],
    label: null,
    selectColumns: null,
    discreteColumns: [],
    payload: [],
    encoding: [],
  });
}

/** Whether every party's file has exactly the common keys, each once, in one order. */
export async function checkFiles(folders: readonly string[], { n }: KeySets): Promise<boolean> {
  const common = commonCount(n);
  const seen = new Uint8Array(common);
  const files = folders.map((folder) =>
    createInterface({ input: createReadStream(join(folder, RESULT_FILE)) })[Symbol.asyncIterator](),
  );
  for (let line = 0; ; line++) {
    const texts = await Promise.all(files.map((file) => file.next()));
    if (texts.every(({ done }) => done)) return line === common + 1;
    const [first] = texts;
    if (texts.some(({ done, value }) => done || value !== first!.value)) return false;
    if (line === 0) {
      if (first!.value !== KEY_COLUMN) return false;
      continue;
    }
    const key = Number(/^customer-(\d{10})$/.exec(first!.value as string)?.[1]);
    if (!(key < common) || seen[key] === 1) return false;
    seen[key] = 1;
  }
}

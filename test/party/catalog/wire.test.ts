import { deepEqual, equal, throws } from 'node:assert/strict';
import {
  decodeMetadata,
  decodePath,
  decodePaths,
  encodeMetadata,
  encodePaths,
  encodeRefusal,
} from '../../../src/party/catalog/wire.ts';

const COLUMN = { name: 'id', type: 'integer' };
const metadata = (change: object): Parameters<typeof decodeMetadata>[0] => ({
  result: { $case: 'metadata', value: { type: 'csv', rows: 1, columns: [COLUMN], ...change } },
});

describe('catalog wire', () => {
  it('returns what was encoded', () => {
    deepEqual(decodePaths(encodePaths(['a.csv', 'dataset:b'])), ['a.csv', 'dataset:b']);
    const value = { type: 'csv', rows: 3, columns: [COLUMN] };
    deepEqual(decodeMetadata(encodeMetadata(value)!), value);
    equal(decodeMetadata(encodeRefusal('dataset/malformed')), 'dataset/malformed');
  });

  it('encodes no more than one answer may hold', () => {
    const long = Array.from({ length: 3000 }, (_, i) => `${i}${'x'.repeat(1000)}`);
    const { paths } = encodePaths(['y'.repeat(1025), ...long]);
    equal(paths.length < 3000 && paths.length > 2000, true, String(paths.length));
    equal(paths[0], long[0]);
    const columns = (count: number, chars: number) =>
      Array.from({ length: count }, (_, i) => ({ name: `${i}`.padEnd(chars, 'x'), type: 'text' }));
    const encoded = (given: readonly (typeof COLUMN)[]) =>
      encodeMetadata({ type: 'csv', rows: 1, columns: given });
    equal(encoded(columns(10_001, 5)), undefined);
    equal(encoded(columns(5000, 500)), undefined);
    equal(encoded(columns(1, 513)), undefined);
    equal(encoded(columns(10_000, 20))?.result?.$case, 'metadata');
  });

  it('refuses each answer that breaks its form', () => {
    const bad = { name: 'CatalogFormatError' };
    throws(() => decodePaths({ paths: [''] }), bad);
    throws(() => decodePaths({ paths: ['x'.repeat(1025)] }), bad);
    throws(() => decodePaths({ paths: Array.from({ length: 10_001 }, () => 'x') }), bad);
    throws(() => decodePath({ path: '' }), bad);
    throws(() => decodePath({ path: 'x'.repeat(1025) }), bad);
    throws(() => decodeMetadata({ result: undefined }), bad);
    throws(() => decodeMetadata(encodeRefusal('whatever')), bad);
    throws(() => decodeMetadata(encodeRefusal('dataset/A B')), bad);
    const changes = [
      { type: 'xls' },
      { rows: 2 ** 31 },
      { columns: [{ ...COLUMN, name: '' }] },
      { columns: [{ ...COLUMN, name: 'x'.repeat(513) }] },
      { columns: [{ ...COLUMN, type: 'secret' }] },
      { columns: Array.from({ length: 10_001 }, () => COLUMN) },
    ];
    for (const change of changes) throws(() => decodeMetadata(metadata(change)), bad);
  });
});

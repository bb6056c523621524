import { deepEqual, throws } from 'node:assert/strict';
import { parseKeyColumns, rejectRepeated } from '../../../src/party/http/key-columns.ts';

describe('key columns', () => {
  it('are one or several, in the order given', () => {
    deepEqual(parseKeyColumns('key_column', 'id'), ['id']);
    deepEqual(parseKeyColumns('key_column', ['b', 'a']), ['b', 'a']);
  });

  it('are named once', () => {
    const refused = { name: 'ApiError', code: 'INVALID_REQUEST', message: /^f names b twice; / };
    throws(() => parseKeyColumns('f', ['a', 'b', 'b']), refused);
    throws(() => rejectRepeated('f', ['b', 'a', 'b']), refused);
    rejectRepeated('f', ['a', 'A']);
  });
});

import { deepEqual, throws } from 'node:assert/strict';
import Type from 'typebox';
import { checkQuery } from '../../../src/party/http/query-values.ts';

const Query = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
  name: Type.Optional(Type.String()),
});

describe('query values', () => {
  it('are numbers where the schema has integers', () => {
    deepEqual(checkQuery(Query, { limit: '7', name: '7' }), { limit: 7, name: '7' });
    deepEqual(checkQuery(Query, {}), {});
    deepEqual(checkQuery(Query, undefined), {});
  });

  it('are refused by name', () => {
    for (const [given, message] of [
      [{ limit: '11' }, 'limit must be <= 10'],
      [{ limit: '-1' }, 'limit must be >= 1'],
      [{ limit: ' 1' }, 'limit must be integer'],
      [{ limit: '0x1' }, 'limit must be integer'],
      [{ limit: '9'.repeat(400) }, 'limit must be integer'],
      [{ limit: ['1', '2'] }, 'limit must be integer'],
      [{ name: ['a', 'b'] }, 'name must be string'],
      [{ nam: 'a' }, 'nam is not known here; known: limit, name'],
      [{ constructor: 'a' }, 'constructor is not known here; known: limit, name'],
    ] as const) {
      throws(() => checkQuery(Query, given), { code: 'INVALID_REQUEST', message });
    }
  });
});

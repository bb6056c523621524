import { deepEqual, equal, match } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { as, CATALOG, errorOf, fakeServer } from '../../support/http-server.ts';

const headers = as('coordinator');

describe('catalog routes', () => {
  it('say who has which data, under both paths', async () => {
    const { app } = fakeServer();
    const cases: [url: string, result: object][] = [
      ['/getDataProviders', { data_providers: ['orgA', 'orgB'] }],
      ['/getDataPath?data_provider=orgB', { data_path: ['a.csv', 'dataset:loans'] }],
      [
        '/getMetaData?data_provider=orgB&data_path=a.csv',
        {
          data_type: 'csv',
          rows_num: 7,
          columns_num: 2,
          columns_name: ['id', 'f1'],
          columns: [
            { name: 'id', type: 'text' },
            { name: 'f1', type: 'number' },
          ],
        },
      ],
    ];
    for (const [url, result] of cases) {
      for (const prefix of ['', '/api/v1']) {
        const reply = await app.inject({ url: `${prefix}${url}`, headers });
        deepEqual(reply.json(), { status: 200, result, msg: 'success' });
      }
    }
  });

  it('pass names and paths on as they are', async () => {
    const asked: string[] = [];
    const catalog = {
      ...CATALOG,
      metadata: async (provider: string, path: string) => {
        asked.push(provider, path);
        return { type: 'csv', rows: 0, columns: [] };
      },
    };
    const query = { data_provider: 'Org Ü', data_path: 'a b/ü&c=1.csv' };
    const { app } = fakeServer({ catalog });
    equal((await app.inject({ url: '/getMetaData', query, headers })).statusCode, 200);
    deepEqual(asked, ['Org Ü', 'a b/ü&c=1.csv']);
  });

  it('name what is missing or wrong, and what the party says', async () => {
    const catalog = {
      ...CATALOG,
      paths: () => Promise.reject(new ApiError('UNKNOWN_PARTY', 'orgX is no party')),
      metadata: () => Promise.reject(new ApiError('UNREACHABLE', 'orgB cannot be reached')),
    };
    const { app } = fakeServer({ catalog });
    for (const [url, status, message] of [
      ['/getDataPath', 400, /required properties data_provider$/],
      ['/getDataPath?data_provider=', 400, /^data_provider must not have fewer than 1/],
      ['/getDataPath?provider=a', 400, /^provider is not known here; known: data_provider$/],
      ['/getMetaData?data_provider=a', 400, /required properties data_path$/],
      ['/getDataProviders?x=1', 200, /success/],
      ['/getDataPath?data_provider=orgX', 400, /^orgX is no party$/],
      ['/getMetaData?data_provider=orgB&data_path=a', 500, /^orgB cannot be reached$/],
    ] as const) {
      const reply = await app.inject({ url, headers });
      equal(reply.statusCode, status, url);
      match(reply.json().msg, message);
      if (status !== 200) errorOf(reply);
    }
  });
});

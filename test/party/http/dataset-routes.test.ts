import { deepEqual, equal, match } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { as, CATALOG, errorOf, fakeServer } from '../../support/http-server.ts';

const url = '/api/v1/datasets';
const headers = as('admin');
const DATASET = {
  name: 'loans',
  path: 'loans.csv',
  type: 'csv',
  created_at: '2026-02-03T12:00:00.000Z',
};

describe('dataset routes', () => {
  it('register, list and take away', async () => {
    const { app } = fakeServer();
    const payload = { name: 'loans', path: 'loans.csv', type: 'CSV' };
    const made = await app.inject({ method: 'POST', url, headers, payload });
    deepEqual(made.json(), { status: 200, result: DATASET, msg: 'success' });
    const listed = await app.inject({ url, headers: as('auditor') });
    deepEqual(listed.json().result, { datasets: [DATASET] });
    const gone = await app.inject({ method: 'DELETE', url: `${url}/loans`, headers });
    deepEqual(gone.json().result, { name: 'loans' });
  });

  it('refuse what cannot be', async () => {
    const catalog = {
      ...CATALOG,
      register: () => Promise.reject(new ApiError('DATASET_UNUSABLE', 'x.csv: no such dataset')),
      unregister: () => Promise.reject(new ApiError('NOT_FOUND', 'no dataset has this name')),
    };
    const { app } = fakeServer({ catalog });
    const good = { name: 'loans', path: 'x.csv', type: 'csv' };
    for (const [payload, message] of [
      [{ ...good, name: '../x' }, /^name must match pattern/],
      [{ ...good, name: 'x'.repeat(65) }, /^name must match pattern/],
      [{ ...good, type: 'xls' }, /^type must be one of csv, json, parquet$/],
      [{ ...good, path: '' }, /^path must not have fewer/],
      [{ name: 'a' }, /required properties path, type$/],
      [{ ...good, public: true }, /^public is not known here$/],
      [good, /^x\.csv: no such dataset$/],
    ] as const) {
      const { status, msg } = errorOf(await app.inject({ method: 'POST', url, headers, payload }));
      equal(status, 400);
      match(msg, message);
    }
    const remove = (name: string) =>
      app.inject({ method: 'DELETE', url: `${url}/${name}`, headers });
    equal(errorOf(await remove('loans')).status, 404);
    equal(errorOf(await remove('..%2fx')).status, 400);
  });
});

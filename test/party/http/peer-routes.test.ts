import { deepEqual, equal } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { as, errorOf, fakeServer } from '../../support/http-server.ts';

const url = '/api/v1/peers';

describe('peer routes', () => {
  it('list the pinned peers, and read them again', async () => {
    const certificatePem = 'certificate';
    const peer = { name: 'orgB', fingerprint: 'cd'.repeat(32), address: 'b.example:7400' };
    let found: (typeof peer & { certificatePem: string })[] = [];
    const peers = {
      list: () => found,
      reload: async () => {
        found = [{ ...peer, certificatePem }];
      },
    };
    const { app } = fakeServer({ peers });
    const headers = as('admin');
    deepEqual((await app.inject({ url, headers })).json().result, { peers: [] });
    const reloaded = await app.inject({ method: 'POST', url: `${url}/reload`, headers });
    deepEqual(reloaded.json().result, { peers: [peer] });
    deepEqual((await app.inject({ url, headers: as('auditor') })).json().result, { peers: [peer] });
  });

  it('say what is wrong with the configuration', async () => {
    const peers = {
      list: () => [],
      reload: () => Promise.reject(new ApiError('INVALID_REQUEST', 'peers[0].name expected ...')),
    };
    const { app } = fakeServer({ peers });
    const reply = await app.inject({ method: 'POST', url: `${url}/reload`, headers: as('admin') });
    equal(errorOf(reply).msg, 'peers[0].name expected ...');
  });
});

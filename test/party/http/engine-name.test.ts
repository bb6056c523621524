import { equal } from 'node:assert/strict';
import { engineOf } from '../../../src/party/http/engine-name.ts';

describe('engine name', () => {
  it('is known in every spelling, and in no other', () => {
    const known = { auto: 'auto', RR22: 'rr22', rr22: 'rr22', DH: 'ecdh', Ecdh: 'ecdh' };
    for (const [name, engine] of Object.entries(known)) equal(engineOf(name), engine, name);
    for (const name of ['', 'HE', 'rr 22', 'toString']) equal(engineOf(name), undefined, name);
  });
});

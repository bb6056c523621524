import { deepEqual, equal, throws } from 'node:assert/strict';
import { createIdentity } from '../../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../../src/party/peers.ts';
import { recordOf } from '../support/transports.ts';

describe('peers', () => {
  let a: PeerRecord;
  let b: PeerRecord;

  before(async () => {
    a = recordOf(await createIdentity('orgA'), 7000);
    b = recordOf(await createIdentity('orgB'), 7000);
  });

  /** The record is refused, and the error names it and the reason. */
  const refuses = (records: PeerRecord[], reason: RegExp): void => {
    throws(
      () => peerBook(records),
      (error) => {
        const { message } = error as Error;
        return error instanceof TypeError && reason.test(message) && /peer ".*"/.test(message);
      },
    );
  };

  it('finds peers by name and by key', () => {
    const book = peerBook([a, b]);
    deepEqual(book.all, [a, b]);
    equal(book.byName('orgB'), b);
    equal(book.byName('orgb'), undefined);
    equal(book.byFingerprint(a.fingerprint), a);
    equal(book.byFingerprint('00'), undefined);
  });

  it('takes host names, IPv4 and IPv6 addresses', () => {
    for (const address of ['b.example:1', '10.0.0.1:65535', '[::1]:80']) {
      equal(peerBook([{ ...b, address }]).all.length, 1);
    }
  });

  it('refuses other addresses', () => {
    for (const address of [
      '',
      'host',
      ':1',
      'host:',
      'host:0',
      'host:65536',
      'http://h:1',
      '::1:80',
    ]) {
      refuses([{ ...b, address }], /"orgB".*host:port/);
    }
  });

  it('refuses a name that the certificate does not bear', () => {
    refuses([{ ...b, name: 'orgC' }], /"orgC".*names "orgB"/);
    refuses([{ ...b, name: 'orgb' }], /"orgb".*names "orgB"/);
    refuses([{ ...b, name: 'no name' }], /its name/);
  });

  it('refuses a fingerprint that is not the key', () => {
    refuses([{ ...b, fingerprint: a.fingerprint }], /"orgB".*fingerprint/);
    refuses([{ ...b, fingerprint: b.fingerprint.toUpperCase() }], /"orgB".*fingerprint/);
  });

  it('refuses what is no certificate', () => {
    refuses([{ ...b, certificatePem: 'x' }], /"orgB".*cannot be read/);
  });

  it('refuses two peers of one name or one key', async () => {
    const twin = recordOf(await createIdentity('ORGB'), 7000);
    refuses([b, twin], /"ORGB".*used twice/);
    refuses([b, b], /"orgB".*used twice/);
  });
});

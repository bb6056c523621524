import { deepEqual, equal, notEqual, throws } from 'node:assert/strict';
import {
  type CommittedDisclosure,
  commitTo,
  committingLedger,
  valueCommitment,
} from '../../../src/party/audit/value-commitment.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('value commitment', () => {
  it('commits to a value with a salt', () => {
    const value = Uint8Array.of(1, 2, 3);
    const salt = new Uint8Array(32);
    // openssl dgst -sha256 -mac HMAC -macopt hexkey:00..00 over 01 02 03
    equal(
      valueCommitment(salt, value),
      'c25cf64db0f3339e7e80fbd6e0be879956a6a3d7e4987a2a4d01fb90f27b5639',
    );
    notEqual(valueCommitment(salt.fill(1), value), valueCommitment(new Uint8Array(32), value));
    throws(() => valueCommitment(new Uint8Array(16), value), RangeError);
  });

  it('is salted anew each time', () => {
    const rng = seededRng('salt');
    const value = Uint8Array.of(1);
    const [first, second] = [commitTo(value, rng), commitTo(value, rng)];
    notEqual(first.salt, second.salt);
    notEqual(first.commitment, second.commitment);
    equal(valueCommitment(Buffer.from(second.salt, 'hex'), value), second.commitment);
  });

  it('stands for the value in what leaves a program', async () => {
    const left: CommittedDisclosure[] = [];
    const ledger = committingLedger(
      { record: async (disclosure) => void left.push(disclosure) },
      seededRng('ledger'),
    );
    const terms = { class: 'metrics', to: ['orgA'], elements: 2 };
    const value = Uint8Array.of(7, 8, 9);
    await ledger.record({ ...terms, value });
    await ledger.record({ ...terms, value: null });
    const { salt, commitment } = left[0]!.value!;
    equal(valueCommitment(Buffer.from(salt, 'hex'), value), commitment);
    deepEqual(left, [
      { ...terms, value: { salt, commitment } },
      { ...terms, value: null },
    ]);
  });
});

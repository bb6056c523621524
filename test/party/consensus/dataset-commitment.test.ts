import { equal, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { datasetCommitment } from '../../../src/party/consensus/dataset-commitment.ts';

describe('dataset commitment', () => {
  it('has the salt in front of the digest', () => {
    const digest = new Uint8Array(32).fill(7);
    const salt = new Uint8Array(32).fill(9);
    const expected = createHash('sha256')
      .update(Buffer.concat([Buffer.from('entente/dataset/v1'), salt, digest]))
      .digest('hex');
    equal(datasetCommitment(digest, salt), expected);
    throws(() => datasetCommitment(digest, new Uint8Array(31)), RangeError);
  });
});

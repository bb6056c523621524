import { createHash } from 'node:crypto';

/**
 * The commitment to a file's bytes that stands in a contract; hides them as long as `salt` is
 * secret.
 *
 * @param digest - SHA-256 of the file.
 */
export function datasetCommitment(digest: Uint8Array, salt: Uint8Array): string {
  if (salt.length !== 32) throw new RangeError(`"salt" expected 32 bytes, got ${salt.length}`);
  return createHash('sha256')
    .update('entente/dataset/v1')
    .update(salt)
    .update(digest)
    .digest('hex');
}

import { createHash } from 'node:crypto';
import { checkColumns, KEPT_BYTES, type Sha256Kernel } from './sha256-kernel.ts';

/** The definition, by OpenSSL's SHA-256; every other implementation is tested against it. */
export const referenceSha256Kernel: Sha256Kernel = {
  name: 'reference',

  digestRows(prefix, columns) {
    const n = checkColumns(prefix, columns);
    const result = new Uint8Array(n * KEPT_BYTES);
    const length = new DataView(new ArrayBuffer(4));
    for (let i = 0; i < n; i++) {
      const hash = createHash('sha256').update(prefix);
      for (const { bytes, starts } of columns) {
        const row = bytes.subarray(starts[i]!, starts[i + 1]!);
        length.setUint32(0, row.length, true);
        hash.update(length).update(row);
      }
      result.set(hash.digest().subarray(0, KEPT_BYTES), i * KEPT_BYTES);
    }
    return result;
  },
};

import { deepEqual, equal, notEqual } from 'node:assert/strict';
import { ownBytes, transferList } from '../../../../src/party/tasks/thread/own-buffer.ts';

describe('own buffer', () => {
  it('takes an array of its own as it is and copies every other one', () => {
    const own = Uint8Array.of(1, 2, 3);
    equal(ownBytes(own), own);
    const pooled = Buffer.from('secret beside others');
    notEqual(pooled.buffer.byteLength, pooled.length, 'the platform pools it');
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
    for (const bytes of [pooled, own.subarray(1), own.subarray(0, 0), shared]) {
      const copy = ownBytes(bytes);
      deepEqual([...copy], [...bytes]);
      equal(copy.buffer.byteLength, bytes.length);
      equal(copy.buffer instanceof ArrayBuffer, true);
    }
  });

  it('transfers what is long and has a buffer of its own, nothing else', () => {
    const long = new Float64Array(1000);
    const part = new Uint8Array(10_000).subarray(1);
    const shared = new Uint8Array(new SharedArrayBuffer(8192));
    deepEqual(transferList(long, new Uint8Array(100), part, shared), [long.buffer]);
  });
});

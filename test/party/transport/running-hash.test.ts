import { deepEqual, notDeepEqual } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { RunningHash } from '../../../src/party/transport/running-hash.ts';

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

describe('running hash', () => {
  it('is the chain of its definition', () => {
    const start = new Uint8Array(32).fill(7);
    const hash = new RunningHash(start);
    let expected: Uint8Array = start;
    for (let i = 0; i < 4; i++) {
      const [head, payload] = [new Uint8Array(24 + i).fill(i), new Uint8Array(1000 * i).fill(i)];
      hash.add(head, payload);
      expected = sha256(expected, head, sha256(payload));
      const bytes = (1000 * i * (i + 1)) / 2;
      deepEqual(hash.receipt(), { hash: expected, frames: i + 1, bytes });
    }
  });

  it('gives receipts that later frames do not change', () => {
    const hash = new RunningHash(new Uint8Array(32));
    const receipt = hash.receipt();
    hash.add(new Uint8Array(24), new Uint8Array(1));
    deepEqual(receipt, { hash: new Uint8Array(32), frames: 0, bytes: 0 });
  });

  it('depends on the order and on where a payload begins', () => {
    const run = (...frames: [number, number][]): Uint8Array => {
      const hash = new RunningHash(new Uint8Array(32));
      for (const [head, payload] of frames) {
        hash.add(new Uint8Array(24).fill(head), new Uint8Array(payload));
      }
      return hash.receipt().hash;
    };
    notDeepEqual(run([1, 1], [2, 2]), run([2, 2], [1, 1]));
    notDeepEqual(run([1, 1], [1, 2]), run([1, 2], [1, 1]));
  });
});

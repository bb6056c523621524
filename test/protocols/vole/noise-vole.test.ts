import { deepEqual, equal, notDeepEqual, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { referenceGf128Kernel } from '../../../src/kernels/gf128-kernel.reference.ts';
import {
  correctionBytes,
  NoiseReceiver,
  NoiseSender,
} from '../../../src/protocols/vole/noise-vole.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { dealtBaseOts } from '../../support/vole-pair.ts';

/** Both sides with base keys from a dealer. */
function dealt(seed: string, delta = seededRng(`${seed} delta`)(16)) {
  const { chosen, ...pairs } = dealtBaseOts(seed, delta);
  return {
    delta,
    sender: new NoiseSender(delta, chosen),
    receiver: new NoiseReceiver(pairs),
  };
}

const xor = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!);

describe('noise VOLE [Gil99]', () => {
  it('keeps a = b + y Delta over calls of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 4 }), fc.nat(), (sizes, seed) => {
        const { delta, sender, receiver } = dealt(`${seed}`);
        const rng = seededRng(`y ${seed}`);
        for (const t of sizes) {
          const y = rng(16 * t);
          const kept = y.slice();
          const { a, u } = receiver.multiply(y);
          deepEqual(y, kept);
          deepEqual([a.length, u.length], [16 * t, correctionBytes(t)]);
          const b = sender.multiply(u, t);
          referenceGf128Kernel.multiplier(delta).multiplyAdd(b, y);
          deepEqual(b, a, `${t} elements`);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('keeps it for Delta and y of one bit and of all', () => {
    const ones = new Uint8Array(16).fill(255);
    const top = new Uint8Array(16);
    top[15] = 128;
    for (const delta of [ones, top, new Uint8Array(16)]) {
      for (const y of [ones, top, new Uint8Array(16)]) {
        const { sender, receiver } = dealt('corners', delta);
        const { a, u } = receiver.multiply(y);
        const b = sender.multiply(u, 1);
        referenceGf128Kernel.multiplier(delta).multiplyAdd(b, y);
        deepEqual(b, a);
      }
    }
  });

  it('sends corrections that look uniform whatever y', () => {
    for (const byte of [0x00, 0xff]) {
      const y = new Uint8Array(16 * 64).fill(byte);
      looksUniform(dealt(`view ${byte}`).receiver.multiply(y).u, `y of ${byte}`);
    }
    looksBiased(new Uint8Array(16 * 128), 'y itself');
  });

  it('never uses a stream twice: equal y give unrelated corrections', () => {
    const { receiver } = dealt('fresh');
    const y = new Uint8Array(16 * 32);
    const [first, second] = [receiver.multiply(y), receiver.multiply(y)];
    looksUniform(xor(first.u, second.u), 'sum of two calls');
    notDeepEqual(first.a, second.a);
  });

  it('refuses keys of the wrong size', () => {
    const keys = new Uint8Array(16 * 128);
    throws(() => new NoiseSender(new Uint8Array(15), keys), RangeError);
    throws(() => new NoiseSender(new Uint8Array(16), keys.subarray(1)), RangeError);
    throws(() => new NoiseReceiver({ k0: keys, k1: keys.subarray(1) }), RangeError);
    equal(new NoiseReceiver({ k0: keys, k1: keys }).multiply(new Uint8Array(0)).u.length, 0);
  });
});

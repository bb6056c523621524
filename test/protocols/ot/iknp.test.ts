import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { referenceBitsKernel } from '../../../src/kernels/bits-kernel.reference.ts';
import { loadWasmBitsKernel } from '../../../src/kernels/bits-kernel.wasm.ts';
import { columnBytes, ReceiverRows, SenderRows } from '../../../src/protocols/ot/iknp.ts';
import { bitAt } from '../../../src/protocols/primitives/bits.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** Both sides with base keys from a dealer. */
function dealt(seed: string, kernel = referenceBitsKernel) {
  const rng = seededRng(seed);
  const [delta, k0, k1] = [rng(16), rng(16 * 128), rng(16 * 128)];
  const chosen = k0.map((byte, at) => (bitAt(delta, at >> 4) ? k1[at]! : byte));
  const sender = new SenderRows(delta, chosen, kernel);
  return { delta, sender, receiver: new ReceiverRows({ k0, k1 }, kernel) };
}

const xor = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!);
const row = (rows: Uint8Array, i: number) => rows.subarray(16 * i, 16 * i + 16);

describe('IKNP rows', () => {
  it('keep q = t + p Delta over calls of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 4 }), fc.nat(), (sizes, seed) => {
        const { delta, sender, receiver } = dealt(`${seed}`);
        const rng = seededRng(`p ${seed}`);
        for (const m of sizes) {
          const p = rng(Math.ceil(m / 8));
          const { t, u } = receiver.extend(p, m);
          equal(u.length, columnBytes(m));
          const q = sender.absorb(u, m);
          for (let i = 0; i < m; i++) {
            const expected = bitAt(p, i) ? xor(row(t, i), delta) : row(t, i);
            deepEqual(row(q, i), expected, `row ${i} of ${m}`);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  it('do not depend on the kernel', () => {
    const [a, b] = [dealt('kernel'), dealt('kernel', loadWasmBitsKernel())];
    const p = seededRng('p')(17);
    const [first, second] = [a.receiver.extend(p, 131), b.receiver.extend(p, 131)];
    deepEqual(first, second);
    deepEqual(a.sender.absorb(first.u, 131), b.sender.absorb(first.u, 131));
  });

  it('send columns that look uniform whatever the choices', () => {
    const m = 2048;
    for (const byte of [0x00, 0xff]) {
      const p = new Uint8Array(m / 8).fill(byte);
      looksUniform(dealt(`view ${byte}`).receiver.extend(p, m).u, `choices ${byte}`);
      looksBiased(p, 'the choices themselves');
    }
  });

  it('never use a stream twice: equal choices give unrelated columns', () => {
    const { receiver } = dealt('fresh');
    const p = new Uint8Array(128);
    const [first, second] = [receiver.extend(p, 1024), receiver.extend(p, 1024)];
    looksUniform(xor(first.u, second.u), 'sum of two calls');
    looksUniform(xor(first.t, second.t), 'sum of two calls');
  });

  it('refuse keys and bits of the wrong size', () => {
    const keys = new Uint8Array(16 * 128);
    throws(() => new SenderRows(new Uint8Array(15), keys, referenceBitsKernel), RangeError);
    throws(
      () => new SenderRows(new Uint8Array(16), keys.subarray(1), referenceBitsKernel),
      RangeError,
    );
    throws(() => dealt('size').receiver.extend(new Uint8Array(2), 17), RangeError);
  });
});

import { deepEqual } from 'node:assert/strict';
import {
  chooseRows,
  correlationMasks,
  maskRows,
  unmaskCorrelation,
  xorEach,
} from '../../../src/protocols/ot/pads.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('pads of the OT extension', () => {
  it('correlate on the low word of each pad', () => {
    const pads = BigUint64Array.of(10n, 99n, 2n ** 64n - 1n, 99n);
    const other = BigUint64Array.of(3n, 77n, 5n, 77n);
    const [pad0, pad1] = [new Uint8Array(pads.buffer), new Uint8Array(other.buffer)];
    const s = new BigUint64Array(2);
    const c = correlationMasks(BigUint64Array.of(100n, 7n), pad0, pad1, s);
    deepEqual(c, BigUint64Array.of(107n, 1n)); // delta + pad0 - pad1
    deepEqual(s, BigUint64Array.of(2n ** 64n - 10n, 1n)); // -pad0
    const choices = Uint8Array.of(0b1000); // the second of the two, counted from bit 2
    const mixed = new Uint8Array([...pad0.subarray(0, 16), ...pad1.subarray(16)]);
    deepEqual(unmaskCorrelation(c, mixed, choices, 2), BigUint64Array.of(10n, 6n)); // pad0 + p delta
  });

  it('mask rows shorter and longer than a block', () => {
    const x = Uint8Array.of(1, 2, 3, 4);
    const pad = Uint8Array.from({ length: 32 }, (_, i) => 16 * i);
    deepEqual(maskRows(x, pad, 2), Uint8Array.of(1 ^ 0, 2 ^ 16, 3 ^ (256 & 255), 4 ^ (272 & 255)));
    const long = new Uint8Array(34);
    const pads = seededRng('pads')(64);
    deepEqual(
      maskRows(long, pads, 17),
      Uint8Array.of(...pads.subarray(0, 17), ...pads.subarray(32, 49)),
    );
  });

  it('choose the row of each bit from the offset on', () => {
    const [y0, y1] = [Uint8Array.of(1, 1, 2, 2, 3, 3), Uint8Array.of(9, 9, 8, 8, 7, 7)];
    deepEqual(
      chooseRows(y0, y1, Uint8Array.of(0b1010_0000), 5, 2),
      Uint8Array.of(9, 9, 2, 2, 7, 7),
    );
  });

  it('add one block to every row', () => {
    const [x, block] = [seededRng('x')(48), seededRng('block')(16)];
    const expected = x.map((byte, i) => byte ^ block[i % 16]!);
    xorEach(x, block);
    deepEqual(x, expected);
  });
});

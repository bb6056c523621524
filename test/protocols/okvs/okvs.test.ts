import { deepEqual, equal, notEqual, ok, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { referenceOkvsKernel } from '../../../src/kernels/okvs-kernel.reference.ts';
import { binSlots, type OkvsKernel } from '../../../src/kernels/okvs-kernel.ts';
import { loadWasmOkvsKernel } from '../../../src/kernels/okvs-kernel.wasm.ts';
import { OkvsFailure, type OkvsFailureReason } from '../../../src/protocols/okvs/failure.ts';
import {
  decodeOkvs,
  encodeBins,
  encodeOkvs,
  OkvsDecoder,
} from '../../../src/protocols/okvs/okvs.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { rowsOf } from '../../../src/protocols/okvs/rows.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { packRows, twins } from '../../support/packed-rows.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const kernel = loadWasmOkvsKernel();

/** n random items with values, and their rows under a random seed. */
function example(n: number, label: string | number = n) {
  const rng = seededRng(label);
  const [items, values, seed] = [rng(16 * n), rng(16 * n), rng(16)];
  return { items, values, seed, rng, rows: rowsOf(items, seed, okvsParameters(n), kernel) };
}

function same(got: Uint8Array, expected: Uint8Array, what: string): void {
  equal(got.length, expected.length, what);
  equal(Buffer.compare(got, expected), 0, what);
}

function xor(x: Uint8Array, y: Uint8Array): Uint8Array {
  return x.map((byte, i) => byte ^ y[i]!);
}

/** Blocks of `x` that equal the block of `y` at the same place. */
function equalBlocks(x: Uint8Array, y: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < x.length; at += 16) {
    if (Buffer.compare(x.subarray(at, at + 16), y.subarray(at, at + 16)) === 0) count++;
  }
  return count;
}

function failsBy(reason: OkvsFailureReason) {
  return (error: unknown) => error instanceof OkvsFailure && error.reason === reason;
}

describe('OKVS', () => {
  it('decodes what was encoded, for every small size', () => {
    for (let n = 0; n <= 70; n++) {
      const { rows, values, rng } = example(n);
      const zero = encodeOkvs(rows, values, 'zero');
      equal(zero.length, 16 * rows.parameters.slots);
      same(decodeOkvs(rows, zero), values, `n = ${n}`);
      same(decodeOkvs(rows, encodeOkvs(rows, values, rng)), values, `n = ${n}, random`);
    }
  });

  for (const n of [255, 256, 257, 6789, 13_243, 2 ** 14 - 1, 2 ** 14, 2 ** 14 + 1, 2 ** 17]) {
    it(`decodes what was encoded, for ${n} items`, () => {
      const { rows, values, rng } = example(n);
      const zero = encodeOkvs(rows, values, 'zero');
      same(decodeOkvs(rows, zero), values, 'zero');
      same(decodeOkvs(rows, encodeOkvs(rows, values, rng)), values, 'random');
      // Slots that no row fixes hold zero: all but one an item.
      const free = equalBlocks(zero, new Uint8Array(zero.length));
      equal(free, rows.parameters.slots - n);
    });
  }

  it('agrees with a dense elimination', () => {
    for (const n of [1, 2, 40]) {
      const { items, seed, values, rows, rng } = example(n, `dense ${n}`);
      const slow = rowsOf(items, seed, rows.parameters, referenceOkvsKernel);
      deepEqual(slow.words, rows.words);
      same(decodeOkvs(slow, encodeOkvs(rows, values, rng)), values, `n = ${n}`);
      same(decodeOkvs(rows, encodeOkvs(slow, values, rng)), values, `n = ${n}`);
    }
  });

  it('is pinned', () => {
    const items = Uint8Array.from({ length: 1600 }, (_, i) => (i * 7 + (i >> 4)) & 255);
    const values = Uint8Array.from({ length: 1600 }, (_, i) => (i * 13 + (i >> 3)) & 255);
    const seed = Uint8Array.from({ length: 16 }, (_, i) => 255 - i);
    const rows = rowsOf(items, seed, okvsParameters(100));
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    equal(
      digest(new Uint8Array(rows.words.buffer)),
      '790ba08e3f5993089aec0f0b617364cd744b75d6b7c99b7bb89d256031a9bcc2',
    );
    equal(
      digest(encodeOkvs(rows, values, 'zero')),
      'fb8189ddd97b7b6aabaf218735b35a14d1d28a7f0eaa9b69d1d23d93b6648e52',
    );
    equal(
      digest(encodeOkvs(rows, values, seededRng('pinned'))),
      'f2a7ffef278787bbe431df99ec1fb5677108f30ec54dd91eb302d3642bd3f456',
    );
  });

  it('decodes any number of items, and others than those encoded', () => {
    const { seed, values, rows, items, rng } = example(20_000);
    const P = encodeOkvs(rows, values, rng);
    for (const n of [0, 1, 100, 60_000]) {
      const others = rng(16 * n);
      const mixed = new Uint8Array([...others, ...items.subarray(0, 16)]);
      const decoded = decodeOkvs(rowsOf(mixed, seed, rows.parameters, kernel), P);
      same(decoded.subarray(16 * n), values.subarray(0, 16), `${n} others`);
      if (n >= 100) looksUniform(decoded.subarray(0, 16 * n), `${n} others`);
    }
  });

  it('is linear', () => {
    const { rows, rng } = example(3000);
    const [P, Q] = [rng(16 * rows.parameters.slots), rng(16 * rows.parameters.slots)];
    const sum = xor(decodeOkvs(rows, P), decodeOkvs(rows, Q));
    same(decodeOkvs(rows, xor(P, Q)), sum, 'sum');
  });

  it('takes values that are not aligned', () => {
    const { rows, values } = example(33);
    const shifted = new Uint8Array(values.length + 3).subarray(3);
    shifted.set(values);
    deepEqual(encodeOkvs(rows, shifted, 'zero'), encodeOkvs(rows, values, 'zero'));
  });

  it('refuses arguments that do not fit', () => {
    const { rows, values } = example(20);
    throws(() => encodeOkvs(rows, values.subarray(1), 'zero'), RangeError);
    throws(() => encodeBins(rows, new Uint8Array(0), 'zero'), RangeError);
    const fewer = { ...rows, parameters: okvsParameters(19) };
    throws(() => encodeBins(fewer, values, 'zero'), RangeError);
    const size = 16 * rows.parameters.slots;
    throws(() => decodeOkvs(rows, new Uint8Array(size - 1)), RangeError);
    throws(() => decodeOkvs(rows, new Uint8Array(size + 1)), RangeError);
  });
});

describe('OKVS in pieces', () => {
  it('encodes bin by bin what it encodes at once', () => {
    const { rows, values } = example(50_000);
    const bins = [...encodeBins(rows, values, 'zero')];
    equal(bins.length, rows.parameters.bins);
    for (const bin of bins) equal(bin.length, 16 * binSlots(rows.parameters));
    same(Buffer.concat(bins), encodeOkvs(rows, values, 'zero'), 'bins');
  });

  it('solves a bin when it is asked for', () => {
    const { items, seed, values, rows } = example(50_000);
    let solved = 0;
    const counting: OkvsKernel = {
      ...kernel,
      encodeBin: (...args) => {
        solved++;
        return kernel.encodeBin(...args);
      },
    };
    const bins = encodeBins(rowsOf(items, seed, rows.parameters, counting), values, 'zero');
    equal(solved, 0);
    bins.next();
    equal(solved, 1);
    bins.next();
    equal(solved, 2);
  });

  it('decodes pieces of any size', () => {
    const { rows, rng } = example(50_000);
    const P = rng(16 * rows.parameters.slots);
    const expected = decodeOkvs(rows, P);
    const bin = 16 * binSlots(rows.parameters);
    for (const size of [999, 65_536, bin - 16, bin, bin + 1, 3 * bin, P.length]) {
      const decoder = new OkvsDecoder(rows);
      decoder.add(new Uint8Array(0));
      for (let at = 0; at < P.length; at += size) decoder.add(P.subarray(at, at + size));
      same(decoder.finish(), expected, `pieces of ${size}`);
    }
  });

  it('refuses to finish early and to go on after the end', () => {
    const { rows } = example(20_000);
    const decoder = new OkvsDecoder(rows);
    const size = 16 * rows.parameters.slots;
    decoder.add(new Uint8Array(size - 1));
    throws(() => decoder.finish(), RangeError);
    throws(() => decoder.add(new Uint8Array(2)), RangeError);
    decoder.add(new Uint8Array(1));
    throws(() => decoder.add(new Uint8Array(1)), RangeError);
    equal(decoder.finish().length, 16 * 20_000);
  });
});

describe('OKVS with random free slots', () => {
  it('is uniform when values are, whatever the items', () => {
    for (const n of [0, 10, 1000, 20_000]) {
      const { rows, values, rng } = example(n, `uniform ${n}`);
      looksUniform(encodeOkvs(rows, values, rng), `n = ${n}`);
      if (n > 0) looksBiased(encodeOkvs(rows, values, 'zero'), `n = ${n}, zero`);
    }
  });

  it('is uniform where no row fixes it, dense slots too', () => {
    const { rows, rng } = example(5000, 'free');
    const constant = new Uint8Array(16 * 5000).fill(7);
    const P = encodeOkvs(rows, constant, rng);
    const sparse = 16 * rows.parameters.columns;
    looksUniform(P.subarray(0, sparse), 'sparse');
    const dense = Array.from({ length: 4 }, () => encodeOkvs(rows, constant, rng).slice(sparse));
    looksUniform(Buffer.concat(dense), 'dense');
  });

  it('differs each time, in every slot', () => {
    const { rows, values, rng } = example(2000, 'differs');
    const [P, Q] = [encodeOkvs(rows, values, rng), encodeOkvs(rows, values, rng)];
    equal(equalBlocks(P, Q), 0);
    same(decodeOkvs(rows, P), values, 'first');
    same(decodeOkvs(rows, Q), values, 'second');
  });

  it('tells nothing of items that were not encoded', () => {
    const { seed, values, rows, rng } = example(2000, 'others');
    const others = rowsOf(rng(16 * 5000), seed, rows.parameters, kernel);
    const decoded = decodeOkvs(others, encodeOkvs(rows, new Uint8Array(values.length), rng));
    looksUniform(decoded, 'others');
    notEqual(equalBlocks(decoded, new Uint8Array(decoded.length)), 5000);
  });
});

describe('OKVS failure of a seed', () => {
  /** Rows of equal columns in place of the first ones, as an unlucky seed has them. */
  function unlucky(pairs: number): OkvsKernel {
    return {
      ...kernel,
      rows(h0, h1, shape, bins) {
        const rows = kernel.rows(h0, h1, shape, bins);
        rows.words.set(packRows(twins(pairs, 0, seededRng('unlucky'))));
        return rows;
      },
    };
  }

  for (const n of [50, 1000]) {
    it(`comes beyond the limit of the gap, not at it, and not with the next seed; ${n} items`, () => {
      const { items, values, seed, rows, rng } = example(n);
      const { parameters } = rows;
      for (const fill of ['zero', rng] as const) {
        const atLimit = rowsOf(items, seed, parameters, unlucky(parameters.gapLimit));
        same(decodeOkvs(atLimit, encodeOkvs(atLimit, values, fill)), values, 'at the limit');
        const beyond = rowsOf(items, seed, parameters, unlucky(parameters.gapLimit + 1));
        throws(() => encodeOkvs(beyond, values, fill), failsBy('gap'));
        const next = rowsOf(items, rng(16), parameters, kernel);
        same(decodeOkvs(next, encodeOkvs(next, values, fill)), values, 'next seed');
      }
    });
  }

  it('comes with every seed when an item is repeated, whatever its values', () => {
    const { items, values, rng } = example(100);
    items.copyWithin(16, 0, 16);
    values.copyWithin(16, 0, 16);
    for (let i = 0; i < 3; i++) {
      const rows = rowsOf(items, rng(16), okvsParameters(100), kernel);
      throws(() => encodeOkvs(rows, values, 'zero'), failsBy('rank'));
    }
  });

  it('comes before the first bin when one overflows', () => {
    const { items, values, seed, rows } = example(20_000);
    const lopsided: OkvsKernel = {
      ...kernel,
      rows: (...args) => {
        const result = kernel.rows(...args);
        result.bins.fill(1);
        return result;
      },
    };
    const full = rowsOf(items, seed, rows.parameters, lopsided);
    throws(() => encodeBins(full, values, 'zero'), failsBy('overflow'));
    ok(decodeOkvs(full, new Uint8Array(16 * rows.parameters.slots)).length === values.length);
  });
});

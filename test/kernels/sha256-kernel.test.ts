import { deepEqual, equal, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { referenceSha256Kernel } from '../../src/kernels/sha256-kernel.reference.ts';
import { type ByteRows, MAX_COLUMNS } from '../../src/kernels/sha256-kernel.ts';
import { loadWasmSha256Kernel } from '../../src/kernels/sha256-kernel.wasm.ts';

const PREFIX = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);

/** Rows of these lengths, of bytes that look random. */
function rowsOf(lengths: readonly number[], seed = 1): ByteRows {
  const starts = new Uint32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries()) starts[i + 1] = starts[i]! + length;
  let state = seed | 1;
  const bytes = new Uint8Array(starts.at(-1)!).map(() => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state >>> 24;
  });
  return { bytes, starts };
}

describe('sha256 kernel: reference', () => {
  it('hashes the prefix, then each column with its length', () => {
    const [a, b] = [rowsOf([3]), rowsOf([0])];
    const hash = createHash('sha256').update(PREFIX);
    hash
      .update(Uint8Array.of(3, 0, 0, 0))
      .update(a.bytes)
      .update(new Uint8Array(4));
    const expected = new Uint8Array(hash.digest().subarray(0, 16));
    deepEqual(referenceSha256Kernel.digestRows(PREFIX, [a, b]), expected);
  });
});

const wasm = loadWasmSha256Kernel();

describe('sha256 kernel: wasm', () => {
  function agrees(columns: readonly ByteRows[], what: string): void {
    const expected = referenceSha256Kernel.digestRows(PREFIX, columns);
    equal(Buffer.compare(wasm.digestRows(PREFIX, columns), expected), 0, what);
  }

  it('agrees with OpenSSL at every length to 200, alone and among others', () => {
    for (let length = 0; length <= 200; length++) agrees([rowsOf([length])], `length ${length}`);
    const all = Array.from({ length: 201 }, (_, length) => length);
    agrees([rowsOf(all)], 'rising');
    agrees([rowsOf(all.toReversed())], 'falling');
    agrees([rowsOf(all), rowsOf(all.toReversed(), 2), rowsOf(all, 3)], 'three columns');
  });

  it('agrees with the reference, whatever the lengths', () => {
    const length = fc.oneof(fc.nat(60), fc.nat(60), fc.nat(1000));
    const column = (n: number): fc.Arbitrary<number[]> =>
      fc.array(length, { minLength: n, maxLength: n });
    const tables = fc
      .tuple(fc.nat(30), fc.integer({ min: 1, max: 4 }))
      .chain(([n, d]) => fc.array(column(n), { minLength: d, maxLength: d }));
    fc.assert(
      fc.property(tables, (lengths) => {
        agrees(
          lengths.map((rows, c) => rowsOf(rows, c)),
          JSON.stringify(lengths),
        );
      }),
    );
  });

  it('agrees with the reference around the sizes of its memory', () => {
    for (const n of [1, 2, 3, 4, 5, 16_383, 16_384, 16_385, 20_001]) {
      agrees([rowsOf(Array.from({ length: n }, (_, i) => i % 23))], `n = ${n}`);
    }
    const kib256 = 1 << 18;
    agrees([rowsOf([kib256 - 1, 5, kib256, kib256 + 1, 0, 3 * kib256, 7])], 'long rows');
    agrees([rowsOf([5, kib256 - 9, 1]), rowsOf([0, 9, 2], 2)], 'long rows of two columns');
    agrees([rowsOf([5, kib256 - 9, 1]), rowsOf([0, 10, 2], 2)], 'a row too long with both');
    const many = Array.from({ length: MAX_COLUMNS }, (_, c) => rowsOf([c, 1000, 0, 2], c));
    agrees(many, 'as many columns as there may be');
  });

  it('takes columns whose bytes begin later and end earlier', () => {
    const { bytes, starts } = rowsOf([4, 70, 3, 0, 12]);
    agrees([{ bytes, starts: starts.subarray(1, 4) }], 'rows 1 and 2');
    agrees([{ bytes, starts: starts.subarray(2, 3) }], 'no row');
  });

  it('returns an array that the next call leaves alone', () => {
    const first = wasm.digestRows(PREFIX, [rowsOf([8])]);
    const copy = first.slice();
    wasm.digestRows(PREFIX, [rowsOf([9])]);
    deepEqual(first, copy);
  });

  it('reserves its whole memory when it is loaded', () => {
    let reserved = 0;
    const kernel = loadWasmSha256Kernel({ reserve: (bytes) => (reserved += bytes) });
    const before = reserved;
    kernel.digestRows(PREFIX, [rowsOf(Array.from({ length: 40_000 }, () => 19))]);
    equal(reserved, before);
    equal(reserved <= 4 << 20, true, `${reserved} bytes`);
  });
});

for (const kernel of [referenceSha256Kernel, wasm]) {
  describe(`sha256 kernel: ${kernel.name}`, () => {
    it('refuses columns that do not agree, and rows outside their bytes', () => {
      const refuses = (columns: readonly ByteRows[], prefix = PREFIX): void =>
        throws(() => kernel.digestRows(prefix, columns), RangeError);
      refuses([]);
      refuses([rowsOf([1]), rowsOf([1, 1])]);
      refuses([{ bytes: new Uint8Array(4), starts: Uint32Array.of(0, 5) }]);
      refuses([{ bytes: new Uint8Array(4), starts: Uint32Array.of(0, 4, 3, 4) }]);
      refuses([{ bytes: new Uint8Array(4), starts: new Uint32Array(0) }]);
      refuses(Array.from({ length: MAX_COLUMNS + 1 }, () => rowsOf([1])));
      refuses([rowsOf([1])], new Uint8Array(63));
    });
  });
}

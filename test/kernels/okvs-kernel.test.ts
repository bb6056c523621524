import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { referenceOkvsKernel } from '../../src/kernels/okvs-kernel.reference.ts';
import {
  type BinShape,
  binSlots,
  GAP_TOO_LARGE,
  RANK_DEFICIENT,
} from '../../src/kernels/okvs-kernel.ts';
import { loadWasmOkvsKernel } from '../../src/kernels/okvs-kernel.wasm.ts';
import {
  cycle,
  packRows,
  randomRows,
  type SparseRow,
  triangle,
  twins,
} from '../support/packed-rows.ts';
import { seededRng } from '../support/seeded-rng.ts';

const SHAPE: BinShape = { columns: 141, denseBits: 45, gapLimit: 5 };
const seed = fc.integer({ min: 0, max: 2 ** 30 });

/** Free slots as the caller leaves them: zero, or anything. */
const FILLS = {
  zero: (shape: BinShape) => new Uint8Array(16 * binSlots(shape)),
  random: (shape: BinShape) => seededRng('fill')(16 * binSlots(shape)),
} as const;

describe('OKVS kernel: reference', () => {
  const kernel = referenceOkvsKernel;

  it('names columns by their rank among those that are left', () => {
    const h0 = new Uint8Array(16); // the first column, then the first of the others
    const h1 = new Uint8Array(16).fill(255);
    const { words, bins } = kernel.rows(h0, h1, { columns: 9, denseBits: 20, gapLimit: 1 }, 7);
    deepEqual(words, packRows([{ columns: [0, 1, 2], dense: 0xfffffn }]));
    deepEqual([...bins], [6]);
  });

  it('sums the slots that a row names', () => {
    const shape = { columns: 4, denseBits: 2, gapLimit: 0 };
    const slots = new Uint8Array(16 * 6);
    for (let i = 0; i < 6; i++) slots[16 * i + i] = 1 << i;
    const rows = packRows([{ columns: [3, 0, 1], dense: 0b10n }]);
    deepEqual([...kernel.decodeBin(shape, rows, slots).subarray(0, 6)], [1, 2, 0, 8, 0, 32]);
  });

  it('solves an equation for a slot and leaves the others', () => {
    const shape = { columns: 4, denseBits: 2, gapLimit: 0 };
    const slots = FILLS.random(shape);
    const before = slots.slice();
    const rows = packRows([{ columns: [3, 0, 1], dense: 0b10n }]);
    const value = seededRng('value')(16);
    equal(kernel.encodeBin(shape, rows, value, slots), 0);
    deepEqual(kernel.decodeBin(shape, rows, slots), value);
    const changed = [0, 1, 2, 3, 4, 5].filter(
      (c) =>
        !Buffer.from(slots)
          .subarray(16 * c, 16 * c + 16)
          .equals(before.subarray(16 * c, 16 * c + 16)),
    );
    equal(changed.length, 1);
  });
});

for (const kernel of [loadWasmOkvsKernel()]) {
  describe(`OKVS kernel: ${kernel.name}`, () => {
    it('makes the rows of the reference', () => {
      const shapes = fc.record({
        columns: fc.integer({ min: 3, max: 300 }),
        denseBits: fc.integer({ min: 0, max: 48 }),
        gapLimit: fc.constant(0),
      });
      fc.assert(
        fc.property(shapes, fc.integer({ min: 0, max: 20 }), seed, (shape, n, s) => {
          const rng = seededRng(s);
          const [h0, h1, bins] = [rng(16 * n), rng(16 * n), 1 + (s % 5000)];
          deepEqual(
            kernel.rows(h0, h1, shape, bins),
            referenceOkvsKernel.rows(h0, h1, shape, bins),
          );
        }),
      );
    });

    it('makes and decodes the rows of the reference around the chunk size, at the largest shape', () => {
      const rng = seededRng('chunks');
      const small = { columns: 5, denseBits: 48, gapLimit: 0 };
      const slots = rng(16 * binSlots(small));
      for (const n of [1, 4095, 4096, 4097, 8193]) {
        const [h0, h1] = [rng(16 * n), rng(16 * n)];
        const expected = referenceOkvsKernel.rows(h0, h1, small, 65_536);
        deepEqual(kernel.rows(h0, h1, small, 65_536), expected, `n = ${n}`);
        const decoded = referenceOkvsKernel.decodeBin(small, expected.words, slots);
        equal(Buffer.compare(kernel.decodeBin(small, expected.words, slots), decoded), 0, `${n}`);
      }
      const large = { columns: 65_536, denseBits: 48, gapLimit: 48 };
      const [h0, h1] = [new Uint8Array(16).fill(255), rng(16)];
      const { words } = kernel.rows(h0, h1, large, 1);
      deepEqual(
        [...words.subarray(0, 2)].map((w) => w & 0xffff),
        [65_535, 65_533],
      );
    });

    it('finds a solution whenever the reference does, with the same number of rows set aside', () => {
      const most = { denseBits: 48, gapLimit: 8 };
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 60 }),
          fc.integer({ min: 90, max: 200 }), // slots in a hundred rows: from hopeless to easy
          seed,
          (n, load, s) => {
            const rng = seededRng(s);
            const shape = { columns: Math.max(3, Math.ceil((n * load) / 100)), ...most };
            const rows = randomRows(kernel, n, shape, rng);
            const values = rng(16 * n);
            const [own, theirs] = [rng(16 * binSlots(shape)), FILLS.random(shape)];
            const gap = kernel.encodeBin(shape, rows, values, own);
            equal(gap, referenceOkvsKernel.encodeBin(shape, rows, values, theirs));
            if (gap < 0) return;
            deepEqual(referenceOkvsKernel.decodeBin(shape, rows, own), values);
            deepEqual(kernel.decodeBin(shape, rows, theirs), values);
          },
        ),
        { numRuns: 60 },
      );
    });

    it('solves what a dense elimination solves, up to 200 rows', () => {
      for (const n of [64, 100, 199, 200]) {
        const rng = seededRng(n);
        const shape = { columns: Math.ceil(1.7 * n), denseBits: 45, gapLimit: 5 };
        const rows = randomRows(kernel, n, shape, rng);
        const values = rng(16 * n);
        const [own, theirs] = [FILLS.zero(shape), FILLS.zero(shape)];
        const gap = kernel.encodeBin(shape, rows, values, own);
        equal(referenceOkvsKernel.encodeBin(shape, rows, values, theirs), gap);
        deepEqual(kernel.decodeBin(shape, rows, own), values, `n = ${n}`);
        deepEqual(kernel.decodeBin(shape, rows, theirs), values, `n = ${n}`);
      }
    });

    for (const [fill, make] of Object.entries(FILLS)) {
      describe(`with ${fill} free slots`, () => {
        const rng = seededRng('gaps');
        /** Rows in the way, amid 30 others on columns of their own and theirs. */
        const amid = (rows: readonly SparseRow[]): Uint32Array<ArrayBuffer> =>
          Uint32Array.of(...randomRows(kernel, 30, SHAPE, rng), ...packRows(rows));

        const solves = (rows: Uint32Array<ArrayBuffer>, gap: number, what: string): void => {
          const values = rng((16 * rows.length) / 3);
          const slots = make(SHAPE);
          equal(kernel.encodeBin(SHAPE, rows, values, slots), gap, what);
          deepEqual(kernel.decodeBin(SHAPE, rows, slots), values, what);
          deepEqual(referenceOkvsKernel.decodeBin(SHAPE, rows, slots), values, what);
        };

        it('solves rows of equal columns by their dense bits', () => {
          for (let pairs = 1; pairs <= SHAPE.gapLimit; pairs++) {
            solves(packRows(twins(pairs, 20, rng)), pairs, `${pairs} alone`);
            solves(amid(twins(pairs, 20, rng)), pairs, `${pairs} amid others`);
          }
          const [one] = twins(1, 60, rng);
          const many = twins(3, 60, rng).map(({ dense }) => ({ columns: one!.columns, dense }));
          solves(packRows(many), 5, 'six rows on three columns');
        });

        it('solves triangles and longer cycles', () => {
          solves(packRows(triangle(7, rng)), 1, 'triangle');
          solves(packRows([...triangle(0, rng), ...triangle(4, rng)]), 2, 'triangles');
          for (const length of [4, 6, 8, 20, 60]) {
            solves(packRows(cycle(length, 11, rng)), 1, `cycle of ${length}`);
          }
          const several = [...cycle(10, 0, rng), ...triangle(15, rng), ...twins(2, 19, rng)];
          solves(packRows(several), 4, 'several');
          // Cycles that share columns: the equation of one row set aside meets steps of the other.
          const linked = [...cycle(12, 0, rng), ...cycle(12, 12, rng)];
          const system = packRows(linked);
          const probe = make(SHAPE);
          const gap = referenceOkvsKernel.encodeBin(SHAPE, system, new Uint8Array(16 * 24), probe);
          solves(system, gap, 'linked cycles');
        });

        it('refuses more than the limit, and rows that depend on each other, and changes nothing', () => {
          const slots = make(SHAPE);
          const before = slots.slice();
          const tooMany = amid(twins(SHAPE.gapLimit + 1, 20, rng));
          const values = rng((16 * tooMany.length) / 3);
          equal(kernel.encodeBin(SHAPE, tooMany, values, slots), GAP_TOO_LARGE);
          const [row] = twins(1, 3, rng);
          const equalRows = packRows([row!, row!]);
          equal(kernel.encodeBin(SHAPE, equalRows, values.subarray(0, 32), slots), RANK_DEFICIENT);
          deepEqual(slots, before);
        });
      });
    }

    it('changes slots that rows fix, and keeps the others', () => {
      const rng = seededRng('free');
      const rows = randomRows(kernel, 64, SHAPE, rng);
      const slots = FILLS.random(SHAPE);
      const before = slots.slice();
      ok(kernel.encodeBin(SHAPE, rows, rng(16 * 64), slots) >= 0);
      let kept = 0;
      for (let c = 0; c < binSlots(SHAPE); c++) {
        const block = Buffer.from(slots.buffer, 16 * c, 16);
        if (block.equals(before.subarray(16 * c, 16 * c + 16))) kept++;
      }
      equal(kept, binSlots(SHAPE) - 64);
      notDeepEqual(slots, before);
    });

    it('returns arrays that the next call leaves alone', () => {
      const rng = seededRng('fresh');
      const rows = randomRows(kernel, 10, SHAPE, rng);
      const first = kernel.decodeBin(SHAPE, rows, rng(16 * binSlots(SHAPE)));
      const copies = [rows.slice(), first.slice()];
      kernel.decodeBin(SHAPE, randomRows(kernel, 10, SHAPE, rng), rng(16 * binSlots(SHAPE)));
      deepEqual([rows, first], copies);
    });
  });
}

for (const kernel of [loadWasmOkvsKernel(), referenceOkvsKernel]) {
  it(`OKVS kernel: ${kernel.name} refuses what does not fit`, () => {
    const rows = packRows([{ columns: [0, 1, 2], dense: 0n }]);
    const slots = FILLS.zero(SHAPE);
    const value = new Uint8Array(16);
    const blocks = new Uint8Array(32);
    const shapes: Partial<BinShape>[] = [
      { columns: 2 },
      { columns: 65_537 },
      { columns: 9.5 },
      { denseBits: 49 },
      { denseBits: -1 },
      { gapLimit: 46 },
      { gapLimit: Number.NaN },
    ];
    for (const change of shapes) {
      throws(() => kernel.rows(value, value, { ...SHAPE, ...change }, 1), RangeError);
      throws(() => kernel.decodeBin({ ...SHAPE, ...change }, rows, slots), RangeError);
      throws(() => kernel.encodeBin({ ...SHAPE, ...change }, rows, value, slots), RangeError);
    }
    throws(() => kernel.rows(value, blocks, SHAPE, 1), RangeError);
    throws(() => kernel.rows(value.subarray(1), value.subarray(1), SHAPE, 1), RangeError);
    throws(() => kernel.rows(value, value, SHAPE, 0), RangeError);
    throws(() => kernel.rows(value, value, SHAPE, 65_537), RangeError);
    throws(() => kernel.encodeBin(SHAPE, rows, blocks, slots), RangeError);
    throws(() => kernel.encodeBin(SHAPE, rows, value, slots.subarray(16)), RangeError);
    throws(() => kernel.encodeBin(SHAPE, rows.subarray(1), value, slots), RangeError);
    throws(() => kernel.decodeBin(SHAPE, rows.subarray(1), slots), RangeError);
    throws(() => kernel.decodeBin(SHAPE, rows, slots.subarray(1)), RangeError);
    for (const columns of [
      [141, 1, 2],
      [0, 141, 2],
      [0, 1, 65_535],
    ] as const) {
      const beyond = packRows([{ columns, dense: 0n }]);
      throws(() => kernel.encodeBin(SHAPE, beyond, value, slots), RangeError);
      throws(() => kernel.decodeBin(SHAPE, beyond, slots), RangeError);
    }
  });
}

it('OKVS kernel: wasm refuses more rows than it can number', () => {
  const shape = { columns: 65_536, denseBits: 0, gapLimit: 0 };
  const rows = new Uint32Array(3 * 65_536);
  const slots = FILLS.zero(shape);
  const values = new Uint8Array(16 * 65_536);
  throws(() => loadWasmOkvsKernel().encodeBin(shape, rows, values, slots), RangeError);
});

it('OKVS kernel: wasm solves and decodes the largest bin within its memory', () => {
  const kernel = loadWasmOkvsKernel();
  const shape = { columns: 65_536, denseBits: 48, gapLimit: 48 };
  const rng = seededRng('large');
  const rows = randomRows(kernel, 50_000, shape, rng);
  const values = rng(16 * 50_000);
  const slots = FILLS.random(shape);
  equal(kernel.encodeBin(shape, rows, values, slots), 0);
  equal(Buffer.compare(kernel.decodeBin(shape, rows, slots), values), 0);
  const most = randomRows(kernel, 65_535, shape, rng);
  equal(kernel.encodeBin(shape, most, rng(16 * 65_535), slots), GAP_TOO_LARGE);
});

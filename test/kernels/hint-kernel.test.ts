import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { referenceHintKernel as reference } from '../../src/kernels/hint-kernel.reference.ts';
import { HINT_DEGREE, MAX_BINS } from '../../src/kernels/hint-kernel.ts';
import { loadWasmHintKernel } from '../../src/kernels/hint-kernel.wasm.ts';
import { seededRng } from '../support/seeded-rng.ts';

const words = (n: number, seed: string): Uint32Array =>
  new Uint32Array(new Uint8Array(seededRng(seed)(4 * n)).buffer);
const binsOf = (n: number, count: number, seed: string): Uint16Array =>
  Uint16Array.from(words(n, seed), (w) => w % count);
const blocksOf = (n: number, seed: string): Uint32Array =>
  words(HINT_DEGREE * Math.ceil(n / HINT_DEGREE), seed);

for (const kernel of [loadWasmHintKernel()]) {
  describe(`hint kernel: ${kernel.name}`, () => {
    for (const [n, count] of [
      [0, 1],
      [1, 1],
      [2, 3],
      [2047, 2],
      [2048, 1],
      [2049, 5],
      [4097, 300],
    ] as const) {
      it(`adds rotations as the reference does: ${n} rows, ${count} bins`, () => {
        const a = blocksOf(n, 'a');
        const bins = binsOf(n, count, 'bins');
        const mine = words(count * HINT_DEGREE, 'hints'); // what is there already stays
        const theirs = mine.slice();
        kernel.addRotations(mine, a, bins);
        reference.addRotations(theirs, a, bins);
        deepEqual(mine, theirs);
      });
    }

    it('adds rotations over several pieces, and with more bins than rows', () => {
      const n = 32 * HINT_DEGREE + 1;
      const a = blocksOf(n, 'a');
      const bins = new Uint16Array(n).fill(6);
      bins.set([3, 0, 4], 0);
      bins[n - 1] = 5;
      const mine = new Uint32Array(7 * HINT_DEGREE);
      const theirs = mine.slice();
      kernel.addRotations(mine, a, bins);
      bins.forEach((_, i) => {
        if (bins[i] !== 6) return;
        bins[i] = 1; // the reference would take a minute for all of them
      });
      const few = Uint16Array.from([3, 0, 4]);
      reference.addRotations(theirs, a.subarray(0, HINT_DEGREE), few);
      const last = Uint16Array.of(5);
      reference.addRotations(theirs, a.subarray(32 * HINT_DEGREE), last);
      for (const bin of [0, 2, 3, 4, 5]) {
        const [from, to] = [bin * HINT_DEGREE, (bin + 1) * HINT_DEGREE];
        deepEqual(mine.subarray(from, to), theirs.subarray(from, to), `bin ${bin}`);
      }

      const many = new Uint32Array(3000 * HINT_DEGREE);
      const expected = new Uint32Array(HINT_DEGREE);
      kernel.addRotations(many, a.subarray(0, HINT_DEGREE), Uint16Array.of(2999, 0));
      reference.addRotations(expected, a.subarray(0, HINT_DEGREE), Uint16Array.of(0));
      deepEqual(many.subarray(2999 * HINT_DEGREE), expected);
    });

    it('gives the linear forms of a multiplication: <h_r, s> = sum of (a s)_i', () => {
      const n = 2 * HINT_DEGREE;
      const a = blocksOf(n, 'product');
      const bins = binsOf(n, 4, 'product bins');
      const s = words(HINT_DEGREE, 's');
      const hints = new Uint32Array(4 * HINT_DEGREE);
      kernel.addRotations(hints, a, bins);

      const product = new Uint32Array(n); // schoolbook, X^2048 = -1
      for (let i = 0; i < n; i++) {
        const block = i - (i % HINT_DEGREE);
        for (let k = 0; k < HINT_DEGREE; k++) {
          const degree = (i % HINT_DEGREE) + k;
          const term = Math.imul(a[i]!, s[k]!);
          if (degree < HINT_DEGREE) product[block + degree]! += term;
          else product[block + degree - HINT_DEGREE]! -= term;
        }
      }
      const sums = new Uint32Array(4);
      kernel.addByBin([sums], product, [bins]);
      for (let r = 0; r < 4; r++) {
        let form = 0;
        for (let k = 0; k < HINT_DEGREE; k++) {
          form = (form + Math.imul(hints[r * HINT_DEGREE + k]!, s[k]!)) >>> 0;
        }
        equal(form, sums[r], `bin ${r}`);
      }
    });

    it('adds words by bin as the reference does', () => {
      const shapes = fc.record({
        n: fc.nat(300),
        counts: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
        seed: fc.string(),
      });
      const compare = (n: number, counts: readonly number[], seed: string): void => {
        const mine = counts.map((count, f) => words(count, `${seed}s${f}`));
        const theirs = mine.map((sums) => sums.slice());
        const rows = words(n, `${seed}w`);
        const bins = counts.map((count, f) => binsOf(n, count, `${seed}b${f}`));
        kernel.addByBin(mine, rows, bins);
        reference.addByBin(theirs, rows, bins);
        deepEqual(mine, theirs);
      };
      fc.assert(fc.property(shapes, ({ n, counts, seed }) => compare(n, counts, seed)));
      compare(70_001, [MAX_BINS, 1, 256], 'several pieces');
    });

    for (const each of [kernel, reference]) {
      it(`refuses what does not fit: ${each.name}`, () => {
        const [hints, a, bins] = [
          new Uint32Array(2 * 2048),
          new Uint32Array(2048),
          new Uint16Array(9),
        ];
        throws(() => each.addRotations(hints, a.subarray(1), bins), /"a" expected/);
        throws(() => each.addRotations(hints, a, new Uint16Array(2049)), /"a" expected/);
        throws(() => each.addRotations(hints.subarray(1), a, bins), /"hints" expected/);
        throws(() => each.addRotations(new Uint32Array(0), a, bins), /"hints" expected/);
        throws(() => each.addRotations(hints, a, bins.fill(2, 8)), /does not exist/);
        const [sums, rows] = [new Uint32Array(2), new Uint32Array(9)];
        throws(() => each.addByBin([sums], rows, [bins]), /does not exist/);
        throws(() => each.addByBin([sums], rows.subarray(1), [bins]), /"bins\[0\]" expected/);
        throws(() => each.addByBin([sums], rows, []), /"sums" expected/);
        throws(() => each.addByBin([new Uint32Array(0)], rows, [bins]), /"sums\[0\]" expected/);
        const many = new Uint32Array(MAX_BINS + 1);
        throws(() => each.addByBin([many], rows, [bins]), /"sums\[0\]" expected/);
      });
    }
  });
}

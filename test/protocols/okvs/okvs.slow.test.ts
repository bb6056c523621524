import { deepEqual, equal, ok } from 'node:assert/strict';
import { type BinShape, binSlots, GAP_TOO_LARGE } from '../../../src/kernels/okvs-kernel.ts';
import { loadWasmOkvsKernel } from '../../../src/kernels/okvs-kernel.wasm.ts';
import { decodeOkvs, encodeOkvs } from '../../../src/protocols/okvs/okvs.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { rowsOf } from '../../../src/protocols/okvs/rows.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { randomRows } from '../../support/packed-rows.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const kernel = loadWasmOkvsKernel();

/** How often full bins of n rows leave how many rows to the dense part; every solution is checked. */
function gaps(n: number, shape: BinShape, runs: number): Map<number, number> {
  const rng = seededRng(`${n} ${shape.columns}`);
  const values = rng(16 * n);
  const counts = new Map<number, number>();
  for (let run = 0; run < runs; run++) {
    const rows = randomRows(kernel, n, shape, rng);
    const slots = run % 2 === 0 ? new Uint8Array(16 * binSlots(shape)) : rng(16 * binSlots(shape));
    const gap = kernel.encodeBin(shape, rows, values, slots);
    counts.set(gap, (counts.get(gap) ?? 0) + 1);
    if (gap < 0) continue;
    equal(Buffer.compare(kernel.decodeBin(shape, rows, slots), values), 0, `run ${run}`);
  }
  return counts;
}

/** Pairs of rows with equal columns that n rows are expected to have. */
function expectedTwins(n: number, { columns: m }: BinShape): number {
  return (n * (n - 1)) / 2 / ((m * (m - 1) * (m - 2)) / 6);
}

describe('OKVS statistics', () => {
  for (const [n, runs] of [
    [2 ** 20, 5000],
    [4096, 10_000],
    [256, 100_000],
    [5, 50_000],
  ] as const) {
    it(`solves ${runs} full bins of a store of ${n}, gaps being as rare as twins`, () => {
      const shape = okvsParameters(n);
      const rows = Math.min(n, shape.capacity);
      const counts = gaps(rows, shape, runs);
      const shown = `gaps: ${JSON.stringify([...counts])}`;
      ok(!counts.has(GAP_TOO_LARGE), shown);
      const withGap = runs - counts.get(0)!;
      const expected = runs * expectedTwins(rows, shape);
      // Four deviations and some room for the rarer triangles.
      ok(withGap <= 1.2 * expected + 4 * Math.sqrt(expected) + 3, `${withGap}, not ${expected}`);
      ok((counts.get(1) ?? 0) >= expected - 4 * Math.sqrt(expected) - 3, shown);
      for (const gap of counts.keys()) ok(gap <= 3, shown);
    });
  }

  it('fails often with 0.04 fewer slots an item, and nearly always with 0.06 fewer', () => {
    const shape = okvsParameters(2 ** 20);
    const less = (by: number): BinShape => ({
      ...shape,
      columns: shape.columns - Math.ceil(by * shape.capacity),
    });
    const failures = (by: number, runs: number): number =>
      gaps(shape.capacity, less(by), runs).get(GAP_TOO_LARGE) ?? 0;
    equal(failures(0.02, 300), 0);
    const some = failures(0.04, 1000);
    ok(some >= 5 && some <= 500, `${some} of 1000`);
    const most = failures(0.06, 100);
    ok(most >= 60, `${most} of 100`);
  });

  it('gives each free slot every value, whatever the items', () => {
    const n = 40;
    const rng = seededRng('slots');
    const rows = rowsOf(rng(16 * n), rng(16), okvsParameters(n), kernel);
    const values = new Uint8Array(16 * n);
    const stores = Array.from({ length: 2000 }, () => encodeOkvs(rows, values, rng));
    for (let slot = 0; slot < rows.parameters.slots; slot++) {
      const held = Buffer.concat(stores.map((P) => P.subarray(16 * slot, 16 * slot + 16)));
      // A slot of a row is uniform, too: the row has a dense bit.
      looksUniform(held, `slot ${slot}`);
    }
  });

  it('holds 2^24 items', () => {
    const n = 2 ** 24;
    const rng = seededRng('large');
    const values = rng(16 * n);
    const rows = rowsOf(rng(16 * n), rng(16), okvsParameters(n), kernel);
    const decoded = decodeOkvs(rows, encodeOkvs(rows, values, 'zero'));
    equal(Buffer.compare(decoded, values), 0);
  });

  it('is built by the first seed in 2000 small stores', () => {
    const rng = seededRng('small stores');
    for (let run = 0; run < 2000; run++) {
      const n = run % 130;
      const values = rng(16 * n);
      const rows = rowsOf(rng(16 * n), rng(16), okvsParameters(n), kernel);
      deepEqual(decodeOkvs(rows, encodeOkvs(rows, values, run % 2 ? 'zero' : rng)), values);
    }
  });
});

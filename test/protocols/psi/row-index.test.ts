import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { truncateRows } from '../../../src/protocols/primitives/rows.ts';
import { RowIndex } from '../../../src/protocols/psi/row-index.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** Rows over a small alphabet: many equal rows and equal hashes. */
const tables = fc
  .record({
    stride: fc.integer({ min: 1, max: 7 }),
    cut: fc.integer({ min: 0, max: 6 }),
    n: fc.nat(40),
  })
  .chain(({ stride, cut, n }) => {
    const bytes = fc.uint8Array({ minLength: n * stride, maxLength: n * stride, max: 2 });
    return fc.record({
      stride: fc.constant(stride),
      width: fc.constant(Math.max(1, stride - cut)),
      n: fc.constant(n),
      bytes,
    });
  });

describe('row index', () => {
  it('finds rows by their first bytes, as a linear search does', () => {
    fc.assert(
      fc.property(tables, ({ stride, width, n, bytes }) => {
        const index = new RowIndex(bytes, stride, width);
        const first = new Map<string, number>();
        for (let i = 0; i < n; i++) {
          const text = bytes.subarray(i * stride, i * stride + width).join();
          equal(index.find(bytes, i * stride), first.get(text) ?? -1, `find ${i}`);
          equal(index.add(i), first.get(text) ?? -1, `add ${i}`);
          if (!first.has(text)) first.set(text, i);
        }
        const all = new RowIndex(bytes, stride, width);
        all.addAll();
        const others = Uint8Array.from({ length: width * (n + 300) }, (_, at) => (at * at) % 3);
        for (const list of [truncateRows(bytes, stride, width), others]) {
          const k = list.length / width;
          const found = new Int32Array(k);
          all.findAll(list, found);
          deepEqual(
            [...found],
            Array.from({ length: k }, (_, j) => index.find(list, j * width)),
          );
        }
      }),
    );
  });

  it('finds every one of many rows and nothing else', () => {
    const n = 20_000;
    const rng = seededRng('rows');
    const [bytes, others] = [rng(16 * n), rng(10 * n)];
    const index = new RowIndex(bytes, 16, 10);
    for (let i = 0; i < n; i++) equal(index.add(i), -1, `row ${i}`);
    for (let i = 0; i < n; i++) {
      equal(index.find(bytes, 16 * i), i, `row ${i}`);
      equal(index.find(others, 10 * i), -1, `other ${i}`);
    }
    const found = new Int32Array(n);
    index.findAll(truncateRows(bytes, 16, 10), found);
    ok(found.every((row, i) => row === i));
    index.findAll(others, found);
    ok(found.every((row) => row === -1));
  });

  it('is right, if slow, for rows that begin alike', () => {
    const n = 500;
    const bytes = new Uint8Array(8 * n).fill(255);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < n; i++) view.setUint32(8 * i + 4, i);
    const index = new RowIndex(bytes, 8);
    for (let i = 0; i < n; i++) equal(index.add(i), -1, `row ${i}`);
    for (let i = 0; i < n; i++) equal(index.find(bytes, 8 * i), i, `row ${i}`);
  });

  it('holds no row and one row', () => {
    equal(new RowIndex(new Uint8Array(0), 4).find(Uint8Array.of(1, 2, 3, 4), 0), -1);
    const one = new RowIndex(Uint8Array.of(255, 255, 255, 255), 4);
    equal(one.add(0), -1);
    equal(one.find(Uint8Array.of(0, 255, 255, 255, 255), 1), 0);
  });
});

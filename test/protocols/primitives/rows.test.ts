import { deepEqual } from 'node:assert/strict';
import {
  ascending,
  gatherRows,
  rowNumbers,
  truncateRows,
} from '../../../src/protocols/primitives/rows.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('rowNumbers', () => {
  it('counts from 0', () => {
    deepEqual(rowNumbers(0), Uint32Array.of());
    deepEqual(rowNumbers(3), Uint32Array.of(0, 1, 2));
  });
});

describe('ascending', () => {
  it('sorts distinct numbers', () => {
    deepEqual(ascending(Uint32Array.of(), 0), Uint32Array.of());
    deepEqual(ascending(Uint32Array.of(6, 0, 2), 7), Uint32Array.of(0, 2, 6));
    deepEqual(ascending(Uint32Array.of(1, 0), 2), Uint32Array.of(0, 1));
  });
});

describe('gatherRows', () => {
  it('copies rows in the order asked, whatever their width and alignment', () => {
    const order = Uint32Array.of(2, 0, 2, 1);
    for (const width of [1, 2, 4, 5, 16, 32]) {
      for (const offset of [0, 1, 4]) {
        const bytes = seededRng(width)(offset + 3 * width).subarray(offset);
        const expected = Buffer.concat(
          Array.from(order, (row) => bytes.subarray(row * width, (row + 1) * width)),
        );
        const what = `width ${width} at ${offset}`;
        deepEqual(gatherRows(bytes, width, order), new Uint8Array(expected), what);
      }
    }
  });
});

describe('truncateRows', () => {
  it('keeps the first bytes of each row', () => {
    const bytes = seededRng('rows')(1 + 3 * 16).subarray(1);
    for (const kept of [0, 1, 9, 16]) {
      const expected = [0, 16, 32].flatMap((at) => [...bytes.subarray(at, at + kept)]);
      deepEqual([...truncateRows(bytes, 16, kept)], expected, `${kept} bytes`);
    }
    deepEqual(truncateRows(new Uint8Array(0), 16, 9), new Uint8Array(0));
  });
});

import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { referenceOkvsKernel } from '../../../src/kernels/okvs-kernel.reference.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { type OkvsRows, rowsOf } from '../../../src/protocols/okvs/rows.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const SEED = Uint8Array.from({ length: 16 }, (_, i) => i);

function aes(key: Uint8Array, block: Uint8Array): Buffer {
  return createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(block);
}

/** The three words of every item's row and its bin, in the order of the items. */
function perItem({ order, starts, words }: OkvsRows): { bin: number; row: Uint32Array }[] {
  const result: { bin: number; row: Uint32Array }[] = [];
  for (let bin = 0; bin + 1 < starts.length; bin++) {
    for (let k = starts[bin]!; k < starts[bin + 1]!; k++) {
      result[order[k]!] = { bin, row: words.slice(3 * k, 3 * k + 3) };
    }
  }
  return result;
}

describe('OKVS rows', () => {
  it('are of two hashes under keys that the seed gives', () => {
    const items = seededRng('rows')(16 * 50);
    const parameters = okvsParameters(40_000);
    const got = perItem(rowsOf(items, SEED, parameters));
    for (let i = 0; i < 50; i++) {
      const x = items.subarray(16 * i, 16 * i + 16);
      const [h0, h1] = [0, 1].map((index) => {
        const key = aes(SEED, Uint8Array.of(index, ...new Uint8Array(15)));
        return Uint8Array.from(aes(key, x), (byte, j) => byte ^ x[j]!);
      });
      const { words, bins } = referenceOkvsKernel.rows(h0!, h1!, parameters, parameters.bins);
      deepEqual(got[i], { bin: bins[0], row: words }, `item ${i}`);
    }
  });

  it('stand bin by bin, in a bin in the order of the items', () => {
    for (const n of [0, 1, 4095, 4096, 4097, 100_000]) {
      const parameters = okvsParameters(100_000);
      const { order, starts, words } = rowsOf(seededRng(n)(16 * n), SEED, parameters);
      equal(words.length, 3 * n);
      equal(starts.length, parameters.bins + 1);
      deepEqual([starts[0], starts.at(-1)], [0, n]);
      for (let b = 0; b < parameters.bins; b++) {
        ok(starts[b]! <= starts[b + 1]!);
        for (let k = starts[b]! + 1; k < starts[b + 1]!; k++) ok(order[k - 1]! < order[k]!);
      }
      ok(
        order.toSorted().every((item, i) => item === i),
        `n = ${n}`,
      );
    }
  });

  it('do not depend on the other items', () => {
    const items = seededRng('others')(16 * 9000);
    const parameters = okvsParameters(30_000);
    const all = perItem(rowsOf(items, SEED, parameters));
    const some = perItem(rowsOf(items.slice(16 * 5000, 16 * 5003), SEED, parameters));
    deepEqual(some, all.slice(5000, 5003));
  });

  it('spread over bins, columns and dense bits evenly', () => {
    const n = 200_000;
    const parameters = okvsParameters(n);
    const { starts, words } = rowsOf(seededRng('even')(16 * n), SEED, parameters);
    const mean = n / parameters.bins;
    for (let b = 0; b < parameters.bins; b++) {
      const count = starts[b + 1]! - starts[b]!;
      ok(Math.abs(count - mean) < 6 * Math.sqrt(mean), `bin ${b}: ${count}`);
    }
    const halves = new Uint16Array(words.buffer);
    const sums = new Float64Array(6);
    for (let i = 0; i < halves.length; i++) sums[i % 6]! += halves[i]!;
    for (let j = 0; j < 6; j++) {
      const range = j < 3 ? parameters.columns : j < 5 ? 2 ** 16 : 2 ** (parameters.denseBits - 32);
      const deviation = (sums[j]! / n - (range - 1) / 2) / (range / Math.sqrt(12 * n));
      ok(Math.abs(deviation) < 6, `half ${j}: ${deviation} deviations off`);
    }
  });

  it('are others under another seed', () => {
    const items = seededRng('seeds')(160);
    const parameters = okvsParameters(10);
    const other = SEED.with(15, 77);
    notDeepEqual(rowsOf(items, SEED, parameters).words, rowsOf(items, other, parameters).words);
  });

  it('refuse items and seeds of another length', () => {
    const parameters = okvsParameters(10);
    throws(() => rowsOf(new Uint8Array(17), SEED, parameters), RangeError);
    throws(() => rowsOf(new Uint8Array(16), SEED.subarray(1), parameters), RangeError);
    throws(() => rowsOf(new Uint8Array(16), new Uint8Array(32), parameters), RangeError);
  });
});

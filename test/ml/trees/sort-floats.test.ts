import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import { sortFloats } from '../../../src/ml/trees/sort-floats.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** The bits, so that -0 and 0 differ. */
const bits = (values: Float32Array) => Buffer.from(new Uint32Array(values.slice().buffer).buffer);

function agrees(values: Float32Array, what: string): void {
  const [own, native] = [values.slice(), values.slice().sort()];
  sortFloats(own);
  equal(Buffer.compare(bits(own), bits(native)), 0, what);
}

describe('sorting of floats', () => {
  it('orders like the built-in sort: any values', () => {
    const float = fc.float({ noNaN: true });
    fc.assert(
      fc.property(fc.array(float, { maxLength: 600, size: 'max' }), (values) => {
        agrees(Float32Array.from(values), `${values.length} values`);
      }),
      { numRuns: 50 },
    );
  });

  it('orders all bit patterns, infinities and both zeros included', () => {
    for (const n of [0, 1, 127, 128, 129, 20_000]) {
      const random = new Float32Array(new Uint8Array(seededRng(`floats ${n}`)(4 * n)).buffer);
      const values = random.map((value) => (Number.isNaN(value) ? 0 : value));
      values.set([-0, 0, Infinity, -Infinity, 2 ** -149, -(2 ** -149)].slice(0, n));
      agrees(values, `${n} values`);
    }
  });

  it('leaves what is beside a view alone', () => {
    const all = Float32Array.from({ length: 300 }, (_, i) => 300 - i);
    sortFloats(all.subarray(50, 250));
    deepEqual(
      [...all.subarray(0, 50)],
      [...Array(50).keys()].map((i) => 300 - i),
    );
    deepEqual([all[50], all[249], all[250]], [51, 250, 50]);
  });
});

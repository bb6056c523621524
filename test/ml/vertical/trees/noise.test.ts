import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { discreteGaussians, MAX_VARIANCE } from '../../../../src/ml/vertical/trees/noise.ts';
import type { Rng } from '../../../../src/protocols/primitives/rng.ts';
import { seededRng } from '../../../support/seeded-rng.ts';

function samples(n: number, variance: number, denominator: number, rng: Rng): Int32Array {
  return discreteGaussians(new Float64Array(n).fill(variance), denominator, rng);
}

/** Pr[y < edge_0], Pr[edge_0 <= y < edge_1], ..., Pr[y >= edge_last], summed from the definition. */
function binned(variance: number, edges: readonly number[]): Float64Array {
  const reach = Math.ceil(12 * Math.sqrt(variance)) + 2;
  const mass = new Float64Array(edges.length + 1);
  let total = 0;
  for (let y = -reach, bin = 0; y <= reach; y++) {
    while (bin < edges.length && y >= edges[bin]!) bin++;
    const weight = Math.exp((-y * y) / (2 * variance));
    mass[bin]! += weight;
    total += weight;
  }
  return mass.map((weight) => weight / total);
}

function counts(y: Int32Array, edges: readonly number[]): Float64Array {
  const found = new Float64Array(edges.length + 1);
  for (const value of y) {
    let bin = 0;
    while (bin < edges.length && value >= edges[bin]!) bin++;
    found[bin]! += 1;
  }
  return found;
}

/** Pearson's statistic in standard deviations above its mean. */
function surprise(found: Float64Array, expected: Float64Array): number {
  const n = found.reduce((sum, count) => sum + count, 0);
  const statistic = found.reduce((sum, count, bin) => {
    const mean = n * expected[bin]!;
    ok(mean >= 5, `bin ${bin} expects ${mean.toFixed(1)}`);
    return sum + (count - mean) ** 2 / mean;
  }, 0);
  const freedom = found.length - 1;
  return (statistic - freedom) / Math.sqrt(2 * freedom);
}

/** Edges such that every bin, tails included, has mass. */
function integers(least: number, most: number): number[] {
  return Array.from({ length: most - least + 1 }, (_, k) => least + k);
}

/** Words as they are, then zeros. */
function wordsThenZeros(words: readonly number[]): Rng {
  let rest = Uint32Array.from(words);
  return (length) => {
    const block = new Uint8Array(length);
    block.set(new Uint8Array(rest.buffer, 0, Math.min(length, rest.byteLength)));
    rest = rest.slice(length / 4);
    return block;
  };
}

describe('discrete Gaussian noise [CKS20]', () => {
  const N = 200_000;
  for (const { variance, denominator, edges } of [
    { variance: 1, denominator: 10, edges: integers(0, 1) },
    { variance: 1, denominator: 3, edges: integers(-1, 2) },
    { variance: 1, denominator: 2, edges: integers(-2, 3) },
    { variance: 1, denominator: 1, edges: integers(-3, 4) },
    { variance: 21, denominator: 2, edges: integers(-12, 13) },
    { variance: 21 * 500, denominator: 2, edges: integers(-40, 40).map((k) => 7 * k) },
    { variance: 2 ** 27 + 1, denominator: 2, edges: integers(-28, 28).map((k) => 1021 * k) },
  ]) {
    it(`has the probabilities of the definition: variance ${variance} / ${denominator}`, () => {
      const y = samples(N, variance, denominator, seededRng(`pmf ${variance}`));
      const expected = binned(variance / denominator, edges);
      const off = surprise(counts(y, edges), expected);
      ok(off < 5, `${off.toFixed(1)} deviations`);
      const wider = surprise(counts(y, edges), binned((1.1 * variance) / denominator, edges));
      ok(wider > 5, `a tenth more variance shows: ${wider.toFixed(1)} deviations`);
    });
  }

  it('has the probabilities of the definition at the largest variance', () => {
    const sigma = Math.sqrt(MAX_VARIANCE);
    const y = samples(N, MAX_VARIANCE, 1, seededRng('largest'));
    // The same bins in units of 2^10, where the distribution is the same but for 10^-6 of itself.
    const edges = integers(-30, 30).map((k) => (k * sigma) / 10);
    const expected = binned(
      MAX_VARIANCE / 2 ** 20,
      edges.map((edge) => edge / 2 ** 10 - 1 / 2),
    );
    const off = surprise(counts(y, edges), expected);
    ok(off < 5, `${off.toFixed(1)} deviations`);
    const low = new Float64Array(16);
    for (const value of y) low[value & 15]! += 1;
    ok(surprise(low, new Float64Array(16).fill(1 / 16)) < 5, 'the lowest bits are uniform');
  });

  it('is symmetric, centred and uncorrelated, with the tails it should have', () => {
    const sigma = Math.sqrt(10.5);
    const y = samples(N, 21, 2, seededRng('moments'));
    const mean = (of: (value: number, i: number) => number) =>
      y.reduce((sum, value, i) => sum + of(value, i), 0) / N;
    const deviation = 1 / Math.sqrt(N);
    ok(Math.abs(mean((v) => v)) < 5 * sigma * deviation, 'mean');
    ok(Math.abs(mean((v) => v ** 3)) < 5 * Math.sqrt(15) * sigma ** 3 * deviation, 'skewness');
    ok(Math.abs(mean((v) => v ** 2) / 10.5 - 1) < 5 * Math.sqrt(2) * deviation, 'variance');
    ok(Math.abs(mean((v) => v ** 4) / (3 * 10.5 ** 2) - 1) < 5 * Math.sqrt(32 / 3) * deviation);
    ok(Math.abs(mean((v, i) => v * (y[i + 1] ?? 0))) < 5 * 10.5 * deviation, 'neighbours');
    const beyond = y.filter((value) => Math.abs(value) >= 13).length;
    const expected = binned(10.5, [-12, 13]);
    const tail = N * (expected[0]! + expected[2]!);
    ok(Math.abs(beyond - tail) < 5 * Math.sqrt(tail), `${beyond} beyond 4 sigma, not ${tail}`);
    ok(y.every((value) => Math.abs(value) < 8 * sigma));
  });

  it('gives each sample its own variance, and none where it is 0', () => {
    const variances = Float64Array.from({ length: 60_000 }, (_, i) => [0, 2, 2e6][i % 3]!);
    const y = discreteGaussians(variances, 2, seededRng('own'));
    for (const [k, variance] of [0, 1, 1e6].entries()) {
      const own = y.filter((_, i) => i % 3 === k);
      const squares = own.reduce((sum, value) => sum + value ** 2, 0) / own.length;
      ok(Math.abs(squares - variance) <= variance * 0.06, `${squares}, not ${variance}`);
    }
    deepEqual(discreteGaussians(new Float64Array(0), 1, seededRng('none')), new Int32Array(0));
  });

  it('is the same for the same randomness, and pinned', () => {
    const variances = Float64Array.of(1, 10, 21, 1000, 10 ** 6, 2 ** 30, MAX_VARIANCE, 2);
    const [first, second] = [1, 2].map(() => discreteGaussians(variances, 1, seededRng('pinned')));
    deepEqual(first, second);
    deepEqual([...first!], PINNED);
  });

  it('draws blocks, 80 bytes a sample at the most', () => {
    for (const [n, variance] of [
      [0, 21],
      [1, 21],
      [100, 1],
      [5000, 21],
      [50_000, 1000],
      [20_000, MAX_VARIANCE],
    ] as const) {
      let [bytes, calls] = [0, 0];
      const inner = seededRng(`bytes ${n}`);
      samples(n, variance, 1, (length) => {
        bytes += length;
        calls += 1;
        ok(length >= 256 && length <= 2 ** 16, `${length} bytes a call`);
        return inner(length);
      });
      ok(bytes <= 80 * n + 2 ** 16 && (n > 0 || bytes === 0), `${bytes} bytes for ${n}`);
      ok(calls <= 2 + (80 * n) / 2 ** 16 + (n < 10 ? 2 : 0), `${calls} calls for ${n}`);
    }
  });

  it('takes more bits where 32 do not decide', () => {
    // sigma^2 = 4: t = 3. U = 1, and u of Bernoulli(1/3) begins with the 32 bits of 1/3.
    const U = [0x40000000, 0x55555555];
    const [stop, positive] = [0xffffffff, 0];
    const above = [...U, 0x55555556, stop, positive, stop]; // no: exp(-1/3) holds, Y = 1
    const deeper = [...U, 0x55555555, 0x55555556, stop, positive, stop];
    // yes, and then not below 1/6: exp(-1/3) fails; the next proposal is Y = 0
    const below = [...U, 0x55555554, stop, 0, 1, stop, positive, stop];
    equal(samples(1, 4, 1, wordsThenZeros(above))[0], 1);
    equal(samples(1, 4, 1, wordsThenZeros(deeper))[0], 1);
    equal(samples(1, 4, 1, wordsThenZeros(below))[0], 0);
  });

  it('refuses variances that are no integers or out of range', () => {
    const rng = seededRng('refused');
    for (const variance of [-1, 0.5, Number.NaN, Infinity, MAX_VARIANCE + 1]) {
      throws(() => samples(1, variance, 1, rng), RangeError);
    }
    for (const denominator of [0, -1, 1.5, 2 ** 20]) {
      throws(() => samples(1, 1, denominator, rng), RangeError);
    }
    equal(samples(1, 2 * MAX_VARIANCE, 2, rng).length, 1);
  });
});

const PINNED = [0, 2, 3, 5, -1796, -51_842, 1_195_883, -1];

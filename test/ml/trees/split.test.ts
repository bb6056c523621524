import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import {
  bestColumnSplit,
  type ColumnSplit,
  isWorth,
  leafGain,
  leafWeight,
  rest,
  type Sums,
  splitGain,
} from '../../../src/ml/trees/split.ts';

const plain = { regLambda: 1, regAlpha: 0, minChildWeight: 0 };
const near = (actual: number | null, expected: number) =>
  ok(Math.abs(actual! - expected) < 1e-6, `${actual}, expected ${expected}`);

describe('splits', () => {
  it('weigh a leaf by -T(G) / (H + lambda)', () => {
    equal(leafWeight({ G: 6, H: 2 }, plain), -2);
    equal(leafWeight({ G: -6, H: 2 }, { ...plain, regAlpha: 3 }), 1);
    equal(leafWeight({ G: 6, H: 2 }, { ...plain, regAlpha: 7 }) + 0, 0);
    equal(leafWeight({ G: 6, H: 2 }, { ...plain, regLambda: 0, minChildWeight: 2 }), -3);
    equal(leafWeight({ G: 6, H: 2 }, { ...plain, minChildWeight: 2.5 }), 0);
    equal(leafWeight({ G: 0, H: 0 }, { ...plain, regLambda: 0 }), 0);
  });

  it('gain by the formula of [CG16] (7), without its half', () => {
    const parent = { G: 2, H: 8 };
    const left = { G: -6, H: 3 };
    const expected = 36 / 4 + 64 / 6 - 4 / 9;
    near(splitGain(parent, left, plain), expected);
    near(splitGain(parent, left, { ...plain, regLambda: 2 }), 36 / 5 + 64 / 7 - 4 / 10);
    near(splitGain(parent, left, { ...plain, regAlpha: 2 }), 16 / 4 + 36 / 6 - 0);
    equal(leafGain({ G: 6, H: 2 }, plain), 12);
    equal(splitGain(parent, left, plain), Math.fround(expected));
  });

  it('keep minChildWeight on both sides', () => {
    const parent = { G: 2, H: 8 };
    const left = { G: -6, H: 3 };
    ok(splitGain(parent, left, { ...plain, minChildWeight: 3 }) !== null);
    equal(splitGain(parent, left, { ...plain, minChildWeight: 3.1 }), null);
    equal(splitGain(parent, rest(parent, left), { ...plain, minChildWeight: 3.1 }), null);
    equal(splitGain(parent, { G: 0, H: 0 }, plain), null);
    equal(splitGain(parent, parent, plain), null);
  });

  it('are worth it from gamma on, and above 10^-6', () => {
    ok(isWorth(2, { gamma: 2 }) && !isWorth(2, { gamma: 2.1 }));
    ok(!isWorth(1e-6, { gamma: 0 }) && isWorth(2e-6, { gamma: 0 }) && !isWorth(0, { gamma: 0 }));
  });

  it('send missing values where they gain more', () => {
    const G = Float64Array.of(-4, 4, 0);
    const H = Float64Array.of(2, 2, 2);
    for (const [missing, defaultLeft] of [
      [-3, true],
      [3, false],
    ] as const) {
      G[2] = missing;
      const split = bestColumnSplit(G, H, { G: missing, H: 6 }, plain)!;
      deepEqual([split.bin, split.defaultLeft], [0, defaultLeft]);
      near(split.gain, 49 / 5 + 16 / 3 - 9 / 7);
      const left = defaultLeft ? { G: -7, H: 4 } : { G: -4, H: 2 };
      deepEqual(split.left, left);
    }
  });

  it('can put all values on the left and the missing ones on the right', () => {
    const split = bestColumnSplit(
      Float64Array.of(-1, -1, 5),
      Float64Array.of(1, 1, 1),
      { G: 3, H: 3 },
      plain,
    )!;
    deepEqual([split.bin, split.defaultLeft, split.left], [1, false, { G: -2, H: 2 }]);
  });

  it('take the first of equal splits, and none where there is one bin or none allowed', () => {
    const G = Float64Array.of(-2, 0, 2, 0);
    const H = Float64Array.of(1, 0, 1, 0);
    equal(bestColumnSplit(G, H, { G: 0, H: 2 }, plain)!.bin, 0);
    equal(
      bestColumnSplit(Float64Array.of(3, 0), Float64Array.of(2, 0), { G: 3, H: 2 }, plain),
      null,
    );
    equal(
      bestColumnSplit(Float64Array.of(0, 3), Float64Array.of(0, 2), { G: 3, H: 2 }, plain),
      null,
    );
    equal(bestColumnSplit(G, H, { G: 0, H: 2 }, { ...plain, minChildWeight: 1.5 }), null);
  });

  it('are the best of all candidates', () => {
    const entry = fc.tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: 0, max: 20 }));
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 2, maxLength: 8 }),
        fc.constantFrom(0, 1, 2.5),
        fc.constantFrom(0, 3),
        (bins, minChildWeight, regAlpha) => {
          const G = Float64Array.from(bins, ([g, h]) => (h > 0 ? g / 8 : 0));
          const H = Float64Array.from(bins, ([, h]) => h / 8);
          const total = (list: Float64Array) => list.reduce((sum, value) => sum + value, 0);
          const parent = { G: total(G), H: total(H) };
          const parameters = { regLambda: 1, regAlpha, minChildWeight };
          const found = bestColumnSplit(G, H, parent, parameters);
          const gains = candidates(G, H)
            .map((left) => splitGain(parent, left, parameters))
            .filter((gain) => gain !== null);
          equal(found === null, gains.length === 0);
          if (!found) return;
          equal(found.gain, Math.max(...gains));
          deepEqual(leftOf(G, H, found), found.left);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The left sums of every split of a column: each bin, missing values right and left. */
function candidates(G: Float64Array, H: Float64Array): Sums[] {
  const bins = G.length - 1;
  const found: Sums[] = [];
  for (let bin = 0; bin < bins; bin++) {
    for (const defaultLeft of [false, true]) found.push(leftOf(G, H, { bin, defaultLeft }));
  }
  return found;
}

function leftOf(
  G: Float64Array,
  H: Float64Array,
  { bin, defaultLeft }: Pick<ColumnSplit, 'bin' | 'defaultLeft'>,
): Sums {
  const missing = G.length - 1;
  const taken = (_: number, b: number) => b <= bin || (defaultLeft && b === missing);
  const sum = (list: Float64Array) => list.filter(taken).reduce((total, value) => total + value, 0);
  return { G: sum(G), H: sum(H) };
}

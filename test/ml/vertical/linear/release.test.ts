import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { type Matrix, matrix } from '../../../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { toRawWeights, type Whitening } from '../../../../src/ml/data/whiten.ts';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import { coordinates, type TargetScale } from '../../../../src/ml/vertical/linear/design.ts';
import { fromFixed, toFixed, WEIGHT_BITS } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import type { LinearParameters } from '../../../../src/ml/vertical/linear/parameters.ts';
import {
  blockMap,
  checkTarget,
  releasedShares,
  UnsuitableColumnError,
} from '../../../../src/ml/vertical/linear/release.ts';
import { reconstruct, share } from '../../../../src/protocols/sharing/share.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import {
  both,
  columnNames,
  contextPair,
  DEFAULTS,
  syntheticTable,
} from '../../../support/vertical-run.ts';

/** Rows of columns with these means and deviations. */
function table(
  n: number,
  columns: readonly (readonly [mean: number, deviation: number])[],
): Matrix {
  const next = seededGenerator(n);
  const values = Array.from({ length: n }, () =>
    columns.map(([mean, deviation]) => mean + deviation * 3.4 * (next() / 2 ** 32 - 0.5)),
  );
  return matrix(Float64Array.from(values.flat()), n, columns.length);
}

describe('release of a linear model', () => {
  let contexts: readonly [TrainingContext, TrainingContext];
  before(async () => {
    ({ contexts } = await contextPair());
  });

  /** Releases random weights of two blocks and compares with the plain map. */
  async function agrees(
    blocks: readonly [Matrix, Matrix],
    parameters: LinearParameters,
    target: TargetScale | null = null,
  ): Promise<void> {
    const d = blocks.map(({ columns }) => columns);
    const whitenings = blocks.map((X, p) =>
      coordinates(X, parameters, 1 / 4, p === 0 && parameters.use_intercept),
    );
    const next = seededGenerator(d[0]! + 7 * d[1]!);
    const v = whitenings.map(({ ridge }) =>
      Float64Array.from({ length: ridge.rows }, () => 4 * (next() / 2 ** 32 - 0.5)),
    );
    const shares = v.map((each, p) => share(toFixed(each, WEIGHT_BITS), seededRng(`v${p}`)));
    const maps = whitenings.map((whitening, p) =>
      blockMap(whitening, columnNames('c', d[p]!), parameters),
    );
    const [a, b] = await both((role) =>
      releasedShares(
        contexts[role],
        maps[role]!,
        d[1 - role]!,
        { own: shares[role]![role]!, peer: shares[1 - role]![role]! },
        parameters,
        role === 0 ? target : null,
      ),
    );
    const opened = fromFixed(reconstruct(a, b), parameters.open_bits);
    equal(opened.length, d[0]! + d[1]! + 1);

    const unit = 2 ** -parameters.open_bits;
    let at = 0;
    let intercept = target ? target.centre / 2 ** target.exponent : 0;
    let interceptBound = 3 * unit; // two truncations, the centre's rounding
    whitenings.forEach((whitening, p) => {
      const plain = toRawWeights(whitening, v[p]!);
      intercept += plain.intercept;
      plain.weights.forEach((weight, j) => {
        const exponent = maps[p]!.exponents[j]!;
        const off = opened[at]! - weight * 2 ** exponent;
        const bound = unit + mapError(whitening, parameters);
        ok(Math.abs(off) < bound, `weight ${at} is off by ${off}, bound ${bound}`);
        if (whitening.dependent[j]) equal(opened[at], 0, 'a dependent column has weight exactly 0');
        // the intercept takes up the mean times the rounded weight
        const mean = whitening.scaler.constant[j] ? 0 : whitening.scaler.mean[j]! / 2 ** exponent;
        intercept -= mean * off;
        interceptBound += 2 ** -12 * (1 + Math.abs(opened[at]!)) + mapError(whitening, parameters);
        at += 1;
      });
    });
    ok(
      Math.abs(opened[at]! - intercept) < interceptBound,
      `intercept ${opened[at]} for ${intercept}, bound ${interceptBound}`,
    );
  }

  /** Rounding of the map's entries and of v, times weights of at most 2. */
  function mapError(whitening: Whitening, { solver }: LinearParameters): number {
    const D = whitening.ridge.rows;
    const largest = whitening.W.values.reduce((m, w) => Math.max(m, Math.abs(w)), 1);
    return D * (2 * 2 ** -(solver === 'sgd' ? 21 : 15) + 2 * largest * 2 ** -(WEIGHT_BITS + 1));
  }

  it('agrees with the plain map, at every rounding', async () => {
    const { guest, host } = syntheticTable(200, 4, 3, 'binary');
    for (const open_bits of [4, 10, 20]) await agrees([guest, host], { ...DEFAULTS, open_bits });
    await agrees([guest, host], { ...DEFAULTS, use_intercept: false });
    await agrees([guest, host], { ...DEFAULTS, solver: 'sgd' });
    await agrees([guest, host], DEFAULTS, { centre: 1e6, exponent: 3 });
  });

  it('agrees for unbalanced widths and a single column', async () => {
    await agrees([table(80, [[0, 1]]), table(80, [[3, 2]])], DEFAULTS);
    const wide = table(
      80,
      Array.from({ length: 40 }, (_, j) => [j, 1 + j] as const),
    );
    await agrees([table(80, [[0, 1]]), wide], DEFAULTS);
    await agrees([wide, table(80, [[0, 1]])], { ...DEFAULTS, use_intercept: false });
    await agrees([matrix(new Float64Array(0), 80, 0), wide], DEFAULTS);
  });

  it('agrees for very different units, far means, constant and dependent columns', async () => {
    const guest = table(60, [
      [1e12, 1e9],
      [-1e-9, 1e-12],
      [2e5, 1],
      [0, 1],
    ]);
    for (let i = 0; i < 60; i++) guest.values[4 * i + 3] = 2 * guest.values[4 * i + 2]! - 1;
    const host = table(60, [
      [7, 0],
      [0, 1e-30],
      [1e30, 1e28],
    ]);
    for (const l2 of [0, 1]) await agrees([guest, host], { ...DEFAULTS, l2 });
  });

  it('names a column too far from zero before training', () => {
    const columns = [{ column: 'fine' }, { column: 'stamp' }];
    const far = coordinates(
      table(50, [
        [0, 1],
        [2 ** 19, 1],
      ]),
      DEFAULTS,
      1 / 4,
      false,
    );
    throws(
      () => blockMap(far, columns, DEFAULTS),
      (error) => error instanceof UnsuitableColumnError && error.message.includes('"stamp"'),
    );
    const near = coordinates(
      table(50, [
        [0, 1],
        [2 ** 17, 1],
      ]),
      DEFAULTS,
      1 / 4,
      false,
    );
    deepEqual([...blockMap(near, columns, DEFAULTS).exponents].length, 2);
  });

  it('names a column in a chain of near-dependences before training', () => {
    const n = 200;
    const X = table(n, [
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    for (let i = 0; i < n; i++) {
      const [x, a, b] = [X.values[3 * i]!, X.values[3 * i + 1]!, X.values[3 * i + 2]!];
      X.values[3 * i + 1] = x + 5e-4 * a;
      X.values[3 * i + 2] = a + 5e-4 * b; // a shows in the second column 1 : 2000 only
    }
    const columns = columnNames('x', 3);
    const map = (l2: number): unknown =>
      blockMap(coordinates(X, { ...DEFAULTS, l2 }, 1 / 4, false), columns, DEFAULTS);
    throws(
      () => map(0),
      (error) => error instanceof UnsuitableColumnError && /depends/.test(error.message),
    );
    map(1); // the penalty bounds the map
  });

  it('refuses a label too far from zero before training', () => {
    throws(() => checkTarget({ centre: 2 ** 30, exponent: 10 }), UnsuitableColumnError);
    checkTarget({ centre: -(2 ** 28), exponent: 10 });
  });
});

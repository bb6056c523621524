import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { type Matrix, matrix } from '../../../src/ml/data/matrix.ts';
import { fitBins } from '../../../src/ml/trees/bins.ts';
import { fitBoostedTrees } from '../../../src/ml/trees/gradient-boosting.ts';
import { quantileCuts } from '../../../src/ml/trees/quantile-sketch.ts';
import { toXgboostJson, type XgboostTree } from '../../../src/ml/trees/xgboost-json.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import {
  loadXgboostVectors,
  optionsFrom,
  type XgboostParameters,
} from '../../support/xgboost-vectors.ts';

interface QuantileCase {
  readonly rows: number;
  readonly max_bin: number;
  readonly parameters: XgboostParameters;
  readonly trees: readonly Pick<
    XgboostTree,
    'left_children' | 'split_indices' | 'default_left' | 'split_conditions'
  >[];
}

/** `wide_table` of generate.py. */
function wideTable(n: number): { X: Matrix; y: Float64Array } {
  const y = new Float64Array(n);
  const values = Array.from({ length: n }, (_, i) => {
    const a = ((i * i * 7 + i * 1009) % 65_521) / 256 - 100;
    const b = ((i * 7919 + 13) % 1201) / 4;
    const c = (i * 31) % 11 === 0 ? Number.NaN : ((i * 31 + 7) % 4099) ** 2 / 4096;
    const d = Math.floor(i / 40) / 2;
    y[i] = ((i * 37) % 101) / 16 + (a > 13 ? 3 : 0) + b / 64 + (c < 500 ? b - d : a) / 32;
    return [a, b, c, d];
  });
  return { X: matrix(Float64Array.from(values.flat()), n, 4), y };
}

function randomFloats(n: number, levels: number, seed: string): Float32Array {
  const words = new Uint32Array(new Uint8Array(seededRng(seed)(4 * n)).buffer);
  return Float32Array.from(words, (word) => Math.fround((word % levels) / 7));
}

describe('quantile sketch', () => {
  const { cases } = loadXgboostVectors<{ readonly cases: readonly QuantileCase[] }>('quantiles');
  for (const { rows, max_bin: numBins, parameters, trees } of cases) {
    it(`cuts where XGBoost cuts: ${rows} rows, ${numBins} bins`, () => {
      const { X, y } = wideTable(rows);
      const cuts = fitBins(X, numBins).map((column) => new Set(column.cuts));
      for (const [t, { left_children, split_indices, split_conditions }] of trees.entries()) {
        left_children.forEach((child, node) => {
          if (child < 0) return;
          const threshold = Math.fround(split_conditions[node]!);
          ok(cuts[split_indices[node]!]!.has(threshold), `node ${node} of tree ${t}: ${threshold}`);
        });
      }
      const options = { ...optionsFrom(parameters, trees.length), numBins };
      const model = toXgboostJson(fitBoostedTrees(X, y, options), ['a', 'b', 'c', 'd']);
      model.learner.gradient_booster.model.trees.forEach((tree, t) => {
        deepEqual(tree.left_children, trees[t]!.left_children, `shape of tree ${t}`);
        deepEqual(tree.split_indices, trees[t]!.split_indices, `columns of tree ${t}`);
      });
    });
  }

  it('keeps every value where they are few enough', () => {
    for (const n of [1, 2, 31, 32, 1000, 20_000]) {
      const values = randomFloats(n, 32, `few ${n}`);
      const distinct = [...new Set(values)].sort((a, b) => a - b);
      deepEqual([...quantileCuts(values, 32)], distinct.slice(1), `${n} values`);
    }
    deepEqual([...quantileCuts(Float32Array.of(-0, 0, 1, 0, -0), 4)], [1]);
    ok(Object.is(quantileCuts(Float32Array.of(-1, -0), 4)[0], 0), 'no cut is -0');
  });

  it('cuts ascending at about equal ranks, whatever the order of the rows', () => {
    for (const n of [300, 3000, 50_000]) {
      for (const order of ['random', 'ascending', 'descending']) {
        const values = randomFloats(n, 2 ** 32 - 1, `ranks ${n}`);
        if (order !== 'random') values.sort();
        if (order === 'descending') values.reverse();
        const cuts = quantileCuts(values, 32);
        equal(cuts.length, 31);
        const below = Array.from(cuts, (cut) => values.filter((value) => value < cut).length);
        [...below, n].forEach((count, b) => {
          const share = (count - (below[b - 1] ?? 0)) / (n / 32);
          ok(share > 0.6 && share < 1.5, `bin ${b} of ${n} ${order}: ${share} of its share`);
        });
      }
    }
  });

  it('gives at most numBins - 1 values of the column above the smallest, ascending', () => {
    const column = fc.array(fc.integer({ min: -50, max: 400 }), { minLength: 1, maxLength: 3000 });
    fc.assert(
      fc.property(column, fc.integer({ min: 2, max: 300 }), (list, numBins) => {
        const cuts = [...quantileCuts(Float32Array.from(list), numBins)];
        const values = new Set(list);
        ok(cuts.length < numBins);
        ok(cuts.every((cut) => values.has(cut)));
        cuts.reduce(
          (last, cut) => {
            ok(last < cut, `${last} < ${cut}`);
            return cut;
          },
          Math.min(...list),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the column as it is', () => {
    const values = randomFloats(9000, 1e9, 'column');
    const copy = values.slice();
    quantileCuts(values, 32);
    deepEqual(values, copy);
  });
});

import { deepEqual, ok, throws } from 'node:assert/strict';
import {
  type BoostingParameters,
  boostingParameters,
  DEFAULT_PARAMETERS,
} from '../../../src/ml/trees/parameters.ts';

describe('boosting parameters', () => {
  it("are XGBoost's defaults", () => {
    const { learningRate, maxDepth, numBins, regLambda, minChildWeight } = boostingParameters();
    deepEqual([learningRate, maxDepth, numBins, regLambda, minChildWeight], [0.3, 6, 256, 1, 1]);
    deepEqual(boostingParameters(), DEFAULT_PARAMETERS);
    deepEqual(boostingParameters({ maxDepth: 2 }), { ...DEFAULT_PARAMETERS, maxDepth: 2 });
  });

  const wrong: Partial<BoostingParameters>[] = [
    ...[0, 17, 2.5, Number.NaN].map((maxDepth) => ({ maxDepth })),
    ...[0, -1, 1.5].map((numTrees) => ({ numTrees })),
    ...[1, 65_536].map((numBins) => ({ numBins })),
    ...[0, -0.1, 1.1, Number.NaN].map((subsample) => ({ subsample })),
    ...[0, 1.1].map((colsampleBytree) => ({ colsampleBytree })),
    ...[0, -1, 1.5].map((learningRate) => ({ learningRate })),
    ...[-1, Infinity, Number.NaN].map((regLambda) => ({ regLambda })),
    ...[-1, Infinity].flatMap((bad) => [
      { regAlpha: bad },
      { gamma: bad },
      { minChildWeight: bad },
    ]),
    ...[0, -1].map((scalePosWeight) => ({ scalePosWeight })),
    ...[0, 1, -2, Number.NaN].map((baseScore) => ({ baseScore })),
    { numClass: 3 },
    { objective: 'multi:softprob', numClass: 1 },
    { objective: 'reg:squarederror', baseScore: Infinity },
  ];
  it('are refused by name where they are out of range', () => {
    for (const given of wrong) {
      throws(
        () => boostingParameters(given),
        (error) => {
          const name = Object.keys(given).at(-1)!;
          ok(error instanceof RangeError && error.message.includes(`"${name}"`), String(error));
          return true;
        },
      );
    }
    boostingParameters({ objective: 'reg:squarederror', baseScore: -3 });
    boostingParameters({ objective: 'multi:softprob', numClass: 4 });
  });
});

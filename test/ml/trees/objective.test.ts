import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import {
  assertLabels,
  baseMargin,
  gradients,
  transformMargins,
} from '../../../src/ml/trees/objective.ts';
import { boostingParameters } from '../../../src/ml/trees/parameters.ts';

const binary = boostingParameters({ scalePosWeight: 2.5 });
const values = boostingParameters({ objective: 'reg:squarederror' });
const classes = boostingParameters({ objective: 'multi:softprob', numClass: 3 });

const near = (actual: number, expected: number, what: string) =>
  ok(Math.abs(actual - expected) < 1e-6, `${what}: ${actual}, expected ${expected}`);

/** Weighted log loss or half the squared error of one row at these margins. */
function loss(parameters: typeof binary, margins: readonly number[], y: number): number {
  const columns = margins.map((margin) => Float64Array.of(margin));
  const p = transformMargins(parameters.objective, columns).map(([value]) => value!);
  switch (parameters.objective) {
    case 'reg:squarederror':
      return (p[0]! - y) ** 2 / 2;
    case 'binary:logistic':
      return y === 1 ? -parameters.scalePosWeight * Math.log(p[0]!) : -Math.log(1 - p[0]!);
    case 'multi:softprob':
      return -Math.log(p[y]!);
  }
}

describe('objectives', () => {
  const points = [
    { parameters: binary, margins: [0.7], labels: [0, 1] },
    { parameters: binary, margins: [-3], labels: [0, 1] },
    { parameters: values, margins: [1.5], labels: [-2, 0.25] },
    { parameters: classes, margins: [0.3, -1, 2], labels: [0, 1, 2] },
  ];
  it('have the derivatives that finite differences show', () => {
    const e = 1e-4;
    for (const { parameters, margins, labels } of points) {
      for (const y of labels) {
        const columns = margins.map((margin) => Float64Array.of(margin));
        const found = gradients(parameters, columns, Float64Array.of(y));
        equal(found.length, parameters.numClass);
        found.forEach(({ g, h }, k) => {
          const at = (step: number) => loss(parameters, margins.with(k, margins[k]! + step), y);
          near(g[0]!, (at(e) - at(-e)) / (2 * e), 'g');
          const second = (at(e) - 2 * at(0) + at(-e)) / e ** 2;
          const factor = parameters.objective === 'multi:softprob' ? 2 : 1; // XGBoost's bound
          ok(Math.abs(h[0]! - factor * second) < 1e-5, `h: ${h[0]}, expected ${factor * second}`);
        });
      }
    }
  });

  it('stay finite, and h above zero, for margins of any size', () => {
    for (const parameters of [binary, classes]) {
      for (const size of [0, 40, 800, 1e308]) {
        const margins = Array.from({ length: parameters.numClass }, (_, k) =>
          Float64Array.of(k === 0 ? size : -size),
        );
        for (const y of [0, 1]) {
          for (const { g, h } of gradients(parameters, margins, Float64Array.of(y))) {
            ok(Number.isFinite(g[0]!) && h[0]! >= 1e-16, `${size}: ${g[0]}, ${h[0]}`);
          }
        }
        const p = transformMargins(parameters.objective, margins).map(([value]) => value!);
        ok(p.every((value) => value >= 0 && value <= 1));
      }
    }
  });

  it('start at the base score, and probabilities of classes add up to 1', () => {
    near(baseMargin(boostingParameters({ baseScore: 0.2 })), Math.log(0.25), 'logit');
    equal(baseMargin(boostingParameters({ objective: 'reg:squarederror', baseScore: -7 })), -7);
    const p = transformMargins('multi:softprob', [
      Float64Array.of(1, 5),
      Float64Array.of(2, 5),
      Float64Array.of(3, 5),
    ]);
    for (const i of [0, 1]) near(p[0]![i]! + p[1]![i]! + p[2]![i]!, 1, 'sum');
    near(p[2]![0]! / p[1]![0]!, Math.E, 'ratio');
    near(p[0]![1]!, 1 / 3, 'equal margins');
  });

  it('refuse labels they cannot learn, by row, without the label', () => {
    for (const [parameters, y] of [
      [binary, [0, 1, 2]],
      [binary, [0, 1, -1]],
      [binary, [0, 1, 0.5]],
      [classes, [0, 2, 3]],
      [classes, [0, 2, Number.NaN]],
      [values, [0.5, -3, Number.NaN]],
      [values, [0.5, -3, Infinity]],
    ] as const) {
      throws(
        () => assertLabels(parameters, Float64Array.from(y)),
        (error) => {
          ok(error instanceof RangeError && error.message.includes('row 2'), String(error));
          return true;
        },
      );
    }
    assertLabels(binary, Float64Array.of(1, 1, 1));
    assertLabels(classes, Float64Array.of(2, 0, 1));
    deepEqual(assertLabels(values, Float64Array.of(-1e9, 0.1)), undefined);
  });
});

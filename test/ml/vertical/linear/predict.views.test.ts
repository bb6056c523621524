import { deepEqual, equal, ok } from 'node:assert/strict';
import { HeCiphertext, HeRingAnswer } from '../../../../proto/gen/he.ts';
import { CorrelatedMasks } from '../../../../proto/gen/ot.ts';
import { matrix, takeRows } from '../../../../src/ml/data/matrix.ts';
import { designRows } from '../../../../src/ml/vertical/linear/design.ts';
import { looksBiased, looksUniform } from '../../../support/chi-square.ts';
import { type PredictionRun, predictInMemory } from '../../../support/prediction-run.ts';
import { addReals, find, type Needles } from '../../../support/transcript.ts';
import {
  DEFAULTS,
  openedWeights,
  type SplitTable,
  syntheticTable,
  trainInMemory,
  type VerticalRun,
} from '../../../support/vertical-run.ts';
import { LIMIT, twoSampleChiSquare, view } from '../../../support/views.ts';

const ROWS = 400;

/** Rows of the same shape that are nothing like the others. */
function otherRows({ guest, host, labels }: SplitTable): SplitTable {
  const other = ({ rows, columns, values }: SplitTable['guest']) =>
    matrix(
      values.map((_, at) => (Math.floor(at / columns) % 2) + at * 1e-9),
      rows,
      columns,
    );
  return { guest: other(guest), host: other(host), labels };
}

describe('views of a joint prediction', () => {
  const table = syntheticTable(160, 2, 3, 'regression');
  const order = Uint32Array.from({ length: ROWS }, (_, i) => i % 160);
  const rows = {
    guest: takeRows(table.guest, order),
    host: takeRows(table.host, order),
    labels: new Float64Array(),
  };
  const changed = otherRows(rows);
  let model: VerticalRun;
  const runs = new Map<string, PredictionRun>();
  before(async () => {
    const parameters = { ...DEFAULTS, epochs: 6, loss: 'mse', model_release: 'split' } as const;
    model = await trainInMemory(table, 'linear_regression', parameters);
    for (const [name, each] of [
      ['base', rows],
      ['host', { ...rows, host: changed.host }],
      ['guest', { ...rows, guest: changed.guest }],
    ] as const) {
      runs.set(
        name,
        await predictInMemory(model, each, { algorithm: 'linear_regression', seed: name }),
      );
    }
  });

  for (const [receiver, name, other] of [
    [0, 'label holder', 'host'],
    [1, 'feature holder', 'guest'],
  ] as const) {
    it(`of the ${name} do not depend on the other's rows`, () => {
      const base = view(runs.get('base')!.frames, receiver);
      const changedView = view(runs.get(other)!.frames, receiver);
      ok(base.size >= 4, [...base.keys()].join());
      for (const [kind, bytes] of base) {
        const others = changedView.get(kind)!;
        equal(others.length, bytes.length, `${kind}: as many bytes`);
        looksUniform(bytes, `${kind} at the ${name}`);
        looksUniform(others, `${kind} at the ${name}, other rows`);
        const statistic = twoSampleChiSquare(bytes, others);
        ok(statistic < LIMIT, `${kind}: chi-square ${statistic.toFixed(0)} between rows`);
      }
    });
  }

  it('would differ if rows were not encrypted or scores not masked', () => {
    const clear = (each: SplitTable): Uint8Array =>
      new Uint8Array(designRows(model.host.whitening, each.host).slice().buffer);
    looksBiased(clear(rows), 'rows in clear');
    ok(twoSampleChiSquare(clear(rows), clear(changed)) > LIMIT, 'and they depend on the rows');
    const scores = BigInt64Array.from(runs.get('base')!.scores[0]!, (score) =>
      BigInt(Math.round(score * 1024)),
    );
    looksBiased(new Uint8Array(scores.buffer), 'scores in clear');
  });

  it('hold no row, weight or score in clear, and a planted one is found', () => {
    const scales = [0, 10, 13, 26, 39];
    const needles: Needles = new Map();
    for (const [name, block] of [
      ['guest', rows.guest],
      ['host', rows.host],
    ] as const) {
      addReals(needles, block.values, scales, `row of ${name}`);
      const entries = designRows(model[name].whitening, block);
      const design = Float64Array.from(entries, (v) => v / 2 ** 13);
      addReals(needles, design, scales, `design row of ${name}`);
    }
    for (const weights of openedWeights(model)) addReals(needles, weights, scales, 'weights');
    const { frames, scores } = runs.get('base')!;
    const { centre, exponent } = model.guest.target!;
    addReals(
      needles,
      scores[0]!.map((y) => (y - centre) / 2 ** exponent),
      scales,
      'scores',
    );
    deepEqual(find(frames, needles), []);
    const planted = new Uint8Array(16);
    new DataView(planted.buffer).setFloat64(3, rows.host.values[5]!, true);
    const frame = { from: 1, label: 'link', type: 'planted', bytes: planted } as const;
    equal(find([...frames, frame], needles).length, 1);
  });

  it('repeat nothing when the same rows are scored again by the same shares', async () => {
    const again = await predictInMemory(model, rows, {
      algorithm: 'linear_regression',
      seed: 'again',
    });
    const parts = ({ frames }: PredictionRun): string[] =>
      frames.flatMap(({ type, bytes }) => {
        if (type === HeCiphertext.$type) return [hex(HeCiphertext.decode(bytes).c0)];
        if (type === HeRingAnswer.$type) return [hex(HeRingAnswer.decode(bytes).c1)];
        return type === CorrelatedMasks.$type ? [hex(CorrelatedMasks.decode(bytes).c)] : [];
      });
    const first = parts(runs.get('base')!);
    const second = new Set(parts(again));
    ok(first.length > 4);
    ok(first.every((each) => !second.has(each)));
    const off = again.scores[0]!.map((y, i) => Math.abs(y - runs.get('base')!.scores[0]![i]!));
    ok(Math.max(...off) <= 2 ** (model.guest.target!.exponent - 10) * 1.001, 'but the rounding');
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 32)).toString('hex');
}

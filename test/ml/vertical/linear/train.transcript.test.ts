import { deepEqual, equal, ok } from 'node:assert/strict';
import { HeRingAnswer } from '../../../../proto/gen/he.ts';
import { OpenedShare } from '../../../../proto/gen/sharing.ts';
import { applyScaler } from '../../../../src/ml/data/standardise.ts';
import { applyWhitening, toStandardisedWeights } from '../../../../src/ml/data/whiten.ts';
import { predictLinear } from '../../../../src/ml/linear/model.ts';
import { splitRows } from '../../../../src/ml/vertical/linear/design.ts';
import type { LinearParameters } from '../../../../src/ml/vertical/linear/parameters.ts';
import {
  addLabels,
  addReals,
  type Frame,
  find,
  type Needles,
  transcript,
} from '../../../support/transcript.ts';
import {
  DEFAULTS,
  joined,
  openedWeights,
  PARTIES,
  type SplitTable,
  syntheticTable,
  trainInMemory,
  type VerticalRun,
} from '../../../support/vertical-run.ts';

/** Scales at which values stand anywhere in the protocol, and plain integers. */
const SCALES = [0, 10, 11, 13, 20, 22, 26, 32, 35, 39, 45, 52];

/** Everything that only one party, or nobody, may know. */
function secrets(table: SplitTable, run: VerticalRun, parameters: LinearParameters): Needles {
  const needles: Needles = new Map();
  for (const [name, part, block] of [
    ['guest', run.guest, table.guest],
    ['host', run.host, table.host],
  ] as const) {
    addReals(needles, block.values, SCALES, `raw feature of ${name}`);
    addReals(
      needles,
      applyScaler(part.whitening.scaler, block).values,
      SCALES,
      `standardised feature of ${name}`,
    );
    addReals(
      needles,
      applyWhitening(part.whitening, block).values,
      SCALES,
      `design row of ${name}`,
    );
    addReals(needles, part.whitening.scaler.mean, SCALES, `mean of ${name}`);
    addReals(needles, part.whitening.scaler.scale, SCALES, `deviation of ${name}`);
    addReals(needles, part.whitening.W.values, SCALES, `whitening of ${name}`);
  }
  addLabels(needles, table.labels, 'labels');
  const { train } = splitRows(table.labels.length, parameters);
  addLabels(
    needles,
    Float64Array.from(train, (i) => table.labels[i]!),
    'training labels',
  );
  const v = openedWeights(run);
  v.forEach((block, p) => {
    addReals(needles, block, SCALES, `whitened weights of block ${p}`);
    const { whitening } = [run.guest, run.host][p]!;
    addReals(
      needles,
      toStandardisedWeights(whitening, block).weights,
      SCALES,
      `weights of block ${p}`,
    );
  });
  addReals(needles, run.model!.weights, SCALES, 'released weights');
  const z = predictLinear(run.model!, joined(table));
  addReals(needles, z, SCALES, 'logits');
  addReals(
    needles,
    z.map((each) => Math.round(each * 2 ** 10) / 2 ** 10),
    SCALES,
    'rounded logits',
  );
  return needles;
}

describe('transcript of a vertical training', () => {
  const table = syntheticTable(120, 3, 2, 'binary');
  const parameters: LinearParameters = { ...DEFAULTS, epochs: 4 };
  const { frames, taps } = transcript();
  let needles: Needles;
  before(async () => {
    const run = await trainInMemory(table, 'logistic_regression', parameters, {
      ...taps,
      receivers: PARTIES,
    });
    needles = secrets(table, run, parameters);
  });

  it('holds no feature, label, weight or logit in clear', () => {
    ok(needles.size > 50_000, `${needles.size} values are looked for`);
    ok(frames.reduce((sum, { bytes }) => sum + bytes.length, 0) > 2e6, 'in all that was sent');
    deepEqual(find(frames, needles), []);
  });

  it('opens shares as often as declared, and nothing else carries values', () => {
    const opened = frames.filter(({ type }) => type === OpenedShare.$type);
    // guard at steps 2 and 3 both ways, scores one way, weights both ways
    deepEqual(
      opened.map(({ from }) => from).toSorted((a, b) => a - b),
      [0, 0, 0, 1, 1, 1, 1],
    );
    const types = new Set(frames.map(({ type }) => type.replace(/^entente\./, '')));
    deepEqual([...types].sort(), [
      'he.v1.HeCiphertext',
      'he.v1.HePublicKey',
      'he.v1.HeRingAnswer',
      'he.v1.HeSlotAnswer',
      'ml.linear.v1.ReleasedColumns',
      'ml.linear.v1.ReleasedMetrics',
      'ml.linear.v1.ReleasedTarget',
      'ot.v1.BaseOtChoices',
      'ot.v1.BaseOtSetup',
      'ot.v1.CorrelatedMasks',
      'ot.v1.ExtensionColumns',
      'ot.v1.ExtensionHash',
      'sharing.v1.OpenedShare',
    ]);
  });

  describe('control', () => {
    /** The transcript with one more message. */
    const planted = (bytes: Uint8Array, type: string = OpenedShare.$type): Frame[] => [
      ...frames,
      { from: 1, label: 'link', type, bytes },
    ];
    const afterThree = (fill: (view: DataView) => void): Uint8Array => {
      const bytes = new Uint8Array(19).fill(0xa5);
      fill(new DataView(bytes.buffer, 3));
      return bytes;
    };
    const x = table.host.values;

    it('finds a planted feature, label, weight and logit', async () => {
      const leaks: Record<string, Uint8Array> = {
        double: afterThree((view) => view.setFloat64(0, x[5]!, true)),
        'big-endian double': afterThree((view) => view.setFloat64(0, x[5]!, false)),
        floats: afterThree((view) => {
          view.setFloat32(0, x[6]!, true);
          view.setFloat32(4, x[7]!, true);
        }),
        int64: afterThree((view) => view.setBigInt64(0, BigInt(Math.round(x[7]! * 2 ** 13)), true)),
        text: new TextEncoder().encode(`x=${x[8]!}`),
        'label bytes': Uint8Array.from(table.labels),
        'label bits': Uint8Array.from({ length: 15 }, (_, k) =>
          table.labels.slice(8 * k, 8 * k + 8).reduce((bits, y, j) => bits | (y << j), 0),
        ),
      };
      for (const [name, bytes] of Object.entries(leaks)) {
        ok(find(planted(bytes), needles).length > 0, `${name} is found`);
      }
    });

    it('finds features that were packed as residues and not masked', () => {
      const packed = new Uint8Array(41_472);
      const values = [x[4]!, x[5]!].map((v) => Math.round(v * 2 ** 13));
      let bits = 0n;
      values.forEach((v, i) => {
        bits |= BigInt(v < 0 ? v + 134_176_769 : v) << BigInt(27 * i);
      });
      for (let i = 0; i < 8; i++) packed[i] = Number((bits >> BigInt(8 * i)) & 255n);
      const message = HeRingAnswer.encode({ seed: new Uint8Array(16), c1: packed }).finish();
      const found = find(planted(message, HeRingAnswer.$type), needles);
      ok(
        found.some((each) => each.includes('residues')),
        found.join(),
      );
    });

    it('counts one leak as one', () => {
      const once = find(planted(afterThree((view) => view.setFloat64(0, x[9]!, true))), needles);
      equal(once.length, 1, once.join());
    });
  });
});

import { deepEqual, equal, ok } from 'node:assert/strict';
import { MaskedRows } from '../../../../proto/gen/aggregation.ts';
import { HeCiphertext, HeRingAnswer } from '../../../../proto/gen/he.ts';
import { ExtensionColumns, MaskedBits } from '../../../../proto/gen/ot.ts';
import { CandidateSums } from '../../../../proto/gen/trees.ts';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import {
  type BoostingRun,
  type BoostingTable,
  boostInMemory,
  boostingTable,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';
import { looksBiased, looksUniform } from '../../../support/chi-square.ts';
import {
  addLabels,
  addReals,
  type Frame,
  find,
  type Needles,
  residueBytes,
  transcript,
} from '../../../support/transcript.ts';
import { LIMIT, twoSampleChiSquare } from '../../../support/views.ts';

const parameters = { ...TREE_DEFAULTS, max_depth: 2, num_trees: 2, num_bins: 32 };

const MASKED: Readonly<Record<string, (frame: Frame) => Uint8Array>> = {
  [MaskedRows.$type]: ({ bytes }) => MaskedRows.decode(bytes).words,
  [ExtensionColumns.$type]: ({ bytes }) => ExtensionColumns.decode(bytes).u,
  [MaskedBits.$type]: ({ bytes }) => MaskedBits.decode(bytes).y,
  [CandidateSums.$type]: ({ bytes }) => CandidateSums.decode(bytes).words,
  [HeCiphertext.$type]: residueBytes,
  [HeRingAnswer.$type]: residueBytes,
};

/** What one party received, by kind. */
function view(frames: readonly Frame[], receiver: 0 | 1): Map<string, Uint8Array> {
  const kinds = new Map<string, Uint8Array[]>();
  for (const frame of frames) {
    const masked = MASKED[frame.type];
    if (frame.from === receiver || !masked) continue;
    kinds.set(frame.type, [...(kinds.get(frame.type) ?? []), masked(frame)]);
  }
  return new Map([...kinds].map(([kind, all]) => [kind, new Uint8Array(Buffer.concat(all))]));
}

/** The same rows, other labels: other nodes, gradients and splits. */
function otherLabels(table: BoostingTable): BoostingTable {
  const labels = table.labels.map((y, i) => (i % 3 === 0 ? 1 - y : Number(i % 2 === 0)));
  return { ...table, labels };
}

/** The same labels, other values at the host: two of them, or rows in their order. */
function otherHost({ blocks: [own, host], labels }: BoostingTable): BoostingTable {
  const values = host!.values.map((_, at) => (at % host!.columns ? at : at % 4 < 2 ? 1 : 0));
  return { blocks: [own!, matrix(values, host!.rows, host!.columns)], labels };
}

describe('views of joint boosting', () => {
  const table = boostingTable(5000, { widths: [1, 3] });
  const tables = { base: table, labels: otherLabels(table), host: otherHost(table) };
  const runs = new Map<string, { frames: Frame[]; run: BoostingRun }>();
  before(async function () {
    this.timeout(60_000);
    for (const [name, each] of Object.entries(tables)) {
      const { frames, taps } = transcript();
      const options = { seed: name, sampler: null, taps: [taps as never] };
      runs.set(name, { frames, run: await boostInMemory(each, parameters, options) });
    }
  });

  for (const [receiver, name, changed, kinds] of [
    [1, 'feature holder', 'labels', [MaskedRows, HeCiphertext, ExtensionColumns]],
    [0, 'label holder', 'host', [HeRingAnswer, MaskedBits, CandidateSums]],
  ] as const) {
    it(`of the ${name} do not depend on the other's data`, () => {
      const base = view(runs.get('base')!.frames, receiver);
      const other = view(runs.get(changed)!.frames, receiver);
      deepEqual(new Set(base.keys()), new Set(kinds.map(({ $type }) => $type)));
      for (const [kind, bytes] of base) {
        const others = other.get(kind)!;
        looksUniform(bytes, `${kind} at the ${name}`);
        looksUniform(others, `${kind} at the ${name}, other data`);
        const statistic = twoSampleChiSquare(bytes, others);
        ok(statistic < LIMIT, `${kind}: chi-square ${statistic.toFixed(0)}`);
      }
    });
  }

  it('of the feature holder have the same lengths whatever the rows’ nodes', () => {
    const [first, second] = ['base', 'labels'].map((name) => {
      const { frames, run } = runs.get(name)!;
      equal(run.guest.rounds.flat(2).length, 14, 'two full trees');
      return frames.filter(({ from, type }) => from === 0 && type === MaskedRows.$type).length;
    });
    equal(first, second);
  });

  it('hold nothing in clear but what is declared', () => {
    const { frames, run } = runs.get('base')!;
    const clear = new Set(frames.map(({ type }) => type).filter((type) => !(type in MASKED)));
    const names = [...clear].map((type) => type.split('.').at(-1)!).sort();
    deepEqual(names, [
      ...['BaseOtChoices', 'BaseOtSetup', 'BoostingRound', 'BucketSamples', 'BucketShape'],
      ...['ExtensionHash', 'HePublicKey', 'KeptSplits', 'SplitNodes', 'WinningCandidates'],
    ]);
    const needles: Needles = new Map();
    table.blocks.forEach((block, p) => {
      addReals(needles, block.values, [0, 20], `value of party ${p}`);
    });
    addLabels(needles, table.labels, 'labels');
    const nodes = run.guest.rounds.flat(2);
    addReals(
      needles,
      Float64Array.from(nodes, ({ weight }) => weight),
      [20],
      'weight',
    );
    const thresholds = [run.guest, ...run.hosts].flatMap(({ rules }) =>
      rules.map(({ threshold }) => threshold),
    );
    addReals(needles, Float64Array.from(thresholds), [20], 'threshold');
    deepEqual(find(frames, needles), []);
  });

  it('would differ if gradients or sides were not masked', () => {
    const gradients = table.labels.map((y) => Math.round((0.5 - y) * 2 ** 22));
    const other = tables.labels.labels.map((y) => Math.round((0.5 - y) * 2 ** 22));
    const [a, b] = [gradients, other].map(
      (values) => new Uint8Array(Int32Array.from(values).buffer),
    );
    looksBiased(a!, 'gradients in clear');
    ok(twoSampleChiSquare(a!, b!) > 0);
  });

  it('repeat no row of samples, ciphertext or column of transfers', () => {
    for (const [name, { frames }] of runs) {
      const seen = new Set<string>();
      for (const frame of frames) {
        const bytes = MASKED[frame.type]?.(frame);
        if (!bytes || bytes.length < 16) continue;
        const key = Buffer.from(bytes.subarray(0, 16)).toString('hex');
        ok(!seen.has(key), `${name}: ${frame.type} repeats`);
        seen.add(key);
      }
      ok(seen.size > 20, `${seen.size} messages`);
    }
  });
});

import { deepEqual, equal, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  decodeFeatureHolder,
  decodeLabelHolder,
  type TreeCheckpoint,
  type TreeCheckpointShape,
  treeCheckpointEncoder,
} from '../../../../src/party/tasks/programs/tree-checkpoint.ts';
import {
  type BoostingRun,
  boostInMemory,
  boostingTable,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';

const N = 60;
const TASK = 'task';
const ORIGIN = new Uint8Array(32).fill(7);
const ROWS = Uint32Array.from({ length: N }, (_, i) => N - i);
const PARAMETERS = {
  ...TREE_DEFAULTS,
  ...{ num_trees: 2, use_validation_set: true, early_stopping_rounds: 3, num_class: 3 },
  objective: 'multi:softprob',
} as const;
const SHAPE: TreeCheckpointShape = {
  ...{ taskId: TASK, tableRows: N + 1, columns: 2, parameters: PARAMETERS, featureHolders: 2 },
};
const UNUSABLE = { code: 'CHECKPOINT_UNUSABLE' };

describe('checkpoint of a training of trees', () => {
  const encode = treeCheckpointEncoder(TASK, ORIGIN, ROWS);
  let saved: BoostingRun['checkpoints'];
  before(async () => {
    const table = boostingTable(N, {
      ...{ widths: [2, 2, 2], values: 5, objective: 'multi:softprob', classes: 3 },
    });
    saved = (await boostInMemory(table, PARAMETERS, { metrics: ['accuracy', 'auc'] })).checkpoints;
  });

  it('survives its bytes, at every party and point', () => {
    const aligned = encode(null);
    const point = { rows: ROWS, origin: ORIGIN, training: null };
    deepEqual(decodeLabelHolder(aligned, SHAPE), point);
    deepEqual(decodeFeatureHolder(aligned, SHAPE), point);
    const [own, host] = saved;
    deepEqual(
      own.map(({ phase }) => phase),
      ['training', 'training', 'evaluated'],
    );
    for (const training of own) {
      deepEqual(decodeLabelHolder(encode(training), SHAPE), { ...point, training });
      equal(encode(training).step, training.step);
    }
    for (const training of host!) {
      deepEqual(decodeFeatureHolder(encode(training), SHAPE), { ...point, training });
    }
  });

  it('is of one task, table and party, and undamaged', () => {
    const [own, host] = saved;
    for (const training of own) {
      const checkpoint = encode(training);
      const { step, bytes } = checkpoint;
      throws(() => decodeFeatureHolder(checkpoint, SHAPE), UNUSABLE);
      throws(() => decodeLabelHolder({ step: step + 1, bytes }, SHAPE), UNUSABLE);
      for (const change of [
        { taskId: 'other' },
        { tableRows: N },
        { featureHolders: 1 },
        { columns: 0 },
        { parameters: { ...PARAMETERS, num_class: 2 } },
        { parameters: { ...PARAMETERS, max_depth: 1 } },
        { parameters: { ...PARAMETERS, num_trees: 1 } },
        ...(training.phase === 'training'
          ? [{ parameters: { ...PARAMETERS, early_stopping_rounds: 0 } }]
          : []),
      ]) {
        if (step === 1 && change.parameters?.num_trees === 1) continue;
        throws(
          () => decodeLabelHolder(checkpoint, { ...SHAPE, ...change }),
          UNUSABLE,
          `${training.phase} ${step}: ${JSON.stringify(change)}`,
        );
      }
      for (const at of [0, 4, 5, 6, 40, 80, bytes.length - 1]) {
        const damaged = bytes.slice();
        damaged[at]! ^= 1;
        throws(() => decodeLabelHolder({ step, bytes: damaged }, SHAPE), UNUSABLE, `byte ${at}`);
      }
      throws(() => decodeLabelHolder({ step, bytes: bytes.slice(0, 20) }, SHAPE), UNUSABLE);
    }
    for (const training of host!) {
      throws(() => decodeLabelHolder(encode(training), SHAPE), UNUSABLE);
    }
  });

  it('has no numbers that cannot be', () => {
    const [first, , last] = saved[0];
    const [, , end] = saved[1]!;
    const wrong: TreeCheckpoint[] = [];
    if (first?.phase === 'training') {
      const { margins, best } = first;
      const one = margins.map((each) => each.slice());
      one[1]![3] = Number.NaN;
      wrong.push({ ...first, margins: one }, { ...first, told: [0, 0] }, { ...first, rules: [] });
      wrong.push({ ...first, best: { ...best!, rounds: 2 } }, { ...first, rounds: [] });
      const [tree, ...others] = first.rounds[0]!;
      const split = { ...tree![0]!.split!, left: 0, right: 1 };
      wrong.push({ ...first, rounds: [[[{ ...tree![0]!, split }, ...tree!.slice(1)], ...others]] });
    }
    if (last?.phase === 'evaluated') {
      wrong.push({ ...last, rules: last.rules.slice(1) });
      wrong.push({ ...last, evaluation: { metrics: { auc: 'high' as never }, reasons: {} } });
    }
    equal(wrong.length, 8);
    for (const [i, each] of wrong.entries()) {
      throws(() => decodeLabelHolder(encode(each), SHAPE), UNUSABLE, `case ${i}`);
    }
    if (end?.phase !== 'evaluated') throw new Error('expected the end');
    for (const each of [
      { ...end, rounds: 0 },
      { ...end, rounds: 9 },
      { ...end, rules: end.rules.map((rule) => ({ ...rule, feature: 2 })) },
      { ...end, rules: end.rules.map((rule) => ({ ...rule, threshold: Number.NaN })) },
      { ...end, rules: end.rules.map((rule) => ({ ...rule, depth: 3 })) },
    ]) {
      throws(() => decodeFeatureHolder(encode(each), SHAPE), UNUSABLE);
    }
  });

  it('is bytes after bytes as it says', () => {
    const { bytes } = encode(null);
    const task = createHash('sha256').update(`entente/tree-checkpoint/v1${TASK}`).digest();
    const body = Buffer.concat([
      Buffer.from('ENTF\u0001\u0000', 'latin1'),
      ...[task, ORIGIN, Buffer.from(Uint32Array.of(N).buffer), Buffer.from(ROWS.buffer)],
      Buffer.alloc(8),
    ]);
    const digest = createHash('sha256').update(body).digest();
    deepEqual(Buffer.from(bytes), Buffer.concat([body, digest]));
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import {
  ReleasedForest,
  ReleasedSplits,
  ReleasedTree,
  TreeMetrics,
} from '../../../../proto/gen/trees.ts';
import { toXgboostJson } from '../../../../src/ml/trees/xgboost-json.ts';
import type { TreeParameters } from '../../../../src/ml/vertical/trees/parameters.ts';
import {
  publishFeatureHolder,
  publishLabelHolder,
  type TreePublication,
} from '../../../../src/ml/vertical/trees/release.ts';
import type { Channel } from '../../../../src/protocols/channel.ts';
import type { DisclosureLedger } from '../../../../src/protocols/disclosure.ts';
import {
  type BoostingRun,
  type BoostingTable,
  boostInMemory,
  boostingTable,
  nameOf,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';
import { jointTrees } from '../../../support/joint-forest.ts';
import { runParties } from '../../../support/memory-parties.ts';
import { tamper } from '../../../support/tamper.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

const METRICS = ['auc', 'r2'] as const;

/** Publishes in memory, every party with every other. Returns what each learns. */
function publishInMemory(
  { guest, hosts }: BoostingRun,
  { blocks }: BoostingTable,
  parameters: TreeParameters,
  receivers: readonly string[],
  wrap?: (channel: Channel, me: number, peer: number) => Channel,
  ledgerOf: (me: number) => DisclosureLedger = recordingLedger,
): Promise<{ publication: TreePublication | null; recorded: [string, number][] }[]> {
  const parties = blocks.map(({ columns }, p) => ({ name: nameOf(p), features: columns }));
  return runParties(
    blocks.length,
    async ({ me, channel }) => {
      const recorder = recordingLedger();
      const ledger: DisclosureLedger = {
        record: async (disclosure) => {
          await ledgerOf(me).record(disclosure);
          await recorder.record(disclosure);
        },
      };
      const options = {
        ...{ parameters, parties, receivers, metrics: METRICS, ledger, self: nameOf(me) },
        columns: Array.from({ length: blocks[me]!.columns }, (_, j) =>
          j === 0 ? { column: `c${me}`, level: 4 } : { column: `c${me}_${j}` },
        ),
        channel: (peer: string) => channel(parties.findIndex(({ name }) => name === peer)),
      };
      const publication =
        me === 0
          ? await publishLabelHolder(guest, options)
          : await publishFeatureHolder(hosts[me - 1]!, options);
      const recorded = recorder.entries.map((each): [string, number] => [
        each.class,
        each.elements,
      ]);
      return { publication, recorded };
    },
    wrap && { wrap },
  );
}

describe('release of a joint forest', () => {
  const table = boostingTable(250, { widths: [2, 1, 2], missing: 0.1 });
  let run: BoostingRun;
  before(async () => {
    run = await boostInMemory(table, TREE_DEFAULTS, { metrics: METRICS });
  });

  it('gives every receiver one model over all columns, that XGBoost can read', async () => {
    const names = [0, 1, 2].map(nameOf);
    const results = await publishInMemory(run, table, TREE_DEFAULTS, names);
    const expected = jointTrees(run, table);
    for (const { publication } of results) {
      const { columns, trees } = publication!.model!;
      deepEqual(trees.rounds, expected);
      deepEqual(columns[0], { party: 'guest', column: 'c0', level: 4 });
      deepEqual(
        columns.map(({ party, column }) => `${party} ${column}`),
        ['guest c0', 'guest c0_1', 'host_1 c1', 'host_2 c2', 'host_2 c2_1'],
      );
      const json = toXgboostJson(
        trees,
        columns.map(({ column }) => column),
      );
      equal(json.learner.gradient_booster.model.trees.length, 3);
      deepEqual(publication!.metrics, run.guest.evaluation.metrics);
    }
    const nodes = run.guest.rounds.flat(2).length;
    deepEqual(results[0]!.recorded, [
      ['metrics', 2],
      ['trees', nodes],
      ['thresholds', run.guest.rules.length],
    ]);
    deepEqual(results[1]!.recorded, [
      ['metrics', 2],
      ['thresholds', run.hosts[0]!.rules.length],
      ['trees', nodes],
    ]);
  });

  it('gives others nothing', async () => {
    for (const receiver of [0, 1, 2]) {
      const results = await publishInMemory(run, table, TREE_DEFAULTS, [nameOf(receiver)]);
      results.forEach(({ publication }, p) => {
        equal(publication !== null, p === receiver);
      });
      deepEqual(results[receiver]!.publication!.model!.trees.rounds, jointTrees(run, table));
    }
  });

  it('keeps parts apart where the model stays split', async () => {
    const split = { ...TREE_DEFAULTS, model_release: 'split' } as const;
    const results = await publishInMemory(run, table, split, [nameOf(0), nameOf(2)]);
    deepEqual(
      results.map(({ publication }) => publication?.model ?? null),
      [null, null, null],
    );
    ok(results[2]!.publication!.metrics.auc);
    const without = { ...run.guest, evaluation: { metrics: { auc: null }, reasons: {} } };
    const parts = await publishInMemory({ ...run, guest: without }, table, split, [nameOf(1)]);
    deepEqual(parts[1]!.publication!.metrics, { auc: null, r2: null });
    deepEqual(results[1]!.recorded, [['metrics', 2]]);
  });

  it('reads no tree that its ledger refuses', async () => {
    let read = 0;
    const refusing: DisclosureLedger = {
      record: async ({ class: name }) => {
        if (name === 'trees') throw new Error('refused');
      },
    };
    const counting = (inner: Channel): Channel => ({
      stats: inner.stats,
      send: (type, message) => inner.send(type, message),
      receive: (type) => {
        if (type.$type === ReleasedTree.$type) read += 1;
        return inner.receive(type);
      },
      fork: (label) => counting(inner.fork(label)),
    });
    await rejects(
      publishInMemory(
        ...([run, table, TREE_DEFAULTS, [nameOf(1)]] as const),
        (ch, me) => (me === 1 ? counting(ch) : ch),
        (me) => (me === 1 ? refusing : recordingLedger()),
      ),
      /refused/,
    );
    equal(read, 0);
  });

  const words = (values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
  const malformed: Record<string, (ch: Channel) => Channel> = {
    'metrics too few': (ch) => tamper(ch, TreeMetrics, () => ({ values: new Uint8Array(8) })),
    'more rounds than asked for': (ch) => tamper(ch, ReleasedForest, (m) => ({ ...m, rounds: 4 })),
    'fewer nodes than trees': (ch) => tamper(ch, ReleasedForest, (m) => ({ ...m, nodes: 2 })),
    'more nodes than full trees have': (ch) =>
      tamper(ch, ReleasedForest, (m) => ({ ...m, nodes: 3 * (2 ** 4 - 1) + 1 })),
    'another number of nodes': (ch) =>
      tamper(ch, ReleasedForest, (m) => ({ ...m, nodes: m.nodes - 1 })),
    'no nodes': (ch) => tamper(ch, ReleasedTree, (m) => ({ ...m, owners: new Uint8Array(0) })),
    'too many nodes': (ch) =>
      tamper(ch, ReleasedTree, (m) => ({ ...m, owners: new Uint8Array(64) })),
    'an owner that is none': (ch) =>
      tamper(ch, ReleasedTree, (m) => ({ ...m, owners: words([4]).slice(0, 4) })),
    'children of another node': (ch) =>
      tamper(ch, ReleasedTree, (m) => ({
        ...m,
        children: m.children.map((b, i) => (i < 4 ? 3 : b)),
      })),
    'a weight that is no number': (ch) =>
      tamper(ch, ReleasedTree, (m) => ({ ...m, weights: m.weights.map(() => 255) })),
    'a split twice': (ch) =>
      tamper(ch, ReleasedTree, (m) => ({ ...m, splits: new Uint8Array(m.splits.length) })),
    'columns too few': (ch) => tamper(ch, ReleasedSplits, (m) => ({ ...m, columns: [] })),
    'a name too long': (ch) =>
      tamper(ch, ReleasedSplits, (m) => ({
        ...m,
        columns: m.columns.map((column) => ({ ...column, name: 'x'.repeat(1025) })),
      })),
    'a column that is none': (ch) =>
      tamper(ch, ReleasedSplits, (m) => ({ ...m, features: m.features.map(() => 9) })),
    'thresholds too many': (ch) =>
      tamper(ch, ReleasedSplits, (m) => ({ ...m, thresholds: new Uint8Array(400) })),
    'a threshold that is no number': (ch) =>
      tamper(ch, ReleasedSplits, (m) => ({ ...m, thresholds: m.thresholds.map(() => 255) })),
    'directions too few': (ch) =>
      tamper(ch, ReleasedSplits, (m) => ({ ...m, defaultLeft: new Uint8Array(0) })),
  };
  for (const [name, change] of Object.entries(malformed)) {
    it(`refuses what is malformed: ${name}`, async () => {
      await rejects(
        publishInMemory(run, table, TREE_DEFAULTS, [nameOf(1)], (ch, me) =>
          me === 0 ? change(ch) : ch,
        ),
        (error: { code?: string }) => error.code === 'MALFORMED_MESSAGE',
      );
    });
  }
});

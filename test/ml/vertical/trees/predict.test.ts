import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { TreeScores } from '../../../../proto/gen/trees.ts';
import { predictBoosted } from '../../../../src/ml/trees/gradient-boosting.ts';
import {
  plainParameters,
  type TreeParameters,
} from '../../../../src/ml/vertical/trees/parameters.ts';
import {
  predictFeatureHolder,
  predictLabelHolder,
  rowsAtOnce,
} from '../../../../src/ml/vertical/trees/predict.ts';
import type { Channel } from '../../../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import {
  type BoostingRun,
  type BoostingTable,
  boostInMemory,
  boostingTable,
  nameOf,
  pooled,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';
import { jointTrees } from '../../../support/joint-forest.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { tamper } from '../../../support/tamper.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

/** Predicts in memory. Returns what each party learns, and what it recorded. */
async function predictInMemory(
  { guest, hosts }: BoostingRun,
  { blocks }: BoostingTable,
  parameters: TreeParameters,
  receivers: readonly string[],
  wrap: (channel: Channel) => Channel = (channel) => channel,
) {
  const pairs = hosts.map(() => memoryChannelPair());
  const ledgers = blocks.map(() => recordingLedger());
  const rows: number[] = [];
  const task = (party: number) => ({
    ...{ parameters, trees: guest.rounds.flat().length, receivers },
    ...{ ledger: ledgers[party]!, labelHolder: nameOf(0), self: nameOf(party) },
    onRows: (done: number) => void (party === 0 && rows.push(done)),
  });
  const scores = await Promise.all([
    predictLabelHolder(
      pairs.map(([channel], h) => ({ name: nameOf(h + 1), channel: wrap(channel) })),
      blocks[0]!,
      guest,
      task(0),
      seededRng('guest'),
    ),
    ...hosts.map((part, h) =>
      predictFeatureHolder(pairs[h]![1], blocks[h + 1]!, part, task(h + 1), seededRng(`host ${h}`)),
    ),
  ]);
  return { scores, recorded: ledgers.map(({ entries }) => entries), rows };
}

describe('joint prediction by trees', () => {
  const cases: Record<string, [BoostingTable, Partial<TreeParameters>]> = {
    'two parties, missing values': [boostingTable(300, { widths: [2, 3], missing: 0.2 }), {}],
    'three parties': [boostingTable(300, { widths: [1, 2, 2] }), { max_depth: 4 }],
    'several classes': [
      boostingTable(300, { widths: [2, 3], objective: 'multi:softprob', classes: 3 }),
      { objective: 'multi:softprob', num_class: 3 },
    ],
    regression: [
      boostingTable(300, { widths: [0, 3], objective: 'reg:squarederror' }),
      { objective: 'reg:squarederror' },
    ],
  };
  for (const [name, [table, given]] of Object.entries(cases)) {
    it(`is that of the joint model: ${name}`, async () => {
      const parameters = { ...TREE_DEFAULTS, ...given };
      const run = await boostInMemory(table, parameters);
      // Other rows, some of which lie beyond what was seen.
      const others = boostingTable(111, {
        ...{ widths: table.blocks.map(({ columns }) => columns), missing: 0.1, seed: 99 },
      });
      for (const { values } of others.blocks) values.set(values.map((x) => 3 * x - 4));
      const { scores } = await predictInMemory(run, others, parameters, [nameOf(0), nameOf(1)]);
      const model = {
        parameters: plainParameters(parameters),
        features: pooled(table).columns,
        rounds: jointTrees(run, table),
      };
      const expected = predictBoosted(model, pooled(others));
      const unit = 2 ** (run.guest.exponent - parameters.open_bits);
      expected.forEach((each, k) => {
        each.forEach((p, i) => {
          ok(Math.abs(scores[0]![k]![i]! - p) <= unit, `row ${i}, class ${k}`);
        });
      });
      deepEqual(scores[1], scores[0], 'every receiver learns the same');
      for (const other of scores.slice(2)) equal(other, null);
    });
  }

  const table = boostingTable(200, { widths: [1, 2] });
  let run: BoostingRun;
  before(async () => {
    run = await boostInMemory(table, TREE_DEFAULTS);
  });

  it('tells the receivers alone, records what it opens, and takes any number of rows', async () => {
    for (const rows of [0, 1, 9]) {
      const some = boostingTable(rows, { widths: [1, 2], seed: rows });
      const { scores, recorded } = await predictInMemory(run, some, TREE_DEFAULTS, [nameOf(1)]);
      equal(scores[0], null);
      equal(scores[1]![0]!.length, rows);
      const classes = recorded.map((entries) => entries.map((each) => [each.class, each.elements]));
      deepEqual(classes[0], classes[1]);
      deepEqual(classes[0]!.at(-1), ['prediction_scores', rows]);
      for (const [name, elements] of classes[0]!.slice(0, -1)) {
        equal(name, 'split_sides');
        ok((elements as number) <= rows * 3);
      }
    }
  });

  it('tells margins to `open_bits` and no further', async () => {
    const parameters = { ...TREE_DEFAULTS, open_bits: 4 };
    const { scores } = await predictInMemory(run, table, parameters, [nameOf(0)]);
    for (const p of scores[0]![0]!) {
      const units = 16 * Math.log(p / (1 - p));
      ok(Math.abs(units - Math.round(units)) < 1e-9, `${units} units of 2^-4`);
    }
  });

  it('sends no scores to a party that is no receiver', async () => {
    for (const [receivers, sent] of [
      [[nameOf(0)], 0],
      [[nameOf(0), nameOf(1)], 1],
    ] as const) {
      let messages = 0;
      await predictInMemory(run, table, TREE_DEFAULTS, receivers, (channel) =>
        tamper(channel, TreeScores, (message) => {
          messages++;
          return message;
        }),
      );
      equal(messages, sent);
    }
  });

  it('goes through rows in blocks', async () => {
    equal(rowsAtOnce(1) % 8, 0);
    equal(rowsAtOnce(2 ** 30), 8);
    const many = boostingTable(20, { widths: [1, 2] });
    const { rows } = await predictInMemory(run, many, TREE_DEFAULTS, [nameOf(0)]);
    deepEqual(rows, [20]);
  });

  it('refuses predictions that are none, and another number of trees', async () => {
    for (const scores of [new Uint8Array(8 * 200 - 1), new Uint8Array(8 * 200).fill(255)]) {
      const wrap = (channel: Channel): Channel => tamper(channel, TreeScores, () => ({ scores }));
      await rejects(
        predictInMemory(run, table, TREE_DEFAULTS, [nameOf(1)], wrap),
        (error: { code?: string }) => error.code === 'MALFORMED_MESSAGE',
      );
    }
    const other = { ...run, guest: { ...run.guest, rounds: run.guest.rounds.slice(1) } };
    const task = {
      ...{ parameters: TREE_DEFAULTS, trees: 3, receivers: [], ledger: recordingLedger() },
      ...{ labelHolder: nameOf(0), onRows: () => {} },
    };
    await rejects(
      predictLabelHolder([], table.blocks[0]!, other.guest, task, seededRng(1)),
      /expected 3 trees, got 2/,
    );
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { auc } from '../../../../src/ml/metrics/classification.ts';
import { fitBoostedTrees, predictBoosted } from '../../../../src/ml/trees/gradient-boosting.ts';
import { treeLeakage } from '../../../../src/ml/vertical/trees/leakage.ts';
import {
  plainParameters,
  splitRows,
  type TreeParameters,
} from '../../../../src/ml/vertical/trees/parameters.ts';
import type { DisclosureTerms } from '../../../../src/protocols/disclosure.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';
import {
  type BoostingTable,
  boostInMemory,
  boostingTable,
  pooled,
  rowsOf,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';
import { growsPlainTrees, jointTrees } from '../../../support/joint-forest.ts';

const few = { widths: [2, 3], values: 6 };

describe('joint boosting', () => {
  const cases: Record<string, [BoostingTable, Partial<TreeParameters>]> = {
    'two parties': [boostingTable(700, few), {}],
    'three parties': [boostingTable(700, { widths: [2, 2, 2], values: 6 }), {}],
    'four parties, one without columns that matter': [
      boostingTable(500, { widths: [1, 1, 1, 2], values: 4 }),
      { num_trees: 2 },
    ],
    'a label holder without columns': [boostingTable(500, { widths: [0, 3], values: 6 }), {}],
    'held-out rows': [boostingTable(900, few), { use_validation_set: true }],
    regularisation: [
      boostingTable(800, few),
      { reg_lambda: 3, reg_alpha: 0.5, gamma: 2, min_child_weight: 9, learning_rate: 0.1 },
    ],
    'weights of a class': [boostingTable(700, few), { scale_pos_weight: 3, base_score: 0.3 }],
    regression: [
      boostingTable(700, { ...few, objective: 'reg:squarederror' }),
      { objective: 'reg:squarederror', base_score: -20 },
    ],
    'several classes': [
      boostingTable(900, { ...few, objective: 'multi:softprob', classes: 3, values: 4 }),
      { objective: 'multi:softprob', num_class: 3, num_trees: 2, max_depth: 2 },
    ],
    'missing values, either way': [
      boostingTable(900, { ...few, values: 4, missing: 0.2 }),
      { max_depth: 2 },
    ],
    'trees of one level': [boostingTable(300, few), { max_depth: 1, num_trees: 5 }],
  };
  for (const [name, [table, parameters]] of Object.entries(cases)) {
    it(`grows the plain trees: ${name}`, async () => {
      await growsPlainTrees(table, { ...TREE_DEFAULTS, num_trees: 2, ...parameters });
    });
  }

  it('stops early, and keeps the best rounds and their splits', async () => {
    const table = boostingTable(400, { widths: [1, 2], seed: 9 });
    const parameters: TreeParameters = {
      ...TREE_DEFAULTS,
      ...{ num_trees: 60, learning_rate: 1, max_depth: 4, early_stopping_rounds: 3 },
      ...{ use_validation_set: true, validation_set_rate: 0.3 },
    };
    const run = await boostInMemory(table, parameters, { metrics: ['logloss', 'auc'] });
    const { rounds, evaluation } = run.guest;
    ok(rounds.length < 30, `${rounds.length} rounds`);
    const last = run.checkpoints[0].at(-1)!;
    equal(last.step, rounds.length + 3 + 1, 'rounds that were grown, and the end');
    const { validation } = splitRows(400, parameters);
    const held = rowsOf(table, validation);
    const model = {
      parameters: plainParameters(parameters),
      features: 3,
      rounds: jointTrees(run, table),
    };
    const [scores] = predictBoosted(model, pooled(held));
    const expected = auc(held.labels, scores!)!;
    ok(Math.abs(evaluation.metrics.auc! - expected) < 2e-5, 'metrics are those of the kept rounds');
    const used = rounds.flat(2).filter(({ split }) => split?.owner === 1).length;
    equal(run.hosts[0]!.rules.length, used, 'hosts forget what is not in the model');
  });

  it('samples rows and columns', async () => {
    const table = boostingTable(600, { widths: [4, 4], values: 8 });
    const parameters = { ...TREE_DEFAULTS, num_trees: 6, subsample: 0.5, colsample_bytree: 0.25 };
    const run = await boostInMemory(table, parameters);
    const columns = (rules: readonly { tree: number; feature: number }[], tree: number) =>
      new Set(rules.filter((rule) => rule.tree === tree).map(({ feature }) => feature)).size;
    for (let tree = 0; tree < 6; tree++) {
      ok(columns(run.guest.rules, tree) <= 1, 'one of four columns a round');
      ok(columns(run.hosts[0]!.rules, tree) <= 1);
      const cover = run.guest.rounds[tree]![0]![0]!.cover;
      ok(cover > 40 && cover < 110, `about half of the rows: ${cover}`);
    }
  });

  it('is as good with noise as without', async () => {
    const table = boostingTable(2000, { widths: [2, 3], missing: 0.1 });
    const parameters = { ...TREE_DEFAULTS, num_trees: 5, use_validation_set: true };
    const run = await boostInMemory(table, parameters, { sampler: null, metrics: ['auc'] });
    const { train, validation } = splitRows(2000, parameters);
    const [trained, held] = [rowsOf(table, train), rowsOf(table, validation)];
    const plain = fitBoostedTrees(pooled(trained), trained.labels, plainParameters(parameters));
    const expected = auc(held.labels, predictBoosted(plain, pooled(held))[0]!)!;
    const joint = run.guest.evaluation.metrics.auc!;
    ok(Math.abs(joint - expected) < 0.015, `AUC ${joint}, plain ${expected}`);
  });

  it('takes constant columns, and ones without values', async () => {
    const table = boostingTable(300, few);
    for (const block of table.blocks) {
      for (let i = 0; i < block.rows; i++) {
        block.values[i * block.columns] = block.columns === 2 ? 5 : Number.NaN;
        if (block.columns === 3) block.values[i * 3 + 1] = -1;
      }
    }
    const run = await growsPlainTrees(table, TREE_DEFAULTS);
    deepEqual(new Set(run.hosts[0]!.rules.map(({ feature }) => feature)), new Set([2]));
  });

  it('takes a host that has nothing to split by', async () => {
    const table = boostingTable(200, { widths: [2, 1], values: 4 });
    table.blocks[1]!.values.fill(Number.NaN);
    const run = await growsPlainTrees(table, TREE_DEFAULTS);
    deepEqual(run.hosts[0]!.rules, []);
  });

  it('takes labels of one class, one row, and more bins than values', async () => {
    const table = boostingTable(200, few);
    await growsPlainTrees({ ...table, labels: table.labels.fill(1) }, TREE_DEFAULTS);
    await growsPlainTrees(boostingTable(1, few), TREE_DEFAULTS);
    await growsPlainTrees(boostingTable(12, few), {
      ...TREE_DEFAULTS,
      num_bins: 256,
      min_child_weight: 0.5,
      max_depth: 1,
    });
  });

  it('refuses labels that do not fit, before anything is sent', async () => {
    const table = boostingTable(50, few);
    table.labels[7] = 2;
    await rejects(boostInMemory(table, TREE_DEFAULTS), /"y" expected classes from 0 to 1/);
    const short = { ...table, labels: table.labels.slice(1) };
    await rejects(boostInMemory(short, TREE_DEFAULTS), /"labels" expected 50 rows, got 49/);
  });

  it('keeps `open_bits` significant bits of a metric', async () => {
    const parameters = { ...TREE_DEFAULTS, num_trees: 1, open_bits: 4 };
    const { guest } = await boostInMemory(boostingTable(300, few), parameters, {
      metrics: ['auc', 'logloss'],
    });
    for (const name of ['auc', 'logloss'] as const) {
      const value = guest.evaluation.metrics[name]!;
      const units = value * 2 ** (3 - Math.floor(Math.log2(value)));
      equal(units, Math.round(units), `${name} ${value}`);
    }
  });

  it('tells others no metrics of few rows', async () => {
    const table = boostingTable(40, few);
    const { guest } = await boostInMemory(table, TREE_DEFAULTS, {
      metrics: ['auc'],
      metricsLeave: true,
    });
    equal(guest.evaluation.metrics.auc, null);
    ok(guest.evaluation.reasons.auc!.includes('would tell labels'));
  });

  it('opens what is declared, at every party, and nothing that a ledger refuses', async () => {
    const table = boostingTable(200, { widths: [1, 2, 1], values: 5, missing: 0.1 });
    const parameters = { ...TREE_DEFAULTS, num_bins: 5 };
    const run = await boostInMemory(table, parameters);
    const { opened } = treeLeakage({
      ...{ engine: 'ecdh', counted: false, keys: 200, alignment: 'row_order', rows: 200 },
      ...{ parameters, labelHolderColumns: 1, metrics: 0 },
      featureHolders: [
        { numeric: 2, indicators: 0 },
        { numeric: 1, indicators: 0 },
      ],
    });
    const most = new Map(opened.map((each) => [each.name, each.most]));
    const total = (entries: readonly DisclosureTerms[], name: string): number =>
      entries.filter((each) => each.class === name).reduce((sum, each) => sum + each.elements, 0);
    for (const name of ['split_sums', 'winning_splits', 'split_sides', 'kept_splits']) {
      const [guest, ...hosts] = run.recorded.map((entries) => total(entries, name));
      ok(guest! > 0 && guest! <= most.get(name)!, `${name}: ${guest} of ${most.get(name)}`);
      equal(guest, hosts[0]! + hosts[1]!, `${name}: both sides record the same`);
    }
    // Full trees: 3 x 7 nodes, of which 3 x 4 are computed. Five values and missing ones: nine candidates a column.
    equal(total(run.recorded[1]!, 'split_sums'), 3 * 4 * 2 * 18);
    equal(
      total(run.recorded[1]!, 'split_sums') + total(run.recorded[2]!, 'split_sums'),
      most.get('split_sums'),
    );

    const refusing = {
      record: async ({ class: name }: DisclosureTerms) => {
        if (name === 'split_sums') throw new ProtocolError('BUDGET_EXCEEDED', 'no more');
      },
    };
    const allowing = { record: async () => {} };
    const ledgers = [allowing, refusing, allowing];
    await rejects(
      boostInMemory(table, parameters, { ledgers }),
      (error: ProtocolError) => error.code === 'BUDGET_EXCEEDED',
    );
  });

  it('goes on after any round, and gives the same model', async () => {
    const table = boostingTable(300, { widths: [2, 2, 1], values: 6 });
    const parameters = { ...TREE_DEFAULTS, use_validation_set: true, early_stopping_rounds: 3 };
    const whole = await boostInMemory(table, parameters, { metrics: ['auc'] });
    const steps = whole.checkpoints.map((saved) => saved.map(({ step }) => step));
    deepEqual(steps, [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    for (let i = 0; i < 4; i++) {
      const [guest, ...hosts] = whole.checkpoints;
      const run = await boostInMemory(table, parameters, {
        seed: `after ${i}`,
        metrics: ['auc'],
        resume: [guest[i]!, ...hosts.map((saved) => saved[i]!)],
      });
      deepEqual(jointTrees(run, table), jointTrees(whole, table), `after step ${i + 1}`);
      deepEqual(run.guest.evaluation, whole.guest.evaluation);
      equal(run.checkpoints[0].length, 3 - i);
    }
  });

  it('computes either child of a node: a holder cannot tell from the order which is the left one', async () => {
    const { blocks } = boostingTable(400, { widths: [0, 3], values: 6 });
    const { values } = blocks[1]!;
    const labels = Float64Array.from({ length: 400 }, (_, i) => {
      const isLow = values[3 * i]! < 4;
      return Number(isLow ? values[3 * i + 1]! < 7 : values[3 * i + 2]! < -1);
    });
    const table = { blocks, labels };
    const parameters = { ...TREE_DEFAULTS, num_trees: 1, max_depth: 2 };
    const orders = new Set<string>();
    for (let seed = 0; seed < 12 && orders.size < 2; seed++) {
      const { hosts } = await boostInMemory(table, parameters, { seed: `order ${seed}` });
      const below = hosts[0]!.rules.filter(({ depth }) => depth === 1); // as they were told
      equal(below.length, 2);
      orders.add(below.map(({ feature, threshold }) => `${feature} < ${threshold}`).join(' | '));
    }
    equal(orders.size, 2);
  });

  it('scales labels of any size', async () => {
    const table = boostingTable(300, { ...few, objective: 'reg:squarederror' });
    const parameters: TreeParameters = {
      ...TREE_DEFAULTS,
      ...{ objective: 'reg:squarederror', base_score: 0, max_depth: 2 },
    };
    for (const factor of [2 ** -40, 2 ** 30]) {
      const labels = table.labels.map((y) => y * factor);
      // Gains are in squares of the label's unit; XGBoost makes no split that gains less than 10^-6.
      const scaled = { ...table, labels };
      const run = await growsPlainTrees(scaled, parameters);
      equal(run.guest.rounds[0]![0]!.length > 1, factor > 1);
    }
    const infinite = { ...table, labels: table.labels.map((y) => y * 1e305) };
    await rejects(boostInMemory(infinite, parameters), /scale the labels down/);
  });

  it('works on one column and empty blocks', async () => {
    const table: BoostingTable = {
      blocks: [matrix(new Float64Array(0), 60, 0), boostingTable(60, { widths: [1] }).blocks[0]!],
      labels: boostingTable(60, { widths: [1] }).labels,
    };
    const run = await boostInMemory(table, { ...TREE_DEFAULTS, num_bins: 4 });
    ok(run.hosts[0]!.rules.length > 0);
    deepEqual(run.guest.rules, []);
  });
});

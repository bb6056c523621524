import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { fitBoostedTrees, predictBoosted } from '../../../../src/ml/trees/gradient-boosting.ts';
import { plainParameters, splitRows } from '../../../../src/ml/vertical/trees/parameters.ts';
import { forestPart, splitRules } from '../../../../src/party/models/forest-part.ts';
import { modelText, parseModelDocument } from '../../../../src/party/models/model-document.ts';
import { parseModelPart, partText } from '../../../../src/party/models/model-part.ts';
import type { Checkpoint } from '../../../../src/party/tasks/program.ts';
import { trainTrees } from '../../../../src/party/tasks/programs/train-trees.ts';
import {
  type BoostingTable,
  boostingTable,
  pooled,
  rowsOf,
} from '../../../support/boosting-run.ts';
import type { PartyFrame } from '../../../support/memory-parties.ts';
import { type ProgramRunOptions, runPrograms } from '../../../support/program-parties.ts';
import {
  type TreeProgram,
  type TreeProgramOptions,
  treeProgram,
} from '../../../support/tree-programs.ts';

type Result = Awaited<ReturnType<typeof trainTrees>>;

function run({ contract, data }: TreeProgram, options: Omit<ProgramRunOptions, 'signal'> = {}) {
  return runPrograms(contract, data, (context) => trainTrees(context), options);
}

/** Plain boosting on all columns: its predictions of all rows. */
function plainScores(table: BoostingTable, { contract }: TreeProgram): readonly Float64Array[] {
  const { train } = splitRows(table.labels.length, contract.parameters);
  const trained = rowsOf(table, train);
  const forest = fitBoostedTrees(
    pooled(trained),
    trained.labels,
    plainParameters(contract.parameters),
  );
  return predictBoosted(forest, pooled(table));
}

/** Means over rows and classes. */
function meanOff(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  const offs = a.flatMap((each, k) => [...each].map((value, i) => Math.abs(value - b[k]![i]!)));
  return offs.reduce((sum, off) => sum + off, 0) / offs.length;
}

function scoresOf({ model }: Result, table: BoostingTable): readonly Float64Array[] {
  return predictBoosted(model!.trees, pooled(table));
}

describe('training of trees', () => {
  for (const widths of [
    [2, 3],
    [1, 2, 2],
  ]) {
    it(`aligns, grows and publishes to the receivers: ${widths.length} parties`, async () => {
      const table = boostingTable(220, { widths, values: 6, missing: 0.1 });
      const receivers = widths.length > 2 ? ['host_2'] : ['guest', 'host_1'];
      const parameters = { use_validation_set: false };
      const metrics = ['auc', 'logloss'] as const;
      const program = treeProgram(table, { receivers, keyed: true, metrics, parameters });
      const { results, notes } = await run(program);
      for (const [name, { phases, steps, saved }] of Object.entries(notes)) {
        deepEqual(phases, ['aligning', 'training', 'evaluating', 'publishing'], name);
        deepEqual(
          steps.slice(-2),
          [
            [1, 2],
            [2, 2],
          ],
          name,
        );
        deepEqual(
          saved.map(({ step }) => step),
          [0, 1, 2, 3],
          `${name}: after every round`,
        );
        const { extra, part, model, metrics: told, file } = results[name]!;
        equal(file, null);
        deepEqual([model !== null, told !== null], Array(2).fill(receivers.includes(name)), name);
        equal(part!.party, name);
        deepEqual(parseModelPart(partText(part!)), part, name);
        equal(part!.rounds, 2);
        deepEqual([extra.aligned_rows, extra.trees, extra.null_metrics], [220, 2, undefined]);
        ok((extra.seconds_per_tree as number) > 0);
      }
      const names = Object.keys(notes);
      const [guest, ...hosts] = names.map(
        (name) => results[name]!.extra.bytes_per_tree as Record<string, number>,
      );
      deepEqual(Object.keys(guest!), names);
      for (const [h, host] of hosts.entries()) equal(host[names[h + 1]!], guest![names[h + 1]!]);

      const [reader] = receivers;
      const { model, metrics: told, part } = results[reader!]!;
      ok(meanOff(scoresOf(results[reader!]!, table), plainScores(table, program)) < 0.02);
      deepEqual(model!.metrics, told);
      const text = modelText(model!);
      const parsed = parseModelDocument(text);
      equal(modelText(parsed), text);
      equal(parsed.model_id, part!.model_id);
      const origins = new Set(names.map((name) => results[name]!.part!.origin));
      equal(origins.size, 1);
    });
  }

  it('keeps thresholds at their owners when the model stays split', async () => {
    const table = boostingTable(120, { widths: [2, 3], values: 6 });
    const frames: PartyFrame[] = [];
    const receivers = ['guest', 'host_1'];
    const program = treeProgram(table, { receivers, parameters: { model_release: 'split' } });
    const { results } = await run(program, { observe: (frame) => frames.push(frame) });
    const { guest, host_1: host } = results as Record<string, Result>;
    deepEqual([guest!.model, host!.model], [null, null]);
    deepEqual(Object.keys(guest!.metrics!), ['auc']);
    deepEqual(guest!.metrics, host!.metrics);
    equal(host!.part!.forest, null);
    const forest = forestPart(guest!.part!);
    const splits = forest.rounds.flat(2).flatMap(({ split }) => split ?? []);
    const own = splits.filter(({ owner }) => owner === 0).length;
    deepEqual([forest.rules.length, splitRules(host!.part!).length], [own, splits.length - own]);
    ok(own > 0 && own < splits.length);
    ok(!frames.some(({ type }) => /Released/.test(type)));
    const thresholds = splitRules(host!.part!).map(({ threshold }) => threshold);
    const bytes = Buffer.from(new Float32Array(thresholds).buffer);
    for (let t = 0; t < thresholds.length; t++) {
      const word = bytes.subarray(4 * t, 4 * t + 4);
      const at = Buffer.from(guest!.part!.splits, 'base64');
      ok(!at.includes(word) || forest.rules.some(({ threshold }) => threshold === thresholds[t]));
    }
  });

  it('goes on from every kind of checkpoint', async () => {
    const table = boostingTable(100, { widths: [1, 1, 2], values: 6 });
    const parameters = { num_trees: 3, early_stopping_rounds: 2, validation_set_rate: 0.3 };
    const program = treeProgram(table, { parameters, keyed: true, metrics: ['accuracy'] });
    const whole = await run(program);
    const names = Object.keys(whole.notes);
    const steps = whole.notes.guest!.saved.map(({ step }) => step);
    for (const step of steps) {
      const resume = Object.fromEntries(
        names.map((name) => [name, whole.notes[name]!.saved.find((each) => each.step === step)!]),
      ) as Record<string, Checkpoint>;
      const again = await run(program, { resume, session: `again ${step}` });
      const [one, other] = [whole, again].map(({ results }) => results as Record<string, Result>);
      const isEnd = step === steps.at(-1);
      for (const name of names) {
        const [before, after] = [one![name]!.part!, other![name]!.part!];
        if (isEnd) deepEqual(after, before, name);
        else notDeepEqual(after.origin, before.origin, 'each run that grows has a name of its own');
        const until = (rules: ReturnType<typeof splitRules>) =>
          rules.filter(({ tree }) => tree < Math.min(step, before.rounds, after.rounds));
        deepEqual(until(splitRules(after)), until(splitRules(before)), `${name} from ${step}`);
      }
      deepEqual(
        again.notes.guest!.saved.map((saved) => saved.step),
        steps.filter((each) => each > step),
        `from ${step}`,
      );
      equal(other!.guest!.model !== null, true);
    }
  });

  it('refuses checkpoints of different attempts, and damaged ones', async () => {
    const program = treeProgram(boostingTable(60, { widths: [1, 1], values: 4 }));
    const [one, other] = [await run(program), await run(program, { session: 'other' })];
    const at = (step: number, of: typeof one, name: string): Checkpoint =>
      of.notes[name]!.saved.find((each) => each.step === step)!;
    const unusable = { code: 'CHECKPOINT_UNUSABLE' };
    const mixed = { guest: at(1, one, 'guest'), host_1: at(1, other, 'host_1') };
    await rejects(run(program, { resume: mixed }), unusable);
    const apart = { guest: at(2, one, 'guest'), host_1: at(1, one, 'host_1') };
    await rejects(run(program, { resume: apart }), unusable);
    const swapped = { guest: at(1, one, 'host_1'), host_1: at(1, one, 'guest') };
    await rejects(run(program, { resume: swapped }), unusable);
  });

  it('refuses too few common records', async () => {
    for (const n of [1, 9]) {
      const program = treeProgram(boostingTable(n, { widths: [1, 1] }), { keyed: true });
      await rejects(run(program), { code: 'TOO_FEW_ROWS' }, `${n} rows`);
    }
  });

  const cases: [string, BoostingTable, TreeProgramOptions][] = [
    [
      'several classes',
      boostingTable(150, { widths: [2, 2], values: 5, objective: 'multi:softprob', classes: 3 }),
      {
        parameters: { objective: 'multi:softprob', num_class: 3 },
        metrics: ['accuracy', 'logloss'],
      },
    ],
    [
      'numbers',
      boostingTable(150, { widths: [2, 2], values: 5, objective: 'reg:squarederror' }),
      { parameters: { objective: 'reg:squarederror', base_score: 0 }, metrics: ['rmse', 'r2'] },
    ],
  ];
  for (const [name, table, options] of cases) {
    it(`learns ${name}`, async () => {
      const program = treeProgram(table, options);
      const { results } = await run(program);
      const guest = results.guest as Result;
      const plain = plainScores(table, program);
      const spread = Math.max(...plain[0]!) - Math.min(...plain[0]!);
      ok(meanOff(scoresOf(guest, table), plain) < 0.03 * spread);
      deepEqual(Object.keys(guest.metrics!), options.metrics);
      ok(Object.values(guest.metrics!).every(Number.isFinite));
      equal(guest.extra.trees, 2 * program.contract.parameters.num_class);
      equal(guest.model!.threshold, null);
      equal(modelText(parseModelDocument(modelText(guest.model!))), modelText(guest.model!));
    });
  }

  it('takes constant columns and columns without any value, at every party', async () => {
    const table = boostingTable(80, { widths: [3, 3], values: 5 });
    for (const { values } of table.blocks) {
      for (let i = 0; i < 80; i++) {
        values[3 * i] = 4;
        values[3 * i + 1] = Number.NaN;
      }
    }
    const program = treeProgram(table);
    const { results } = await run(program);
    const guest = results.guest as Result;
    ok(meanOff(scoresOf(guest, table), plainScores(table, program)) < 0.03);
    const used = guest.model!.trees.rounds.flat(2).flatMap(({ split }) => split?.feature ?? []);
    ok(used.length > 0 && used.every((feature) => feature === 2 || feature === 5), used.join());
    equal(modelText(parseModelDocument(modelText(guest.model!))), modelText(guest.model!));
  });

  it('takes holders without columns and labels of one class', async () => {
    const { blocks, labels } = boostingTable(40, { widths: [1, 1], values: 5 });
    const none = matrix(new Float64Array(), 40, 0);
    for (const blocksOf of [
      [none, blocks[1]!],
      [blocks[0]!, none],
    ]) {
      const { results } = await run(treeProgram({ blocks: blocksOf, labels }));
      equal((results.guest as Result).model!.columns.length, 1);
    }
    const same = { blocks, labels: labels.map(() => 1) };
    const { results } = await run(treeProgram(same, { metrics: ['auc', 'accuracy'] }));
    const guest = results.guest as Result;
    deepEqual(guest.metrics, { auc: null, accuracy: 1 });
    ok('auc' in (guest.extra.null_metrics as object));
    ok(
      guest.model!.trees.rounds.flat().every((tree) => tree.length === 1),
      'nothing to split',
    );
  });

  it('names the columns of categories by their number', async () => {
    const n = 120;
    const table = boostingTable(n, { widths: [1, 3], values: 4 });
    const { values } = table.blocks[1]!;
    for (let i = 0; i < n; i++) {
      const level = i % 4;
      for (const k of [1, 2]) values[3 * i + k] = Number(level === k);
      table.labels[i] = Number(level === 2);
    }
    const encodings = [
      undefined,
      [
        { kind: 'numeric', name: 'x', mean: null },
        { kind: 'categorical', name: 'city', levels: ['Bonn', 'Ulm'] },
      ] as const,
    ];
    const { results } = await run(treeProgram(table, { encodings }));
    const { model } = results.guest as Result;
    deepEqual(model!.columns.slice(1), [
      { party: 'host_1', column: 'x' },
      { party: 'host_1', column: 'city', level: 0 },
      { party: 'host_1', column: 'city', level: 1 },
    ]);
    equal(model!.trees.rounds[0]![0]![0]!.split!.feature, 3);
    const text = modelText(model!);
    ok(text.includes('"host_1.city=1"') && !text.includes('Ulm'));
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { LoadedDataset } from '../../../../src/party/datasets/datasets.ts';
import { localModel } from '../../../../src/party/models/local-model.ts';
import { modelText, parseModelDocument } from '../../../../src/party/models/model-document.ts';
import type { TreePart } from '../../../../src/party/models/tree-part.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { predictTrees } from '../../../../src/party/tasks/programs/predict-trees.ts';
import { trainTrees } from '../../../../src/party/tasks/programs/train-trees.ts';
import {
  type BoostingTable,
  boostingTable,
  type TableOptions,
} from '../../../support/boosting-run.ts';
import { runPrograms } from '../../../support/program-parties.ts';
import {
  loadedTables,
  type TreeProgram,
  type TreeProgramOptions,
  treePrediction,
  treeProgram,
} from '../../../support/tree-programs.ts';

type Trained = Awaited<ReturnType<typeof trainTrees>>;

interface Model {
  readonly program: TreeProgram;
  readonly results: Readonly<Record<string, Trained>>;
  readonly parts: Readonly<Record<string, TreePart>>;
}

async function train(
  table: BoostingTable,
  options: TreeProgramOptions,
  session = 'test',
): Promise<Model> {
  const program = treeProgram(table, options);
  const { contract, data } = program;
  const { results } = await runPrograms(contract, data, (context) => trainTrees(context), {
    session,
  });
  const parts = Object.fromEntries(
    Object.entries(results).map(([name, { part }]) => [name, part!] as const),
  );
  return { program, results, parts };
}

/** The tables of a prediction have the columns of the training, and no labels. */
async function predict(
  { program, parts }: Model,
  table: BoostingTable,
  changes: Parameters<typeof treePrediction>[1] = {},
): Promise<Readonly<Record<string, ProgramResult>>> {
  const encodings = Object.values(program.data).map(({ encoding }) => encoding);
  const keyed = program.contract.alignment.method === 'psi';
  const tables = loadedTables(table, encodings, keyed);
  const data: Record<string, LoadedDataset> = {};
  for (const [name, each] of Object.entries(tables)) data[name] = { ...each, label: null };
  const contract = treePrediction({ contract: program.contract, data }, changes);
  return (await runPrograms(contract, data, predictTrees, { parts })).results;
}

function linesOf({ file }: ProgramResult): string[][] {
  const text = Buffer.concat(file!.chunks).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
}

/** What a receiver of the released model gets alone, of columns of all parties. */
function alone({ results }: Model, { blocks }: BoostingTable): readonly Float64Array[] {
  const { model, part } = Object.values(results).find(({ model }) => model)!;
  const n = blocks[0]!.rows;
  const d = blocks.reduce((sum, { columns }) => sum + columns, 0);
  const X = new Float64Array(n * d);
  for (let i = 0, at = 0; i < n; i++) {
    for (const { values, columns } of blocks) {
      for (let j = 0; j < columns; j++) X[at++] = values[i * columns + j]!;
    }
  }
  return localModel(parseModelDocument(modelText(model!)), part).score(X, n);
}

const near = (a: number, b: number, within: number, what: string): void =>
  ok(Math.abs(a - b) <= within, `${what}: ${a}, expected ${b}`);

describe('joint prediction by trees', () => {
  const shapes: [string, TableOptions, NonNullable<TreeProgramOptions['parameters']>][] = [
    ['two classes, three parties', { widths: [1, 2, 1], values: 6, missing: 0.2 }, {}],
    [
      'several classes',
      { widths: [1, 2], objective: 'multi:softprob', classes: 3, missing: 0.2 },
      { objective: 'multi:softprob', num_class: 3, num_trees: 3 },
    ],
    [
      'numbers',
      { widths: [2, 1], objective: 'reg:squarederror', missing: 0.2 },
      { objective: 'reg:squarederror', base_score: 10, max_depth: 3 },
    ],
  ];
  for (const [what, options, parameters] of shapes) {
    it(`predicts by parts what the released model predicts alone: ${what}`, async () => {
      const table = boostingTable(120, options);
      const fresh = boostingTable(60, { ...options, seed: 8 });
      const keyed = what === 'numbers';
      const receivers = ['guest', 'host_1'];
      const released = await train(table, { parameters, keyed, receivers });
      const split = await train(table, {
        parameters: { ...parameters, model_release: 'split' },
        ...{ keyed, receivers },
      });
      const expected = alone(released, fresh);
      const { objective, num_class } = released.program.contract.parameters;
      for (const model of [released, split]) {
        const results = await predict(model, fresh);
        for (const [name, result] of Object.entries(results)) {
          equal(result.file !== null, receivers.includes(name));
          if (!result.file) continue;
          const [header, ...lines] = linesOf(result);
          const classes = Array.from({ length: num_class }, (_, k) => `score_${k}`);
          const scores = num_class > 1 ? classes : ['score'];
          deepEqual(header, [
            ...[keyed ? 'id' : 'row', ...scores],
            ...(objective === 'reg:squarederror' ? [] : ['class']),
          ]);
          equal(lines.length, 60);
          const unit = objective === 'reg:squarederror' ? 2 ** (10 - 16) : 2 ** -16;
          lines.forEach((line) => {
            const row = keyed ? Number(line[0]!.slice(1)) : Number(line[0]) - 1;
            const p = scores.map((_, k) => expected[k]![row]!);
            p.forEach((value, k) => {
              near(Number(line[1 + k]), value, 2 * unit, `row ${row}`);
            });
            if (objective === 'reg:squarederror') return;
            const likeliest = num_class > 1 ? p.indexOf(Math.max(...p)) : Number(p[0]! >= 0.5);
            if (Math.max(...p) > 0.51) equal(Number(line.at(-1)), likeliest, `row ${row}`);
          });
        }
      }
    });
  }

  it('tells nobody but its receivers, with another threshold where it is asked for', async () => {
    const table = boostingTable(60, { widths: [1, 1], values: 5 });
    const model = await train(table, {});
    const contract = treePrediction(model.program);
    const parameters = { ...contract.parameters, predict_threshold: 1 };
    const { guest, host_1: host } = await predict(model, table, {
      parameters,
      receivers: ['host_1'],
    });
    deepEqual([guest!.file, guest!.metrics, host!.metrics], [null, null, {}]);
    ok(linesOf(host!).every((line, i) => i === 0 || line[2] === '0'));
    equal(host!.extra.aligned_rows, 60);
  });

  it('refuses parts that are not of the model, or not of one run', async () => {
    const table = boostingTable(40, { widths: [1, 1], values: 4 });
    const [one, other] = [await train(table, {}), await train(table, {}, 'other')];
    const mismatch = { code: 'MODEL_MISMATCH' };
    const mixed = { ...one, parts: { guest: one.parts.guest!, host_1: other.parts.host_1! } };
    await rejects(predict(mixed, table), mismatch);
    const swapped = { ...one, parts: { guest: one.parts.host_1!, host_1: one.parts.guest! } };
    await rejects(predict(swapped, table), mismatch);
    const parts = { ...one.parts, host_1: { ...one.parts.host_1!, rounds: 1 } };
    await rejects(predict({ ...one, parts }, table), mismatch);
    const { parameters } = treePrediction(one.program);
    for (const change of [{ max_depth: 5 }, { num_trees: 9 }, { open_bits: 8 }]) {
      await rejects(predict(one, table, { parameters: { ...parameters, ...change } }), mismatch);
    }
  });
});

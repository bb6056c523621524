import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { LinearPrediction, LinearTraining } from '../../../../src/party/consensus/contract.ts';
import { MISSING } from '../../../../src/party/datasets/cells.ts';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import type { LoadedDataset } from '../../../../src/party/datasets/datasets.ts';
import { encodeFeatures } from '../../../../src/party/datasets/encoding.ts';
import type { LinearPart } from '../../../../src/party/models/linear-part.ts';
import type { LinearDocument } from '../../../../src/party/models/model-document.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { predictLinear } from '../../../../src/party/tasks/programs/predict-linear.ts';
import { trainLinear } from '../../../../src/party/tasks/programs/train-linear.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';
import {
  predictionContract,
  programRuns,
  trainingContract,
} from '../../../support/training-pair.ts';

/** A cell of a numeric column, or a level's text; null where it is missing. */
type Row = readonly [key: string, ...cells: readonly (number | string | null)[]];

/** Rows as the node loads them by a model's encoding. */
function loaded(part: LinearPart, rows: readonly Row[]): LoadedDataset {
  const levels = part.encoding.map((feature, f) =>
    feature.kind === 'numeric'
      ? []
      : [...new Set(rows.map((row) => row[f + 1]).filter((cell) => typeof cell === 'string'))],
  );
  const cells = rows.flatMap((row) =>
    row
      .slice(1)
      .map((cell, f) =>
        cell === null ? MISSING : typeof cell === 'string' ? levels[f]!.indexOf(cell) : cell,
      ),
  );
  const missing = part.encoding.map((_, f) => rows.filter((row) => row[f + 1] === null).length);
  const raw = { rowCount: rows.length, keys: null, payload: [], label: null, levels, missing };
  return {
    ...encodeFeatures(part.encoding, { ...raw, cells: Float64Array.from(cells) }),
    rowCount: rows.length,
    keys: [textColumn(rows.map(([key]) => key))],
    payload: [],
    label: null,
    encoding: part.encoding,
    missing: [],
  };
}

const AT_A: readonly Row[] = [
  ['only a', 0.1],
  ['zoë, "1"', 0.2],
  ['k3', 0.9],
  ['k1', 0.5],
  ['k2', null],
  ['k4', 0.4],
];
const AT_B: readonly Row[] = [
  ['k1', 60, 'n'],
  ['k2', 20, 'unseen'],
  ['k4', null, 's'],
  ['only b', 1, 'o'],
  ['k3', 90, null],
  ['zoë, "1"', 5, 'o'],
];
/** What the common rows are once encoded by hand: age, income, n, o, s. */
const ENCODED: Readonly<Record<string, readonly number[]>> = {
  k1: [0.5, 60, 1, 0, 0],
  k2: [0.5, 20, 0, 0, 0],
  k3: [0.9, 90, 0, 0, 0],
  k4: [0.4, 50, 0, 0, 1],
  'zoë, "1"': [0.2, 5, 0, 1, 0],
};
const COMMON_IN_A = ['zoë, "1"', 'k3', 'k1', 'k2', 'k4'];

interface Trained {
  readonly contract: LinearTraining;
  readonly model: LinearDocument | null;
  readonly parts: { readonly orgA: LinearPart; readonly orgB: LinearPart };
}

async function train(
  name: 'logistic_regression' | 'linear_regression',
  release: 'full' | 'split',
  session = 'training',
): Promise<Trained> {
  const base = trainingContract();
  const isLinear = name === 'linear_regression';
  const contract = trainingContract({
    algorithm: { ...base.algorithm, name },
    parameters: {
      ...base.parameters,
      ...{ model_release: release, loss: isLinear ? 'mse' : 'logloss', epochs: 4 },
    },
    metrics: isLinear ? ['rmse'] : ['loss'],
  });
  const { a, b } = programRuns(contract, { session });
  const [atA, atB] = await Promise.all([trainLinear(a.context), trainLinear(b.context)]);
  return { contract, model: atA.model, parts: { orgA: atA.part!, orgB: atB.part! } };
}

async function predict(
  { contract, parts }: Trained,
  change: Partial<LinearPrediction> = {},
  rows: readonly [readonly Row[], readonly Row[]] = [AT_A, AT_B],
): Promise<{
  readonly results: readonly [ProgramResult, ProgramResult];
  readonly phases: string[];
}> {
  const data = { orgA: loaded(parts.orgA, rows[0]), orgB: loaded(parts.orgB, rows[1]) };
  const runs = programRuns(predictionContract(contract, change), { data, parts });
  const [atA, atB] = [predictLinear(runs.a.context), predictLinear(runs.b.context)];
  atB.catch(() => {});
  return { results: [await atA, await atB], phases: runs.a.phases };
}

/** The lines of a result: fields by key, in order. */
function linesOf({ file }: ProgramResult): readonly (readonly string[])[] {
  const text = Buffer.concat(file!.chunks).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const quoted = /^"((?:[^"]|"")*)",(.*)$/.exec(line);
      return quoted
        ? [quoted[1]!.replaceAll('""', '"'), ...quoted[2]!.split(',')]
        : line.split(',');
    });
}

const logit = (p: number): number => Math.log(p / (1 - p));

describe('joint prediction as a program', () => {
  const trained = new Map<string, Trained>();
  before(async () => {
    for (const name of ['logistic_regression', 'linear_regression'] as const) {
      for (const release of ['full', 'split'] as const) {
        trained.set(`${name} ${release}`, await train(name, release));
      }
    }
  });

  for (const name of ['logistic_regression', 'linear_regression'] as const) {
    const isLinear = name === 'linear_regression';
    const inScores = (score: number): number => (isLinear ? score : logit(score));

    it(`gives the same by a split and a released model, and as the weights alone do: ${name}`, async () => {
      const [full, split] = [trained.get(`${name} full`)!, trained.get(`${name} split`)!];
      const unit = 2 ** (full.parts.orgA.target?.exponent ?? 0);
      const byKey = async (each: Trained): Promise<Map<string, number>> => {
        const { results } = await predict(each);
        return new Map(
          linesOf(results[0])
            .slice(1)
            .map(([key, score]) => [key!, inScores(Number(score))]),
        );
      };
      const [one, other] = [await byKey(full), await byKey(split)];
      deepEqual([...one.keys()], COMMON_IN_A);
      const { features, intercept } = full.model!;
      for (const key of COMMON_IN_A) {
        const off = Math.abs(one.get(key)! - other.get(key)!) / unit;
        // Two trainings give neighbouring numbers, each rounded up or down.
        ok(off < 2.5 * 2 ** -10, `${key}: split is off by ${off}`);
        const x = ENCODED[key]!;
        const alone = features.reduce((sum, { weight }, j) => sum + weight * x[j]!, intercept);
        // Weights are rounded in units next to their columns' deviations: age, income, three indicators.
        const room = 4 + [0.25, 25, 0.4, 0.4, 0.4].reduce((sum, s, j) => sum + x[j]! / s, 0);
        const away = Math.abs(one.get(key)! - alone) / unit;
        ok(away < room * 2 ** -10, `${key}: alone is off by ${away}, room ${room * 2 ** -10}`);
      }
    });
  }

  it('leaves each receiver its own keys in the order of its own file', async () => {
    const { results, phases } = await predict(trained.get('logistic_regression split')!);
    deepEqual(phases, ['aligning', 'evaluating', 'publishing']);
    const [atA, atB] = results.map(linesOf);
    deepEqual(atA![0], ['id', 'score', 'class']);
    deepEqual(
      atA!.slice(1).map(([key]) => key),
      COMMON_IN_A,
    );
    deepEqual(
      atB!.slice(1).map(([key]) => key),
      ['k1', 'k2', 'k4', 'k3', 'zoë, "1"'],
    );
    const [scoredAtA, scoredAtB] = [atA!, atB!].map((lines) =>
      lines
        .slice(1)
        .map((cells) => JSON.stringify(cells))
        .sort(),
    );
    deepEqual(scoredAtA, scoredAtB, 'with the same scores');
    for (const [, score, label] of atA!.slice(1)) equal(label, Number(score) >= 0.5 ? '1' : '0');
    for (const { extra, model, part, metrics } of results) {
      equal(extra.aligned_rows, 5);
      deepEqual([model, part, metrics], [null, null, {}]);
    }
  });

  for (const receivers of [['orgA'], ['orgB']]) {
    it(`leaves a party that is no receiver no file: to ${receivers.join()}`, async () => {
      const { results } = await predict(trained.get('linear_regression split')!, { receivers });
      for (const [p, name] of ['orgA', 'orgB'].entries()) {
        equal(results[p]!.file !== null, receivers.includes(name), name);
        equal(results[p]!.metrics !== null, receivers.includes(name), name);
      }
      const lines = linesOf(results[receivers[0] === 'orgA' ? 0 : 1]!);
      deepEqual(lines[0], ['id', 'score'], 'a regression has no classes');
      for (const [, score] of lines.slice(1)) ok(Math.abs(Number(score)) < 10, score);
    });
  }

  it('takes the contract’s threshold', async () => {
    const parameters = { predict_threshold: 1, open_bits: 10 };
    const { results } = await predict(trained.get('logistic_regression full')!, { parameters });
    ok(
      linesOf(results[0])
        .slice(1)
        .every(([, , label]) => label === '0'),
    );
  });

  it('of no common records is a header', async () => {
    const rows = [[['x', 0.5]], [['y', 1, 'n']]] as const;
    const { results } = await predict(trained.get('logistic_regression split')!, {}, rows);
    deepEqual(linesOf(results[1]), [['id', 'score', 'class']]);
  });

  it('names file, row and column of a row that is too far out, not its value', async () => {
    const far = AT_A.map((row): Row => (row[0] === 'k1' ? ['k1', 123456789] : row));
    await rejects(predict(trained.get('logistic_regression split')!, {}, [far, AT_B]), (error) => {
      ok(error instanceof DatasetError);
      equal(error.code, 'out_of_range');
      equal(
        error.message,
        'credit/train.csv: row 4, column age: is too far from the records that the model was trained on',
      );
      return true;
    });
  });

  it('refuses parts of different runs, and of another model', async () => {
    const one = trained.get('logistic_regression split')!;
    const again = await train('logistic_regression', 'split', 'another session');
    const mixed = { ...one, parts: { orgA: one.parts.orgA, orgB: again.parts.orgB } };
    await rejects(predict(mixed), { code: 'MODEL_MISMATCH', message: /made by different runs/ });
    const model = { id: one.parts.orgA.model_id, taskId: 'cd'.repeat(32) };
    await rejects(predict(one, { model }), { code: 'MODEL_MISMATCH', message: /no part/ });
    const algorithm = { ...one.contract.algorithm, name: 'linear_regression' } as const;
    await rejects(predict(one, { algorithm }), { code: 'MODEL_MISMATCH' });
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { sigmoid } from '../../../../src/ml/linear/link.ts';
import { predictBoosted } from '../../../../src/ml/trees/gradient-boosting.ts';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import { createDatasets } from '../../../../src/party/datasets/datasets.ts';
import type { ModelDocument } from '../../../../src/party/models/model-document.ts';
import type { ModelPart } from '../../../../src/party/models/model-part.ts';
import { ModelUseError } from '../../../../src/party/models/model-use-error.ts';
import { localPrediction } from '../../../../src/party/tasks/programs/predict-local.ts';
import { systemRng } from '../../../../src/protocols/primitives/rng.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { MODEL, PART } from '../../models/sample.ts';
import { sampleForest } from '../../models/sample-forest.ts';

describe('prediction by one party alone', () => {
  const folder = scratchFolder();
  const datasets = createDatasets(
    { roots: [folder.path], threads: 1, memoryLimit: '256MB' },
    systemRng,
  );

  /** The lines of the result for a file with these lines. */
  async function predict(
    lines: readonly string[],
    model: ModelDocument = MODEL,
    part: ModelPart | null = PART,
    keyColumn: string | null = 'id',
  ): Promise<string[]> {
    const path = folder.write('new.csv', `${lines.join('\n')}\n`);
    const file = await localPrediction({
      model,
      part,
      path,
      keyColumns: keyColumn === null ? null : [keyColumn],
      threshold: model.threshold,
      load: async (encoding) => {
        const keyColumns = keyColumn === null ? null : [keyColumn];
        const draft = { path, type: 'csv', keyColumns, label: null, selectColumns: null };
        const { terms, salt } = await datasets.terms({ ...draft, discreteColumns: [], encoding });
        return datasets.load(terms, salt, { encoding });
      },
    });
    equal(file.name, 'predictions.csv');
    return Buffer.concat(file.chunks).toString('utf8').trimEnd().split('\n');
  }

  it('adds weights, takes levels by their names, and tells columns of one name apart', async () => {
    const lines = await predict([
      'city,id,shop.x,bank.x,other',
      'A,k1,4,1,7',
      'B,"k,2",0,-1,7',
      'Z,k3,-2,100,7', // a city that the model does not know
      ',k4,2,0.5,7',
    ]);
    equal(lines[0], 'id,score,class');
    const expected = [-1 + 2 - 2 + 1, -1 - 2 + 0.25, -1 + 200 + 1, -1 + 1 - 1].map(sigmoid);
    deepEqual(
      lines.slice(1).map((line) => line.replace(/^(".*"|[^,]*),/, '')),
      expected.map((p) => `${p},${p >= 0.5 ? 1 : 0}`),
    );
    deepEqual(lines.map((line) => line.split(',')[0]).slice(3), ['k3', 'k4']);
  });

  it('knows records by their row without keys', async () => {
    const lines = await predict(['city,shop.x,bank.x', 'A,4,1'], MODEL, PART, null);
    deepEqual(lines, ['row,score,class', `1,${sigmoid(0)},1`]);
  });

  it('gives values by a regression', async () => {
    const model = { ...MODEL, algorithm: 'linear_regression', threshold: null } as const;
    const lines = await predict(['id,city,shop.x,bank.x', 'k,B,2,-3'], model);
    deepEqual(lines, ['id,score', `k,${-1 - 6 - 1 + 0.25}`]);
  });

  it('takes missing cells of a forest as missing, and tells each of several classes', async () => {
    const { document, X } = sampleForest('classes');
    const names = ['a', 'b', 'c', 'd', 'e'];
    const columns = names.map((column) => ({ party: 'bank', column }));
    const forest = { ...document, columns };
    const rows = [0, 1, 2, 3, 4, 5].map((i) => X.subarray(5 * i, 5 * i + 5));
    ok(rows.some((row) => row.some(Number.isNaN)));
    const lines = rows.map((row, i) => [
      `k${i}`,
      ...Array.from(row, (x) => (Number.isNaN(x) ? '' : x)),
    ]);
    const text = [['id', ...names], ...lines].map((line) => line.join(','));
    const [header, ...found] = await predict(text, forest, null);
    equal(header, 'id,score_0,score_1,score_2,class');
    const p = predictBoosted(document.trees, matrix(X.slice(0, 30), 6, 5));
    found.forEach((line, i) => {
      const scores = p.map((each) => each[i]!);
      const likeliest = scores.indexOf(Math.max(...scores));
      deepEqual(
        line.split(',').map((cell, c) => (c === 0 ? cell : Number(cell))),
        [`k${i}`, ...scores, likeliest],
      );
    });
  });

  it('fills its own missing cells, and names others’ that it cannot', async () => {
    const [line] = (await predict(['id,city,shop.x,bank.x', 'k,A,,1'])).slice(1);
    equal(line, `k,${sigmoid(-1 + 2 - 0.5 * 3.5 + 1)},1`);
    await rejects(predict(['id,city,shop.x,bank.x', 'a,A,4,1', 'b,A,4,']), (error) => {
      ok(error instanceof DatasetError);
      equal(
        error.message,
        'new.csv: row 2, column bank.x: is missing, and only bank knows what stands for it',
      );
      return true;
    });
  });

  it('says who knows the categories that it does not', async () => {
    for (const part of [null, { ...PART, party: 'bank', encoding: [] }]) {
      await rejects(predict(['id,city,shop.x,bank.x', 'a,A,4,1'], MODEL, part), (error) => {
        ok(error instanceof ModelUseError);
        ok(/categories of shop \(column city\).*predict together with shop/.test(error.message));
        return true;
      });
    }
  });

  it('needs no part for numbers alone', async () => {
    const model = { ...MODEL, features: MODEL.features.slice(0, 2) };
    const lines = await predict(['id,shop.x,bank.x', 'a,2,1'], model, null);
    equal(lines[1], `a,${sigmoid(-1 + 2 - 1)},1`);
  });

  it('names a column that is not there, and a score that is no number', async () => {
    await rejects(predict(['id,city,bank.x', 'a,A,4']), { code: 'missing_column' });
    const model = { ...MODEL, algorithm: 'linear_regression', threshold: null } as const;
    await rejects(predict(['id,city,shop.x,bank.x', 'a,A,4,1', 'b,A,4,1.7e308'], model), {
      code: 'out_of_range',
      message: 'new.csv: row 2: the score is not finite',
    });
  });
});

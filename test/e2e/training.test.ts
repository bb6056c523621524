import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import type { Matrix } from '../../src/ml/data/matrix.ts';
import { fitLinearRegression } from '../../src/ml/linear/linear-regression.ts';
import { fitLogisticRegression } from '../../src/ml/linear/logistic-regression.ts';
import { type LinearModel, predictLinear } from '../../src/ml/linear/model.ts';
import { type LinearDocument, parseModelDocument } from '../../src/party/models/model-document.ts';
import { jointTables } from '../support/joint-tables.ts';
import {
  type Answer,
  endedTask,
  eventually,
  postTrain,
  proposedTasks,
  putData,
  runningPair,
} from '../support/running-pair.ts';

/** Enough iterations to exercise every message; quality is what the first test looks at. */
const SHORT = { epochs: 3 };

/** Every combination of names that the interface's own example uses, at both providers alike. */
function exampleRequest(file: string, change: object = {}, provider: object = {}): object {
  const common = {
    data_path: file,
    data_type: 'csv',
    label_column: 'y',
    key_column: 'id',
    select_columns: ['f1', 'f2'],
    ...provider,
  };
  return {
    data_providers: [
      { name: 'orgA', ...common },
      { name: 'orgB', ...common },
    ],
    result_receivers: ['orgA', 'orgB'],
    metrics: ['accuracy', 'precision', 'recall'],
    ...change,
  };
}

interface Extra {
  readonly task_id: string;
  readonly algorithm: string;
  readonly algorithm_from: string;
  readonly aligned_rows: number;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly [name: string]: unknown;
}

function extraOf({ status, msg, result }: Answer): Extra {
  equal(status, 200, msg);
  return JSON.parse(result!.extra as string) as Extra;
}

async function modelAt(organisation: Organisation, answer: Answer): Promise<LinearDocument> {
  const text = await organisation.result(answer.result!.path as string);
  return parseModelDocument(text) as LinearDocument;
}

/** The released weights in the order of the joined columns. */
function plain(
  { features, intercept }: LinearDocument,
  holder: string,
  other: string,
): LinearModel {
  const weights = [holder, other].flatMap((party) =>
    ['f1', 'f2'].map(
      (column) => features.find((f) => f.party === party && f.column === column)!.weight,
    ),
  );
  return { weights: Float64Array.from(weights), intercept };
}

/** Largest difference of two models' outputs over the rows. */
function distance(X: Matrix, one: LinearModel, other: LinearModel): number {
  const z = predictLinear(other, X);
  return Math.max(...predictLinear(one, X).map((value, i) => Math.abs(value - z[i]!)));
}

describe('e2e: training on two nodes', function () {
  this.timeout(120_000);
  const pair = runningPair();
  const binary = jointTables({ common: 240, apart: 40, label: 'binary' });

  before(() => {
    putData(pair.a, 'people.csv', binary.labelled);
    putData(pair.b, 'people.csv', binary.features);
  });

  it('runs the example of the interface: the plain model of the joined records', async () => {
    const hyper = { loss: 'mse', use_validation_set: false };
    const answer = await postTrain(
      pair.a,
      exampleRequest('people.csv', { hyper_params: hyper, model_config: {} }),
    );
    const { task_id: taskId, warnings, seconds: _, ...extra } = extraOf(answer);
    const { bytes_per_iteration, bytes_sent, seconds_per_iteration, ...fixed } = extra;
    deepEqual(fixed, {
      algorithm: 'logistic_regression',
      algorithm_from: 'metric accuracy',
      partition: 'vertical',
      psi_engine: 'ecdh',
      solver: 'auto',
      model_release: 'full',
      receivers: ['orgA', 'orgB'],
      aligned_rows: 240,
      attempts: 1,
      steps: 40,
    });
    for (const traffic of [bytes_per_iteration, bytes_sent]) {
      const { orgA, orgB } = traffic as Record<string, number>;
      ok(orgA! > 0 && orgB! > 0);
    }
    ok((seconds_per_iteration as number) > 0);
    deepEqual(
      warnings.map(({ code }) => code),
      ['LABEL_IGNORED'],
    );

    const { model_id: modelId, path, type, metrics } = answer.result!;
    deepEqual([path, type], [`results/${taskId}/model.json`, 'json']);
    const figures = metrics as Record<string, number>;
    deepEqual(Object.keys(figures), ['accuracy', 'precision', 'recall']);
    for (const [name, value] of Object.entries(figures)) ok(value > 0.7 && value <= 1, name);

    const model = await modelAt(pair.a, answer);
    const invited = await endedTask(pair.b, taskId);
    deepEqual(await modelAt(pair.b, answer), model);
    equal(model.model_id, modelId);
    equal(model.task_id, taskId);
    deepEqual(model.label, { party: 'orgA', column: 'y' });
    deepEqual(model.metrics, metrics);
    equal(invited.model_id, modelId);
    deepEqual(invited.metrics, metrics);

    const expected = fitLogisticRegression(binary.X, binary.y, {
      solver: 'auto',
      loss: 'mse',
      blockWidths: [2, 2],
    });
    const spread = Math.max(...predictLinear(expected, binary.X).map(Math.abs));
    const off = distance(binary.X, plain(model, 'orgA', 'orgB'), expected);
    ok(off < 0.03 * spread, `logits differ by ${off}, the largest is ${spread}`);
  });

  it('trains from either side, and gives the model to receivers only', async () => {
    const answer = await postTrain(
      pair.b,
      exampleRequest('people.csv', { result_receivers: ['orgA'], hyper_params: SHORT }),
    );
    const { task_id: taskId, metrics_withheld: withheld } = extraOf(answer);
    deepEqual(answer.result!.metrics, {});
    match(String(withheld), /orgB is not a receiver/);
    const path = answer.result!.path as string;
    ok(existsSync(join(pair.a.directory, path)));
    ok(!existsSync(join(pair.b.directory, path)));
    const holder = await endedTask(pair.a, taskId);
    deepEqual(Object.keys(holder.metrics!), ['accuracy', 'precision', 'recall']);
  });

  it('takes categories under either name, and parameters as object or text alike', async () => {
    const selected = { select_columns: ['f1', 'f3'] };
    // All rows, as each run holds out others: the aligned order is random.
    const all = { ...SHORT, use_validation_set: false };
    const answers = [];
    for (const [hyper, provider] of [
      [all, { discrete_cols: ['f3'] }],
      [JSON.stringify(all), { discrete_columns: ['f3'] }],
      [all, { discrete_cols: ['f3'], discrete_columns: ['f3'] }],
    ] as const) {
      const request = exampleRequest(
        'people.csv',
        { hyper_params: hyper },
        { ...selected, ...provider },
      );
      answers.push(await postTrain(pair.a, request));
    }
    const models = await Promise.all(answers.map((answer) => modelAt(pair.a, answer)));
    for (const [i, { features }] of models.entries()) {
      deepEqual(
        features.map(({ party, column, level }) => [party, column, level]),
        ['orgA', 'orgB'].flatMap((party) => [
          [party, 'f1', undefined],
          [party, 'f3', 0],
          [party, 'f3', 1],
        ]),
      );
      // Only the rounding of shares differs between runs.
      const first = models[0]!.features.map(({ weight }) => weight);
      for (const [j, { weight }] of features.entries()) {
        const tolerance = 0.05 * Math.max(...first.map(Math.abs));
        ok(Math.abs(weight - first[j]!) < tolerance, `weight ${j} of model ${i}`);
      }
    }
  });

  it('needs no algorithm: without a hint the number of labels decides', async () => {
    const classes = await postTrain(
      pair.a,
      exampleRequest('people.csv', { metrics: undefined, hyper_params: SHORT }),
    );
    const { algorithm, algorithm_from: from } = extraOf(classes);
    deepEqual([algorithm, from], ['logistic_regression', 'the label has two values']);
    deepEqual(Object.keys(classes.result!.metrics as object), ['loss']);
  });

  it('fits a numeric label in its own units', async () => {
    const table = jointTables({ common: 200, apart: 20, label: 'regression', seed: 2 });
    // The label at the other party this time.
    putData(pair.b, 'amounts.csv', table.labelled);
    putData(pair.a, 'amounts.csv', table.features);
    const answer = await postTrain(
      pair.a,
      exampleRequest('amounts.csv', {
        metrics: undefined,
        hyper_params: { use_validation_set: false, l2: 0.01 },
      }),
    );
    const extra = extraOf(answer);
    deepEqual(
      [extra.algorithm, extra.algorithm_from, extra.aligned_rows],
      ['linear_regression', 'the label has more than two values', 200],
    );
    const model = await modelAt(pair.a, answer);
    deepEqual(model.label, { party: 'orgB', column: 'y' });
    const expected = fitLinearRegression(table.X, table.y, { l2: 0.01 });
    const off = distance(table.X, plain(model, 'orgB', 'orgA'), expected);
    ok(off < 0.2, `predictions differ by ${off}; the noise of the label is 1`);
  });

  it('takes row i as row i where no key is named', async () => {
    const rows = (...columns: string[]) =>
      [columns.join(','), ...Array.from({ length: 40 }, (_, i) => `${i % 7},${(i * i) % 11}`)].join(
        '\n',
      );
    putData(
      pair.a,
      'rows.csv',
      rows('x', 'y').replaceAll(/,(\d+)$/gm, (_, y) => `,${y % 2}`),
    );
    putData(pair.b, 'rows.csv', rows('u', 'v'));
    const provider = (name: string) => ({ name, data_path: 'rows.csv', data_type: 'CSV' });
    const answer = await postTrain(pair.a, {
      data_providers: [{ ...provider('orgA'), label_column: 'y' }, provider('orgB')],
      result_receivers: ['orgA', 'orgA'],
      algorithm: 'lr',
      hyper_params: SHORT,
      metrics: ['auc'],
    });
    const { aligned_rows: aligned, warnings } = extraOf(answer);
    equal(aligned, 40);
    deepEqual(
      warnings.map(({ code }) => code),
      ['DUPLICATE_RECEIVER', 'ROW_ORDER'],
    );
  });

  it('refuses a repeated key, or keeps the first on request', async () => {
    const row = (i: number) => `k${i},${(i * 37) % 101},${(i * 53) % 89}`;
    const lines = Array.from({ length: 60 }, (_, i) => row(i));
    putData(
      pair.a,
      'twice.csv',
      `id,f1,y\n${lines.map((l, i) => `${l.replace(/\d+$/, '')}${i % 2}`).join('\n')}\n`,
    );
    putData(pair.b, 'twice.csv', `id,f1,f2\n${[...lines, row(3), row(3)].join('\n')}\n`);
    const request = (change: object) =>
      exampleRequest('twice.csv', { hyper_params: SHORT, ...change }, { select_columns: ['f1'] });
    const refused = await postTrain(pair.a, request({}));
    equal(refused.status, 400);
    match(
      refused.msg,
      /orgB: twice\.csv: row 61, column id: repeats the key.*privacy\.duplicates first$/,
    );
    const kept = await postTrain(pair.a, request({ privacy: { duplicates: 'first' } }));
    equal(extraOf(kept).aligned_rows, 60);
  });

  it('answers at once on request and shows the task on its way', async () => {
    const request = exampleRequest('people.csv', { hyper_params: { epochs: 20 } });
    for (const [body, headers] of [
      [{ ...request, async: true }, {}],
      [request, { prefer: 'respond-async, wait=5' }],
    ] as const) {
      const accepted = await postTrain(pair.a, body, headers);
      equal(accepted.status, 202, accepted.msg);
      const taskId = accepted.result!.task_id as string;
      equal(accepted.headers.get('location'), `/api/v1/tasks/${taskId}`);
      const percentages: number[] = [];
      const phases = new Set<string>();
      const view = await pair.a.client.waitForTask(taskId, {
        onView: ({ progress, phase }) => {
          percentages.push(progress.percentage);
          phases.add(phase);
        },
        intervalMs: 10,
      });
      deepEqual(
        percentages,
        percentages.toSorted((x, y) => x - y),
      );
      ok(phases.size >= 3, [...phases].join());
      equal(view.phase, 'done');
      deepEqual([view.progress.percentage, view.error], [100, null]);
      ok(view.model_id);
    }
  });

  it('finishes a task whose client has gone', async () => {
    const before = await proposedTasks(pair.a);
    const leaving = new AbortController();
    const request = exampleRequest('people.csv', { hyper_params: { epochs: 20 } });
    const gone = postTrain(pair.a, request, {}, leaving.signal).catch((error: unknown) => error);
    const taskId = await eventually('the task', async () =>
      (await proposedTasks(pair.a)).find((id) => !before.includes(id)),
    );
    leaving.abort();
    equal(((await gone) as Error).name, 'AbortError');
    for (const node of [pair.a, pair.b]) equal((await endedTask(node, taskId)).state, 'completed');
  });
});

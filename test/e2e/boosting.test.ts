import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auc } from '../../src/ml/metrics/classification.ts';
import { rmse } from '../../src/ml/metrics/regression.ts';
import { predictBoosted } from '../../src/ml/trees/gradient-boosting.ts';
import { forestPart, splitRules } from '../../src/party/models/forest-part.ts';
import { parseModelPart } from '../../src/party/models/model-part.ts';
import type { TreePart } from '../../src/party/models/tree-part.ts';
import { csvFile } from '../support/plain-join.ts';
import { boostingRequest, forestAt, plainForest, putTables } from '../support/running-boosting.ts';
import { endedTask, postTrain, runningNodes } from '../support/running-pair.ts';

const NAMES = ['orgA', 'orgB', 'orgC'] as const;
/** Of scores that are told, next to their margins: the smallest step of open_bits 20. */
const ROUNDING = 2 ** -20;

describe('e2e: boosted trees', function () {
  this.timeout(120_000);
  const at = runningNodes(NAMES, {
    algorithms: ['vertical/xgboost', 'predict/xgboost'],
    minimumMargin: 0,
  });
  const nodes = (count: number) => NAMES.slice(0, count).map(at);

  it('trains what XGBoost reads, as good as plain boosting, on missing values too', async () => {
    const table = putTables(nodes(2), 'two.csv', 600, { widths: [3, 3], missing: 0.1 });
    const hyper = { n_estimators: 8, max_depth: 3, eta: 0.4, max_bin: 16 };
    const metrics = ['auc', 'loss'];
    const answer = await at('orgA').client.runModelTrainTask(
      boostingRequest(nodes(2), 'two.csv', hyper, { metrics }),
    );
    const extra = JSON.parse(answer.extra) as Record<string, unknown>;
    equal(extra.algorithm, 'xgboost');
    equal(extra.aligned_rows, 600);
    equal(extra.trees, 8);

    const { X, predictions } = plainForest(table, {
      ...{ objective: 'binary:logistic', numTrees: 8, maxDepth: 3 },
      ...{ learningRate: 0.4, numBins: 16 },
    });
    const text = await at('orgA').result(answer.path);
    const { learner } = JSON.parse(text) as { learner: { feature_names: string[] } };
    deepEqual(
      learner.feature_names,
      ['orgA', 'orgB'].flatMap((party) => [0, 1, 2].map((j) => `${party}.x${j}`)),
    );
    const { trees, columns } = await forestAt(at('orgA'), answer.path);
    deepEqual([...new Set(columns.map(({ party }) => party))], ['orgA', 'orgB']);
    const used = new Set(
      trees.rounds.flat(2).flatMap(({ split }) => (split ? [columns[split.feature]!.party] : [])),
    );
    deepEqual([...used].sort(), ['orgA', 'orgB'], 'both parties’ columns split nodes');
    const joint = auc(table.labels, predictBoosted(trees, X)[0]!)!;
    const plain = auc(table.labels, predictions)!;
    ok(Math.abs(joint - plain) < 0.01, `${joint} beside ${plain}`);
    ok(Math.abs(answer.metrics.auc! - joint) < 0.001, 'the metric is that of the model');
  });

  it('leaves the receiver no thresholds of others when the model stays split', async () => {
    putTables(nodes(2), 'split.csv', 200, { widths: [1, 2] });
    const hyper = { num_trees: 3, max_depth: 2, model_release: 'split' };
    const { extra } = await at('orgA').client.runModelTrainTask(
      boostingRequest(nodes(2), 'split.csv', hyper),
    );
    const { task_id: taskId } = JSON.parse(extra) as { task_id: string };
    await endedTask(at('orgB'), taskId);
    const partOf = (name: (typeof NAMES)[number]): TreePart => {
      const { directory } = at(name);
      equal(existsSync(join(directory, 'results', taskId)), false, `${name} has no model`);
      const path = join(directory, 'state', 'parts', taskId, 'model-part.json');
      return parseModelPart(readFileSync(path, 'utf8')) as TreePart;
    };
    const [mine, theirs] = [partOf('orgA'), partOf('orgB')];
    equal(theirs.forest, null, 'the trees stay with the label holder');
    const features = (part: TreePart): number[] => splitRules(part).map(({ feature }) => feature);
    ok(features(theirs).length > 0, 'orgB has splits');
    ok(features(theirs).every((feature) => feature < 2));
    const splits = forestPart(mine)
      .rounds.flat(2)
      .filter(({ split }) => split !== null);
    const owners = [0, 1].map((p) => splits.filter(({ split }) => split!.owner === p).length);
    deepEqual(owners, [features(mine).length, features(theirs).length], 'each has its own alone');
  });

  it('predicts jointly what the released model says, three parties', async () => {
    const options = { widths: [2, 2, 2], missing: 0.05, objective: 'reg:squarederror' } as const;
    const table = putTables(nodes(3), 'three.csv', 500, options);
    const change = { result_receivers: ['orgA', 'orgC'], metrics: ['rmse'] };
    const hyper = { num_trees: 6, max_depth: 3, num_bins: 16, open_bits: 20 };
    const trained = await at('orgA').client.runModelTrainTask(
      boostingRequest(nodes(3), 'three.csv', hyper, change),
    );
    const { task_id: taskId } = JSON.parse(trained.extra) as { task_id: string };
    const { X, predictions } = plainForest(table, {
      ...{ objective: 'reg:squarederror', numTrees: 6, maxDepth: 3, numBins: 16 },
    });
    const own = await forestAt(at('orgA'), trained.path);
    const [joint] = predictBoosted(own.trees, X);
    const [error, plain] = [joint!, predictions].map((z) => rmse(table.labels, z));
    ok(error! < 1.05 * plain!, `${error} beside ${plain}`);

    // The other receiver has the same model, and the third party none.
    const { path } = await endedTask(at('orgC'), taskId);
    deepEqual((await forestAt(at('orgC'), path!)).trees, own.trees);
    equal(existsSync(join(at('orgB').directory, 'results', taskId)), false);

    const { data_providers } = boostingRequest(nodes(3), 'three.csv', {});
    const scored = await at('orgA').client.runModelPredictTask({
      data_providers: data_providers.map(({ label_column: _, ...provider }) => provider),
      result_receivers: ['orgA'],
      model_id: trained.model_id,
    });
    const { header, records } = csvFile(await at('orgA').result(scored.path));
    deepEqual(header, ['id', 'score']);
    equal(records.length, 500);
    const unit = 2 ** Math.ceil(Math.log2(deviationOf(table.labels)));
    for (const [id, score] of records) {
      const row = Number(id!.replace('id-', ''));
      const off = Math.abs(Number(score) - joint![row]!);
      ok(off <= ROUNDING * unit, `${id} is off by ${off}`);
    }
  });

  it('tells a coordinator what does not go together', async () => {
    putTables(nodes(2), 'bad.csv', 60, { widths: [1, 1] });
    const ask = async (hyper: object, change = {}): Promise<string> => {
      const body = boostingRequest(nodes(2), 'bad.csv', { ...hyper }, change);
      const { status, msg } = await postTrain(at('orgA'), body);
      equal(status, 400, msg);
      return msg;
    };
    match(await ask({ max_depth: 40 }), /hyper_params\.max_depth/);
    match(await ask({ subsample: 0 }), /hyper_params\.subsample/);
    match(await ask({ objective: 'multi:softprob' }), /num_class/);
    match(await ask({ num_trees: 5, n_estimators: 6 }), /num_trees.*n_estimators.*differ/);
  });
});

describe('e2e: boosted trees without a word of policy', function () {
  this.timeout(120_000);
  const at = runningNodes(['orgA', 'orgB']);

  it('are refused where sums may determine a party’s columns, with the rule that would allow it', async () => {
    const nodes = [at('orgA'), at('orgB')];
    putTables(nodes, 'small.csv', 200, { widths: [2, 2] });
    const request = boostingRequest(nodes, 'small.csv', { num_trees: 30, max_depth: 4 });
    const { msg } = await postTrain(at('orgA'), request);
    match(msg, /minimum_margin/);
    match(msg, /orgB/);
  });
});

function deviationOf(y: Float64Array): number {
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  return Math.sqrt(y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / y.length);
}

import { ok } from 'node:assert/strict';
import { takeRows } from '../../../../src/ml/data/matrix.ts';
import { kFoldSplit } from '../../../../src/ml/data/split.ts';
import { auc, ks } from '../../../../src/ml/metrics/classification.ts';
import { rmse } from '../../../../src/ml/metrics/regression.ts';
import { fitBoostedTrees, predictBoosted } from '../../../../src/ml/trees/gradient-boosting.ts';
import {
  plainParameters,
  type TreeParameters,
} from '../../../../src/ml/vertical/trees/parameters.ts';
import {
  type BoostingTable,
  boostInMemory,
  pooled,
  rowsOf,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';
import { jointTrees } from '../../../support/joint-forest.ts';
import { loadTask } from '../../../support/tables.ts';

/** What the held-out rows of a fold are predicted, jointly with all noise and plainly. */
async function compare(
  table: BoostingTable,
  fold: number,
  parameters: TreeParameters,
): Promise<{ y: Float64Array; joint: Float64Array; plain: Float64Array }> {
  const { train, validation } = kFoldSplit(table.labels.length, 5, fold);
  const [trained, held] = [rowsOf(table, train), rowsOf(table, validation)];
  const run = await boostInMemory(trained, parameters, { sampler: null, seed: `fold ${fold}` });
  const X = takeRows(pooled(table), validation);
  const model = { parameters: plainParameters(parameters), features: X.columns };
  const plain = fitBoostedTrees(pooled(trained), trained.labels, plainParameters(parameters));
  const rounds = jointTrees(run, table);
  return {
    y: held.labels,
    joint: predictBoosted({ ...model, rounds }, X)[0]!,
    plain: predictBoosted(plain, X)[0]!,
  };
}

describe('joint boosting of real tables', function () {
  this.timeout(600_000);

  it('scores like XGBoost on the pooled table: default_credit, fold 0', async () => {
    const { blocks, y } = loadTask('default_credit', 'id', 'y');
    const parameters = { ...TREE_DEFAULTS, num_trees: 30 };
    const fold = await compare({ blocks, labels: y }, 0, parameters);
    const [area, gap] = [auc(fold.y, fold.joint)!, ks(fold.y, fold.joint)!];
    // XGBoost 1.7.4: .7751, .4320
    ok(Math.abs(area - 0.7751) <= 0.002, `AUC ${area}, plain ${auc(fold.y, fold.plain)}`);
    ok(Math.abs(gap - 0.432) <= 0.005, `KS ${gap}, plain ${ks(fold.y, fold.plain)}`);
  });

  for (const hosts of [['host'], ['host_1', 'host_2']]) {
    it(`predicts like XGBoost on the pooled table: motor, ${hosts.length + 1} parties`, async () => {
      const { blocks, y } = loadTask('motor', 'idx', 'motor_speed', hosts);
      const parameters: TreeParameters = {
        ...TREE_DEFAULTS,
        ...{ num_trees: 50, objective: 'reg:squarederror' },
      };
      let [joint, plain] = [0, 0];
      for (let fold = 0; fold < 5; fold++) {
        const found = await compare({ blocks, labels: y }, fold, parameters);
        joint += rmse(found.y, found.joint) / 5;
        plain += rmse(found.y, found.plain) / 5;
      }
      ok(joint <= 0.105, `RMSE ${joint}, plain ${plain}`); // XGBoost 1.7.4: .0998
    });
  }
});

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { seededGenerator } from '../../src/ml/data/random.ts';
import { auc } from '../../src/ml/metrics/classification.ts';
import { predictBoosted } from '../../src/ml/trees/gradient-boosting.ts';
import { boostingRequest, forestAt, plainForest, putTables } from '../support/running-boosting.ts';
import { endedTask, runningNodes } from '../support/running-pair.ts';

const KILLS = 20;
const NAMES = ['orgA', 'orgB', 'orgC'] as const;
const HYPER = { num_trees: 10, max_depth: 3, num_bins: 16 };

describe('e2e: nodes that are killed while trees grow', function () {
  this.timeout(3_600_000);
  const at = runningNodes(NAMES, {
    algorithms: ['vertical/xgboost'],
    minimumMargin: 0,
    env: { ENTENTE_TASKS_PEER_TIMEOUT_SEC: '30' },
  });

  it(`give the same kind of forest, or none at any party, after ${KILLS} kills at random moments`, async () => {
    const nodes = NAMES.map(at);
    const table = putTables(nodes, 'people.csv', 2000, { widths: [3, 3, 3], missing: 0.05 });
    const { X, predictions } = plainForest(table, {
      ...{ objective: 'binary:logistic', numTrees: 10, maxDepth: 3, numBins: 16 },
    });
    const plain = auc(table.labels, predictions)!;
    const request = boostingRequest(nodes, 'people.csv', HYPER);
    const start = Date.now();
    await at('orgA').client.runModelTrainTask(request);
    const usualMs = Date.now() - start;

    const next = seededGenerator(2027);
    const counts = { completed: 0, failed: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = nodes[next() % nodes.length]!;
      const moment = Math.floor(((next() % 1000) / 1000) * 1.1 * usualMs);
      const taskId = await at('orgA').client.submitTrainTask(request);
      await new Promise((resolve) => setTimeout(resolve, moment));
      await victim.stop('SIGKILL');
      await victim.start();

      const what = `kill ${kill} of ${victim.name} after ${moment} of ${usualMs} ms`;
      const known = await Promise.all(
        nodes.map((node) => node.client.task(taskId).then(Boolean, () => false)),
      );
      const agreed = nodes.filter((_, p) => known[p]);
      const views = await Promise.all(agreed.map((node) => endedTask(node, taskId)));
      const completed = views.some(({ state }) => state === 'completed');
      for (const view of views) {
        equal(view.state === 'completed', completed, `${what}: the parties differ`);
        if (!completed) match(view.error!.message, /\w+: \w+/, what);
      }
      counts[completed ? 'completed' : 'failed'] += 1;
      for (const node of nodes) {
        equal(existsSync(join(node.directory, 'state', 'checkpoints', taskId)), false, what);
      }
      if (!completed) continue;
      equal(views.length, nodes.length, what);
      deepEqual(readdirSync(join(at('orgA').directory, 'results', taskId)), ['model.json'], what);
      const { trees } = await forestAt(at('orgA'), `results/${taskId}/model.json`);
      equal(trees.rounds.length, 10, what);
      const joint = auc(table.labels, predictBoosted(trees, X)[0]!)!;
      ok(Math.abs(joint - plain) < 0.02, `${what}: ${joint} beside ${plain}`);
    }
    ok(counts.completed > counts.failed, JSON.stringify(counts));
  });
});

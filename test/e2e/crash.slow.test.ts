import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import { type LinearDocument, parseModelDocument } from '../../src/party/models/model-document.ts';
import type { TaskView } from '../../src/sdk/node-client.ts';
import { peopleTraining, putPeople } from '../support/joint-training.ts';
import { eventually, runningPair } from '../support/running-pair.ts';

const KILLS = 50;

/** Weights of two trainings of the same table differ by rounding alone, in units of 2^-open_bits. */
const ROUNDING = 8 / 1024;

// An attempt from the start aligns in another order, so it would hold out other rows.
const REQUEST = peopleTraining({ epochs: 20, use_validation_set: false });

describe('e2e: nodes that are killed', function () {
  this.timeout(3_600_000);
  const pair = runningPair({ ENTENTE_TASKS_PEER_TIMEOUT_SEC: '30' });

  before(() => void putPeople(pair, { common: 3000, apart: 500 }));

  function weightsOf(node: Organisation, taskId: string): number[] {
    const path = join(node.directory, 'results', taskId, 'model.json');
    const { features, intercept } = parseModelDocument(
      readFileSync(path, 'utf8'),
    ) as LinearDocument;
    return [...features.map(({ weight }) => weight), intercept];
  }

  /** What the node shows at the end, or nothing if it never heard of an agreed task. */
  async function outcome(node: Organisation, taskId: string): Promise<TaskView | null> {
    return eventually(`an outcome of ${taskId} at ${node.name}`, async () => {
      const view = await node.client.task(taskId).catch((error: unknown) => error);
      if (view instanceof Error) return 'status' in view && view.status === 404 ? null : undefined;
      const { state } = view as TaskView;
      const ended = ['completed', 'failed', 'cancelled'].includes(state);
      return ended ? (view as TaskView) : undefined;
    });
  }

  /** Nothing of an ended task is half there. */
  function checkFiles(node: Organisation, taskId: string, completed: boolean): void {
    const results = join(node.directory, 'results');
    deepEqual(existsSync(join(results, taskId)), completed, `${node.name}: results`);
    if (completed) deepEqual(readdirSync(join(results, taskId)), ['model.json']);
    const checkpoints = join(node.directory, 'state', 'checkpoints', taskId);
    equal(existsSync(checkpoints), false, `${node.name}: checkpoints`);
    const files = readdirSync(node.directory, { recursive: true, encoding: 'utf8' });
    deepEqual(
      files.filter((name) => /\.(tmp|part|partial)\b|staging/.test(name) && name.includes(taskId)),
      [],
    );
  }

  it(`resume or fail alike after ${KILLS} kills at random moments`, async () => {
    const start = Date.now();
    const reference = await pair.a.client.runModelTrainTask(REQUEST);
    const usualMs = Date.now() - start;
    const { task_id } = JSON.parse(reference.extra) as { task_id: string };
    const expected = weightsOf(pair.a, task_id);
    const next = seededGenerator(2026);
    const counts = { completed: 0, failed: 0 };

    for (let kill = 0; kill < KILLS; kill++) {
      const [victim, other] = next() % 2 === 0 ? [pair.a, pair.b] : [pair.b, pair.a];
      const moment = Math.floor(((next() % 1000) / 1000) * 1.1 * usualMs);
      const taskId = await pair.a.client.submitTrainTask(REQUEST);
      await new Promise((resolve) => setTimeout(resolve, moment));
      await victim!.stop('SIGKILL');
      await victim!.start();

      const what = `kill ${kill} of ${victim!.name} after ${moment} of ${usualMs} ms`;
      const mine = await outcome(victim!, taskId);
      const theirs = await outcome(other!, taskId);
      const views = [mine, theirs].filter((view) => view !== null);
      ok(views.length > 0, what);
      const completed = views[0]!.state === 'completed';
      for (const view of views) {
        equal(view.state === 'completed', completed, `${what}: the parties differ`);
        if (!completed) match(view.error!.message, /\w+: \w+/, what);
      }
      counts[completed ? 'completed' : 'failed'] += 1;
      for (const node of [pair.a, pair.b]) {
        checkFiles(node, taskId, completed);
        if (!completed) continue;
        for (const [j, weight] of weightsOf(node, taskId).entries()) {
          ok(
            Math.abs(weight - expected[j]!) <= ROUNDING * Math.max(1, Math.abs(expected[j]!)),
            what,
          );
        }
      }
      if (kill % 10 === 9) {
        const { metrics } = await pair.a.client.runModelTrainTask(REQUEST);
        ok(Math.abs(metrics.auc! - reference.metrics.auc!) < 0.01, 'a new task works');
      }
    }
    ok(counts.completed > counts.failed, JSON.stringify(counts));
  });
});

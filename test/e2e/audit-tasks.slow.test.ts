import { deepEqual, equal, ok } from 'node:assert/strict';
import type { Organisation } from '../../examples/organisation.ts';
import { peopleTraining, putPeople } from '../support/joint-training.ts';
import { boostingRequest, putTables } from '../support/running-boosting.ts';
import { verdictsOn } from '../support/running-evidence.ts';
import { keyed } from '../support/running-intersection.ts';
import { endedTask, putData, runningNodes, trainingTask } from '../support/running-pair.ts';
import { csvText, scratchFolder } from '../support/scratch-folder.ts';

const NAMES = ['orgA', 'orgB', 'orgC'] as const;

const listed = (from: number, to: number, repeated: readonly number[] = []): string =>
  csvText([
    ['id', 'v'],
    ...Array.from({ length: to - from }, (_, i) => [`k${from + i}`, String(i % 7)]),
    ...repeated.map((i) => [`k${i}`, '9']),
  ]);

/** A training of the label holder orgA with orgB. */
const LINEAR = peopleTraining({ epochs: 20 });

describe('e2e: evidence of tasks of every kind', function () {
  this.timeout(900_000);
  const at = runningNodes(NAMES, {
    algorithms: ['psi/*', 'vertical/*', 'predict/*'],
    minimumMargin: 0,
    env: { ENTENTE_TASKS_PEER_TIMEOUT_SEC: '30' },
  });
  const folder = scratchFolder();
  const nodes = (count = 3): readonly Organisation[] => NAMES.slice(0, count).map(at);
  /** Tasks by what they are, with how many parties they have. */
  const tasks = new Map<string, { readonly taskId: string; readonly parties: number }>();

  async function ran(name: string, parties: number, submitted: Promise<string>): Promise<string> {
    const taskId = await submitted;
    for (const node of nodes(parties)) {
      const { state, error } = await endedTask(node, taskId);
      equal(state, 'completed', `${name}: ${error?.message}`);
    }
    tasks.set(name, { taskId, parties });
    return taskId;
  }

  before('run one task of each kind', async () => {
    const { client } = at('orgA');
    for (const [i, name] of NAMES.entries()) {
      putData(at(name), 'keys.csv', listed(i * 10, 60 + i * 10));
    }
    putData(at('orgA'), 'twice.csv', listed(0, 40, [3, 20, 21]));
    putData(at('orgB'), 'twice.csv', listed(10, 60, [20, 20, 45]));
    const psi = (file: string) => ({
      requester: keyed('orgA', file),
      provider: keyed('orgB', file),
    });
    const both = { result_receivers: ['orgA', 'orgB'] };
    await ran('ecdh', 2, client.submitPsiTask(psi('keys.csv')));
    const size = { ...psi('keys.csv'), output: 'size' as const };
    await ran('size', 2, client.submitPsiTask(size));
    const minimum = { ...psi('keys.csv'), ...both, privacy: { min_intersection: 5 } };
    await ran('minimum', 2, client.submitPsiTask(minimum));
    for (const [duplicates, join] of [
      ['first', 'full'],
      ['expand', 'full'],
      ['expand', 'difference'],
    ] as const) {
      const privacy = { duplicates };
      const request = { ...psi('twice.csv'), ...both, privacy, join, algo_type: 'RR22' } as const;
      await ran(`${duplicates} ${join}`, 2, client.submitPsiTask(request));
    }
    await ran(
      'labelled',
      2,
      client.submitLabeledPsiTask({
        requester: keyed('orgA', 'keys.csv'),
        provider: { ...keyed('orgB', 'keys.csv'), selected_columns: ['v'] },
      }),
    );
    await ran(
      'three keys',
      3,
      client.submitPsiTask({
        requester: keyed('orgA', 'keys.csv'),
        providers: [keyed('orgB', 'keys.csv'), keyed('orgC', 'keys.csv')],
        result_receivers: ['orgA', 'orgC'],
      }),
    );

    putPeople({ a: at('orgA'), b: at('orgB') }, { common: 400, apart: 50 });
    const linear = await ran('linear', 2, client.submitTrainTask(LINEAR));
    const split = { hyper_params: { epochs: 5, model_release: 'split' } };
    await ran('linear, split', 2, client.submitTrainTask({ ...LINEAR, ...split }));
    const { model_id } = await client.task(linear);
    const providers = LINEAR.data_providers.map(({ label_column: _, ...rest }) => rest);
    const predict = { data_providers: providers, model_id: model_id! };
    const predicted = { ...predict, result_receivers: ['orgA', 'orgB'] };
    await ran('linear scores', 2, client.submitPredictTask(predicted));

    for (const count of [2, 3]) {
      const file = `trees-${count}.csv`;
      putTables(nodes(count), file, 300, { widths: [2, 2, 2].slice(0, count) });
      const hyper = { num_trees: 4, max_depth: 3, num_bins: 8 };
      for (const receivers of [['orgA'], ['orgA', 'orgB']]) {
        const change = { result_receivers: receivers };
        const request = boostingRequest(nodes(count), file, hyper, change);
        const name = `trees of ${count} to ${receivers.length}`;
        const taskId = await ran(name, count, client.submitTrainTask(request));
        const { model_id: forest } = await client.task(taskId);
        const scored = {
          data_providers: request.data_providers.map(({ label_column: _, ...rest }) => rest),
          model_id: forest!,
          result_receivers: receivers,
        };
        await ran(`scores, ${name}`, count, client.submitPredictTask(scored));
      }
    }
  });

  it('is verified at every party, and every two agree', async () => {
    await Promise.all(nodes().map((node) => node.stop()));
    const problems: Record<string, readonly string[]> = {};
    for (const [name, { taskId, parties }] of tasks) {
      const { reports, receipts, ...found } = await verdictsOn(nodes(), taskId, folder.path);
      equal(reports.length, parties, name);
      ok(receipts > 0, name);
      for (const { story } of reports) ok(story!.results.size >= parties, name);
      if (found.problems.length > 0) problems[name] = found.problems;
    }
    deepEqual(problems, {});
  });

  it('is verified after nodes were killed, tasks cancelled and refused', async () => {
    await Promise.all(nodes().map((node) => node.start()));
    const { client } = at('orgA');
    putPeople({ a: at('orgA'), b: at('orgB') }, { common: 3000, apart: 50 });
    const long = { ...LINEAR, hyper_params: { epochs: 40 } };
    const killed = await client.submitTrainTask(long);
    for (const victim of [at('orgB'), at('orgA')]) {
      await trainingTask(at('orgA'), killed);
      await victim.stop('SIGKILL');
      await victim.start();
    }
    const cancelled = await (async () => {
      await endedTask(at('orgA'), killed);
      const taskId = await client.submitTrainTask(long);
      await trainingTask(at('orgA'), taskId);
      await client.cancelTask(taskId);
      return taskId;
    })();
    const failing = { ...LINEAR, hyper_params: { epochs: 5, learning_rate: 1e6, solver: 'sgd' } };
    const failed = await client.submitTrainTask(failing).catch(() => null);
    const given = [killed, cancelled, ...(failed ? [failed] : [])];
    for (const taskId of given) await endedTask(at('orgA'), taskId);
    const state = (await client.task(killed)).state;
    await Promise.all(nodes().map((node) => node.stop()));
    equal(state, 'completed');
    const problems: Record<string, readonly string[]> = {};
    for (const taskId of given) {
      const found = await verdictsOn(nodes(2), taskId, folder.path);
      if (found.problems.length > 0) problems[given.indexOf(taskId)] = found.problems;
    }
    deepEqual(problems, {});
  });
});

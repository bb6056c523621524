import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlone, type PredictFlags, predictRequest } from '../../../src/party/cli/predict.ts';
import { runInProcess, setHttpPort, withNode } from '../../support/cli-run.ts';
import { startFakeNode, taskView } from '../../support/fake-node.ts';

const FLAGS: PredictFlags = { model: 'model-1', data: ['bank=a.csv', 'shop=b.csv'], key: ['id'] };

describe('predict', () => {
  it('turns flags into the request of the HTTP interface', () => {
    deepEqual(predictRequest({ ...FLAGS, threshold: '0.25', receiver: ['shop'], purpose: 'x' }), {
      model_id: 'model-1',
      data_providers: [
        { name: 'bank', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
        { name: 'shop', data_path: 'b.csv', data_type: 'csv', key_column: 'id' },
      ],
      result_receivers: ['shop'],
      params: { threshold: 0.25 },
      purpose: 'x',
    });
    const plain = predictRequest(FLAGS) as Record<string, unknown>;
    deepEqual(plain.result_receivers, ['bank'], 'the first party');
    equal('params' in plain, false);
  });

  it('refuses flags that describe no prediction', () => {
    const { model: _, ...modelless } = FLAGS;
    const cases: [PredictFlags, RegExp][] = [
      [modelless, /the model and the parties/],
      [{ ...FLAGS, data: [] }, /the model and the parties/],
      [{ ...FLAGS, data: ['bank=a.csv:age'] }, /selects columns/],
      [{ ...FLAGS, threshold: '1.5' }, /is no probability/],
      [{ ...FLAGS, threshold: '' }, /is no probability/],
    ];
    for (const [flags, message] of cases) throws(() => predictRequest(flags), { exit: 2, message });
  });

  it('knows a model file from the id of a model', () => {
    equal(isAlone({ model: 'model.json', data: ['x.csv'] }), true);
    equal(isAlone({ model: 'model-1', data: ['x.csv'] }), false);
    equal(isAlone({ model: 'model.json', data: ['a=x.csv', 'b=y.csv'] }), false);
    equal(isAlone({ model: 'model.json', request: 'r.json', data: ['x.csv'] }), false);
  });

  it('copies the predictions where they were asked for, if this node receives them', async () => {
    await withNode(async (dir, config) => {
      const node = await startFakeNode();
      await setHttpPort(config, node.port);
      node.answers.set('POST /runModelPredictTask', { result: { task_id: 'ab' } });
      const view = taskView({ kind: 'predict', path: 'results/ab/predictions.csv', metrics: {} });
      const file = join(dir, 'results/ab/predictions.csv');
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, 'id,score\n1,0.5\n');
      const out = join(dir, 'scores.csv');
      const argv = [
        'predict',
        '--model',
        'model-1',
        '--data',
        'orgA=a.csv',
        '--data',
        'orgB=b.csv',
      ];
      const run = (...more: string[]) =>
        runInProcess([...argv, '--out', out, '--config', config, ...more]);

      node.events = [{ ...view, receivers: ['orgA'] }];
      const done = await run();
      equal(done.code, 0, done.err);
      equal(await readFile(out, 'utf8'), 'id,score\n1,0.5\n');
      match(done.out, new RegExp(`file +${file}\n`));

      const calls = node.calls.length;
      match((await run()).err, /scores\.csv exists\n.*--force/);
      equal((await run('--force', '--receiver', 'orgA', '--receiver', 'orgB')).code, 0);
      const submitted = node.calls.length;
      const elsewhere = await run('--force', '--receiver', 'orgB');
      equal(elsewhere.code, 2);
      match(elsewhere.err, /but orgB will receive the predictions/);
      deepEqual([submitted > calls, node.calls.length], [true, submitted], 'nothing was submitted');

      // A file that appears after the look, while the task runs.
      const accepted = node.answers.get('POST /runModelPredictTask')!;
      node.answers.set('POST /runModelPredictTask', {
        get result() {
          writeFileSync(out, 'of somebody else');
          return 'result' in accepted ? accepted.result : null;
        },
      });
      await rm(out);
      const late = await run();
      equal(late.code, 1);
      match(late.err, new RegExp(`the predictions are in ${file}`));
      equal(await readFile(out, 'utf8'), 'of somebody else');
      await node.close();
    });
  });
});

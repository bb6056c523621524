import { deepEqual, equal, match } from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelDocument } from '../../../src/party/models/model-document.ts';
import { runInProcess, withNode } from '../../support/cli-run.ts';

const MODEL: ModelDocument = {
  format: 'entente/model/v1',
  model_id: 'model-01jkh3v5qy8m2r4t6w8x0z1a3c',
  task_id: 'ab'.repeat(32),
  created_at: '2026-03-01T12:00:00.000Z',
  algorithm: 'logistic_regression',
  label: { party: 'orgA', column: 'y' },
  threshold: 0.5,
  open_bits: 16,
  metrics: {},
  features: [
    { party: 'orgA', column: 'age', weight: 1 },
    { party: 'orgB', column: 'x', weight: -2 },
  ],
  intercept: 0,
};

/** Runs `entente predict` with the model in a folder; no node runs. */
async function withModel(
  use: (
    dir: string,
    predict: (...argv: string[]) => ReturnType<typeof runInProcess>,
  ) => Promise<void>,
  model: object = MODEL,
): Promise<void> {
  await withNode(async (dir, config) => {
    await writeFile(join(dir, 'model.json'), JSON.stringify(model));
    const argv = ['predict', '--model', join(dir, 'model.json'), '--config', config];
    await use(dir, (...more) => runInProcess([...argv, ...more]));
  });
}

describe('predict alone', () => {
  it('writes scores and classes of every row, by key or by number', () =>
    withModel(async (dir, predict) => {
      await writeFile(join(dir, 'joined.csv'), 'id,age,x\na,2,1\nb,0,1\n');
      const out = join(dir, 'predictions.csv');
      const argv = ['--data', join(dir, 'joined.csv'), '--out', out];
      const done = await predict(...argv, '--key', 'id');
      equal(done.code, 0, done.err);
      equal(done.out, `The predictions of ${MODEL.model_id} are in ${out}\n`);
      const sigmoid = 1 / (1 + Math.exp(2));
      equal(await readFile(out, 'utf8'), `id,score,class\na,0.5,1\nb,${sigmoid},0\n`);
      const again = await predict(...argv, '--threshold', '0.1', '--force', '--json');
      deepEqual(again.json, { model_id: MODEL.model_id, out });
      equal(await readFile(out, 'utf8'), `row,score,class\n1,0.5,1\n2,${sigmoid},1\n`);
    }));

  it('says what to do about files that do not fit', () =>
    withModel(async (dir, predict) => {
      const file = (name: string) => join(dir, name);
      await writeFile(file('less.csv'), 'id,age\na,2\n');
      await writeFile(file('gap.csv'), 'id,age,x\na,2,\n');
      await writeFile(file('table'), 'id,age,x\na,2,1\n');
      const out = file('predictions.csv');
      const cases: [argv: string[], code: number, message: RegExp][] = [
        [['--data', file('none.csv'), '--out', out], 1, /there is no such file\n {2}\S/],
        [['--data', file('less.csv'), '--out', out], 1, /no column x\n {2}the file needs every/],
        [['--data', file('gap.csv'), '--out', out], 1, /row 1, column x/],
        [['--data', file('table'), '--out', out], 2, /tells no type\n {2}give --type/],
        [['--data', file('less.csv')], 2, /--out is missing/],
        [['--data', file('less.csv'), '--out', file('less.csv')], 1, /exists\n.*--force/],
      ];
      for (const [argv, code, message] of cases) {
        const result = await predict(...argv);
        equal(result.code, code, result.err);
        match(result.err, message);
      }
      equal((await predict('--data', file('table'), '--type', 'csv', '--out', out)).code, 0);
    }));

  it('sends who lacks the names of categories to a joint prediction', () =>
    withModel(
      async (dir, predict) => {
        await writeFile(join(dir, 'joined.csv'), 'city\nUlm\n');
        const argv = ['--data', join(dir, 'joined.csv'), '--out', join(dir, 'p.csv')];
        const { code, err } = await predict(...argv);
        equal(code, 1);
        match(err, /categories of orgB.*\n {2}submit a joint prediction/);
      },
      { ...MODEL, features: [{ party: 'orgB', column: 'city', level: 0, weight: 1 }] },
    ));

  it('refuses a model file that is none, and a part that is none', () =>
    withModel(async (dir, predict) => {
      await writeFile(join(dir, 'joined.csv'), 'age,x\n1,1\n');
      const argv = ['--data', join(dir, 'joined.csv'), '--out', join(dir, 'p.csv')];
      const part = join(dir, 'state/parts', MODEL.task_id);
      await mkdir(part, { recursive: true });
      await writeFile(join(part, 'model-part.json'), '{}');
      equal((await predict(...argv)).code, 1);
      await writeFile(join(dir, 'model.json'), '{}');
      const { code, err } = await predict(...argv);
      deepEqual([code, /export the model again/.test(err)], [1, true]);
      const missing = await runInProcess(['predict', '--model', 'none.json', ...argv]);
      match(missing.err, /none\.json does not exist\n.*model export/);
    }));
});

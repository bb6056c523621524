import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { runInProcess } from '../support/cli-run.ts';
import { endedTask, postTrain, putData, runningPair } from '../support/running-pair.ts';
import { csvText, scratchFolder } from '../support/scratch-folder.ts';
import { found } from '../support/secrets.ts';

const ROWS = 80;

/** Values that stand in the parties' files and must not stand in evidence. */
const KEYS = ['Kennwort-Sentinel-17', '哨兵-key-18'];
const LEVEL = 'Sentinel-Level';
const NUMBERS = [8461.527394, -0.000731946258, 90210.314159];
const PLANTED = [...KEYS, LEVEL, ...NUMBERS];

describe('e2e: evidence of a training', function () {
  this.timeout(120_000);
  const pair = runningPair();
  const folder = scratchFolder();
  let taskId = '';
  const path = (name: string): string => join(folder.path, name);
  const nodes = (): readonly Organisation[] => [pair.a, pair.b];
  const audit = (...argv: string[]) => runInProcess(['audit', ...argv]);
  const bundle = (node: Organisation): string => path(`${node.name}.jsonl`);

  async function exportBoth(...flags: string[]): Promise<void> {
    for (const node of nodes()) {
      const { code, err } = await audit(
        ...['export', '--task', taskId, '--out', bundle(node), '--force'],
        ...[...flags, '--config', node.config],
      );
      equal(code, 0, err);
    }
  }

  before('train, and stop the nodes', async () => {
    const key = (i: number): string => KEYS[i] ?? `key-${i}`;
    const own = (i: number) => [
      key(i),
      String(i === 0 ? NUMBERS[0] : 8000 + ((i * 37) % 101)),
      [LEVEL, 'x', 'y'][i % 3]!,
      String(i === 0 ? NUMBERS[2] : 90000 + ((i * 53) % 97)),
    ];
    const other = (i: number) => [
      key(i),
      String(i === 1 ? NUMBERS[1] : ((i * 29) % 83) / 1e5),
      [LEVEL, 'x', 'y'][Math.floor(i / 3) % 3]!,
    ];
    const rows = Array.from({ length: ROWS }, (_, i) => i);
    putData(pair.a, 'a.csv', csvText([['id', 'income', 'city', 'amount'], ...rows.map(own)]));
    putData(pair.b, 'b.csv', csvText([['id', 'rate', 'city'], ...rows.map(other).toReversed()]));
    const provider = (name: string, data_path: string, change: object = {}) => ({
      name,
      data_path,
      data_type: 'csv',
      key_column: 'id',
      discrete_cols: ['city'],
      ...change,
    });
    const trained = await postTrain(pair.a, {
      data_providers: [
        provider('orgA', 'a.csv', { label_column: 'amount' }),
        provider('orgB', 'b.csv'),
      ],
      result_receivers: ['orgB'],
      algorithm: 'linear_regression',
      metrics: ['rmse', 'r2'],
      hyper_params: { epochs: 5 },
    });
    equal(trained.status, 200, trained.msg);
    taskId = (JSON.parse(trained.result!.extra as string) as { task_id: string }).task_id;
    for (const node of nodes()) await endedTask(node, taskId);
    deepEqual(await Promise.all([pair.a.stop(), pair.b.stop()]), [0, 0]);
    for (const node of nodes()) {
      const { out } = await audit('keys', '--config', node.config);
      writeFileSync(path(`${node.name}.keys`), out);
    }
  });

  const trust = (): string[] => nodes().flatMap(({ name }) => ['--trust', path(`${name}.keys`)]);

  it('is verified at both parties, and reconciled', async () => {
    await exportBoth('--openings');
    for (const node of nodes()) {
      const { code, out, err } = await audit('verify', bundle(node), ...trust());
      equal(code, 0, `${out}${err}`);
      match(out, /VERIFIED: nothing is wrong/);
    }
    const [a, b] = [bundle(pair.a), bundle(pair.b)];
    const { code, out, err } = await audit('reconcile', a, b, ...trust());
    equal(code, 0, `${out}${err}`);
    match(out, /RECONCILED: both parties tell the same story/);
  });

  it('holds none of the parties’ values and keys', async () => {
    await exportBoth('--openings');
    const secrets = nodes().flatMap((node) =>
      ['identity.key', 'log.key'].flatMap((name) =>
        secretForms(join(node.directory, 'identity', name)),
      ),
    );
    for (const node of nodes()) {
      const bytes = readFileSync(bundle(node));
      deepEqual(found(bytes, [...PLANTED, ...secrets]), [], node.name);
      ok(found(bytes, [taskId]).length > 0, 'the scan finds what is there');
    }
  });
});

/** A private key as it may stand in a text. */
function secretForms(file: string): readonly string[] {
  const pem = readFileSync(file, 'utf8');
  const { d } = createPrivateKey(pem).export({ format: 'jwk' });
  const raw = Buffer.from(d!, 'base64url');
  return [raw.toString('hex'), raw.toString('base64'), d!, pem.split('\n')[1]!];
}

/**
 * Tasks of every kind on planted values, and a search for them in all evidence of both parties: records'
 * keys, features, labels, what the tasks computed of them, plain digests of any, and private keys.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import type { KeyedFields, TrainTaskRequest } from '../../src/sdk/node-client.ts';
import { runInProcess } from '../support/cli-run.ts';
import { exportEvidence } from '../support/running-evidence.ts';
import { keyed } from '../support/running-intersection.ts';
import { endedTask, putData, runningNodes } from '../support/running-pair.ts';
import { csvText, scratchFolder } from '../support/scratch-folder.ts';
import { found } from '../support/secrets.ts';

const NAMES = ['orgA', 'orgB'] as const;
const ROWS = 120;
const rows = Array.from({ length: ROWS }, (_, i) => i);

/** Every key and level has this in it. */
const MARK = 'Sentinel';
const key = (i: number): string => `${MARK}-Key-${i * 7919}`;
const level = (i: number): string => `${MARK}-Level-${i % 3}`;

/** Numbers of which none is like another, and none like what a program writes by itself. */
const planted = (i: number, column: number): number =>
  Math.round((1e3 * (column + 1) + 97.03137 * ((i * (37 + 2 * column)) % ROWS)) * 1e6) / 1e6 +
  0.000371 * (i + 1);
const bought = (i: number): number => Number((i * 37) % ROWS > 60);

const TABLE_A = csvText([
  ['id', 'income', 'city', 'amount', 'bought'],
  ...rows.map((i) => {
    const [income, amount] = [planted(i, 0), planted(i, 2)];
    return [key(i), String(income), level(i), String(amount), String(bought(i))];
  }),
]);
const TABLE_B = csvText([
  ['id', 'rate', 'city'],
  ...rows.toReversed().map((i) => [key(i), String(planted(i, 1)), level(i + 1)]),
]);
const NUMBERS = rows.flatMap((i) => [0, 1, 2].map((column) => planted(i, column)));

/** Labels of two values are found as a whole alone. */
const LABELS = [
  ...[rows, rows.toReversed()].flatMap((order) => {
    const bytes = Buffer.from(order.map(bought));
    return [bytes.toString('hex'), bytes.toString('base64'), [...bytes].join(','), packed(bytes)];
  }),
];

function packed(bits: Uint8Array): string {
  const bytes = Buffer.alloc(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) bytes[i >> 3]! |= bit << (i % 8);
  return bytes.toString('hex');
}

/** A private key as it may stand in a text. */
function secretForms(file: string): readonly string[] {
  const pem = readFileSync(file, 'utf8');
  const { d } = createPrivateKey(pem).export({ format: 'jwk' });
  const raw = Buffer.from(d!, 'base64url');
  return [raw.toString('hex'), raw.toString('base64'), d!, pem.split('\n')[1]!];
}

/** Numbers with a fraction that somebody computed: no counts, no codes. */
function computedIn(text: string): readonly number[] {
  return [...text.matchAll(/-?\d+\.\d{4,}(?:e[-+]?\d+)?/g)].map(([digits]) => Number(digits));
}

describe('e2e: what evidence does not hold', function () {
  this.timeout(600_000);
  const at = runningNodes(NAMES, {
    algorithms: ['psi/*', 'vertical/*', 'predict/*'],
    minimumMargin: 0,
  });
  const folder = scratchFolder();
  const nodes = (): readonly Organisation[] => NAMES.map(at);
  /** Tasks by what they are. */
  const tasks = new Map<string, string>();
  /** Metrics, weights, thresholds, scores: what receivers were given. */
  const computed: number[] = [];

  const training = (
    algorithm: NonNullable<TrainTaskRequest['algorithm']>,
    label: string,
    change: Partial<TrainTaskRequest>,
  ): TrainTaskRequest => ({
    data_providers: NAMES.map((name) => ({
      ...keyed(name, 'planted.csv'),
      select_columns: name === 'orgA' ? ['income', 'city'] : ['rate', 'city'],
      discrete_cols: ['city'],
      ...(name === 'orgA' && { label_column: label }),
    })),
    result_receivers: [...NAMES],
    algorithm,
    ...change,
  });

  async function ran(name: string, submitted: Promise<string>): Promise<string> {
    const taskId = await submitted;
    for (const node of nodes()) {
      const { state, error, metrics, path } = await endedTask(node, taskId);
      equal(state, 'completed', `${name}: ${error?.message}`);
      computed.push(...computedIn(JSON.stringify(metrics ?? {})));
      if (path && existsSync(join(node.directory, path)))
        computed.push(...computedIn(await node.result(path)));
    }
    tasks.set(name, taskId);
    return taskId;
  }

  before('run a task of each kind, and stop the nodes', async () => {
    putData(at('orgA'), 'planted.csv', TABLE_A);
    putData(at('orgB'), 'planted.csv', TABLE_B);
    const { client } = at('orgA');
    const source = (name: string): KeyedFields => keyed(name, 'planted.csv');
    const pair = { requester: source('orgA'), provider: source('orgB') };
    for (const algo_type of ['ECDH', 'RR22'] as const) {
      await ran(algo_type, client.submitPsiTask({ ...pair, algo_type }));
    }
    await ran('size', client.submitPsiTask({ ...pair, output: 'size' }));
    await ran(
      'labelled',
      client.submitLabeledPsiTask({
        ...pair,
        provider: { ...source('orgB'), selected_columns: ['rate', 'city'] },
      }),
    );
    for (const [name, request] of [
      [
        'logistic regression',
        training('logistic_regression', 'bought', {
          metrics: ['auc'],
          hyper_params: { epochs: 5 },
        }),
      ],
      [
        'linear regression',
        training('linear_regression', 'amount', {
          metrics: ['rmse', 'r2'],
          hyper_params: { epochs: 5 },
        }),
      ],
      [
        'boosted trees',
        training('xgboost', 'amount', {
          metrics: ['rmse'],
          hyper_params: {
            ...{ objective: 'reg:squarederror', num_trees: 3, max_depth: 3, num_bins: 8 },
          },
        }),
      ],
    ] as const) {
      const taskId = await ran(name, client.submitTrainTask(request));
      const { model_id } = await client.task(taskId);
      const data_providers = request.data_providers.map(({ label_column: _, ...rest }) => rest);
      const predict = { data_providers, model_id: model_id!, result_receivers: [...NAMES] };
      await ran(`${name}, scores`, client.submitPredictTask(predict));
    }
    deepEqual(await Promise.all(nodes().map((node) => node.stop())), [0, 0]);
  });

  it('is none of the parties’ values, nor of what was computed from them, nor a key', async () => {
    equal(tasks.size, 10);
    ok(computed.length > 3 * ROWS, `${computed.length} numbers were computed`);
    const secrets = nodes().flatMap((node) => [
      ...['identity/identity.key', 'state/log.key'].flatMap((file) =>
        secretForms(join(node.directory, file)),
      ),
      node.token,
      readFileSync(join(node.directory, 'data', 'planted.csv')).toString(),
    ]);
    const sought = [MARK, ...rows.map(key), ...NUMBERS, ...LABELS, ...secrets, ...computed];
    const distinct = [...new Set(sought)];
    for (const node of nodes()) {
      const all = join(folder.path, `${node.name}-all.jsonl`);
      const { code, err } = await runInProcess([
        ...['audit', 'export', '--all', '--out', all, '--config', node.config],
      ]);
      equal(code, 0, err);
      deepEqual(found(readFileSync(all), distinct), [], `${node.name}, the whole log`);
      for (const [name, taskId] of tasks) {
        const file = await exportEvidence(node, taskId, folder.path, '--openings');
        const bytes = readFileSync(file!);
        deepEqual(found(bytes, distinct), [], `${node.name}, ${name}`);
        deepEqual(found(bytes, [taskId]), [taskId], 'the search finds what is there');
      }
    }
  });

  it('would be found in a file that holds it', () => {
    const table = readFileSync(join(at('orgA').directory, 'data', 'planted.csv'));
    deepEqual(found(table, [MARK, key(5), planted(3, 0), planted(7, 2)]).length, 4);
    deepEqual(found(table, [planted(3, 1)]), []);
    const entry = join(folder.path, 'entry');
    for (const leaked of [
      JSON.stringify({ rows: [planted(3, 1)] }),
      Buffer.from(Float64Array.of(planted(3, 1)).buffer).toString('hex'),
    ]) {
      writeFileSync(entry, leaked);
      deepEqual(found(readFileSync(entry), [planted(3, 1)]), [planted(3, 1)], leaked);
    }
  });
});

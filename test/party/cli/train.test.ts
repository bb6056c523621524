import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TrainFlags, trainRequest } from '../../../src/party/cli/train.ts';
import { parseTrainRequest } from '../../../src/party/http/train-request.ts';
import { type CliRun, type CliRunOptions, runInProcess } from '../../support/cli-run.ts';
import { type FakeNode, runningView, startFakeNode, taskView } from '../../support/fake-node.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const FLAGS: TrainFlags = {
  data: ['bank=clients.csv', 'partner=dataset:customers:age,city'],
  key: ['id'],
  label: 'bank:defaulted',
};
const ARGV = [
  'train',
  ...['--data', 'bank=clients.csv', '--data', 'partner=customers.csv'],
  ...['--key', 'id', '--label', 'bank:defaulted'],
];
const ID = 'ab'.repeat(32);

describe('train', () => {
  let node: FakeNode;
  beforeEach(async () => {
    node = await startFakeNode();
    node.answers.set('POST /runModelTrainTask', { result: { task_id: ID } });
    node.events = [runningView(35), taskView()];
  });
  afterEach(() => node.close());
  const run = (argv: readonly string[], options: CliRunOptions = {}): Promise<CliRun> =>
    runInProcess([...argv, '--url', node.url, '--token', 'entente_t'], options);

  it('takes any number of parties and XGBoost’s names', () => {
    const body = trainRequest({
      ...FLAGS,
      data: ['bank=clients.csv', 'partner=customers.csv', 'lab=cases.parquet'],
      algorithm: 'xgboost',
      param: ['n_estimators=30', 'max_depth=3', 'objective=binary:logistic'],
    });
    const request = parseTrainRequest(body);
    deepEqual(
      request.providers.map(({ name, type }) => [name, type]),
      [
        ['bank', 'csv'],
        ['partner', 'csv'],
        ['lab', 'parquet'],
      ],
    );
    deepEqual(request.hyper, { num_trees: 30, max_depth: 3, objective: 'binary:logistic' });
    deepEqual([request.algorithm, request.warnings], ['xgboost', []]);
  });

  it('turns flags into the request of the HTTP interface', () => {
    deepEqual(
      trainRequest({
        ...FLAGS,
        discrete: ['partner:city'],
        algorithm: 'lr',
        param: ['epochs=20', 'loss=mse'],
        metrics: 'auc,ks',
        release: 'split',
        receiver: ['bank', 'partner'],
        purpose: 'credit scoring',
        duplicates: 'first',
        minimumIntersection: '100',
      }),
      {
        data_providers: [
          {
            name: 'bank',
            data_path: 'clients.csv',
            data_type: 'csv',
            key_column: 'id',
            label_column: 'defaulted',
          },
          {
            name: 'partner',
            data_path: 'dataset:customers',
            data_type: 'csv',
            key_column: 'id',
            select_columns: ['age', 'city'],
            discrete_cols: ['city'],
          },
        ],
        result_receivers: ['bank', 'partner'],
        algorithm: 'lr',
        hyper_params: { epochs: 20, loss: 'mse', model_release: 'split' },
        metrics: ['auc', 'ks'],
        purpose: 'credit scoring',
        privacy: { duplicates: 'first', minimum_intersection: 100 },
      },
    );
    const plain = trainRequest(FLAGS) as Record<string, unknown>;
    deepEqual(plain.result_receivers, ['bank'], 'the label holder');
    deepEqual(Object.keys(plain), ['data_providers', 'result_receivers', 'hyper_params']);
  });

  it('refuses flags that describe no training', () => {
    const cases: [Partial<TrainFlags>, RegExp][] = [
      [{ data: [] }, /the label are missing/],
      [{ label: 'other:y' }, /--label names other/],
      [{ label: 'y' }, /--label y/],
      [{ discrete: ['other:y'] }, /--discrete names other/],
      [{ metrics: 'auc,' }, /empty entry/],
      [{ minimumIntersection: 'many' }, /--minimum-intersection many/],
    ];
    for (const [change, message] of cases) {
      const error = { name: 'CliError', exit: 2, message };
      throws(() => trainRequest({ ...FLAGS, ...change }), error, String(message));
    }
    const { label: _, ...unlabelled } = FLAGS;
    throws(() => trainRequest(unlabelled), { exit: 2 });
  });

  it('submits, waits and prints the metrics', async () => {
    const { code, out, err, shown } = await run(ARGV);
    equal(code, 0, err);
    deepEqual([err, shown], ['', ''], 'without a terminal there is no bar');
    equal(
      out,
      `Task ${ID}
  completed in 21 s
  model      model-1
  receivers  bank
  file       results/${ID}/model.json

  auc  0.7172
  ks   -

  warning  depth is not known; ignored
`,
    );
    const [call] = node.calls;
    deepEqual([call!.method, call!.path, call!.token], ['POST', '/runModelTrainTask', 'entente_t']);
    equal((call!.body as { async: boolean }).async, true);
  });

  it('shows a bar on a terminal, and never with --json', async () => {
    const shown = await run(ARGV, { terminal: true });
    equal(shown.code, 0);
    match(shown.shown, /35 % {2}training {2}7\/20 {2}3\.4 MB\/s {2}95 s left/);
    const json = await run(['--json', ...ARGV], { terminal: true });
    equal(json.shown, '');
    deepEqual(json.json, { ...taskView() });
  });

  it('takes the whole request from a file or standard input', async () => {
    await withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'request.json');
      await writeFile(file, '{"purpose": "x"}');
      equal((await run(['train', '--request', file])).code, 0);
      deepEqual(node.calls[0]!.body, { purpose: 'x', async: true });
      equal((await run(['train', '--request', '-'], { input: '{"purpose": "y"}' })).code, 0);
    });
  });

  it('with --detach prints the id of the task and does not wait', async () => {
    const { code, out } = await run([...ARGV, '--detach']);
    deepEqual([code, out], [0, `${ID}\n`]);
    deepEqual((await run([...ARGV, '--detach', '--json'])).json, { task_id: ID });
    equal(node.calls.length, 2);
  });

  it('when interrupted lets the task go on and says how to follow it', async () => {
    node.hang = true;
    node.events = [runningView(35)];
    let stop: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const running = run(ARGV, { stopped, terminal: true });
    while (!node.calls.some(({ path }) => path.endsWith('/events'))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    stop();
    const { code, out, err } = await running;
    deepEqual([code, out], [130, '']);
    match(err, new RegExp(`task watch ${ID}.*task cancel ${ID}`));
    equal(
      node.calls.some(({ path }) => path.endsWith('/cancel')),
      false,
    );
  });

  it('tells apart why a task did not complete', async () => {
    const failed = (code: string, message: string) =>
      taskView({ state: 'failed', error: { status: 500, code, message } });
    const cases: [string, number, RegExp][] = [
      ['REFUSED', 3, /its policy\.yaml/],
      ['UNREACHABLE', 4, /peer list/],
      ['FAILED', 1, /task show/],
      ['DATASET_UNUSABLE', 1, /data list/],
    ];
    for (const [code, exit, hint] of cases) {
      node.events = [failed(code, 'partner said no')];
      const result = await run(ARGV);
      equal(result.code, exit, code);
      match(result.err, new RegExp(`error: task ${ID} failed: partner said no\n`));
      match(result.err, hint);
      const json = JSON.parse((await run([...ARGV, '--json'])).err) as { error: { code: string } };
      equal(json.error.code, code);
    }
    const error = { status: 500, code: 'CANCELLED', message: 'by a person at partner' };
    node.events = [taskView({ state: 'cancelled', error })];
    match((await run(ARGV)).err, /cancelled: by a person at partner/);
  });

  it('says what to do when the node refuses the request or is away', async () => {
    node.answers.set('POST /runModelTrainTask', { status: 400, msg: 'metrics[0] must be one of' });
    const refused = await run(ARGV);
    deepEqual([refused.code, refused.err.split('\n')[0]], [1, 'error: metrics[0] must be one of']);
    node.answers.set('POST /runModelTrainTask', { status: 401, msg: 'the token is not valid' });
    match((await run(ARGV)).err, /--token/);
    await node.close();
    const away = await run(ARGV);
    equal(away.code, 4);
    match(away.err, /no node answers at .*\n {2}start it with "entente node"/);
  });
});

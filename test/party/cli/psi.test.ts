import { deepEqual, doesNotMatch, equal, match, throws } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PsiFlags, psiRequest } from '../../../src/party/cli/psi.ts';
import { parseLabeledPsiRequest, parsePsiRequest } from '../../../src/party/http/psi-request.ts';
import { runInProcess } from '../../support/cli-run.ts';
import { startFakeNode, taskView } from '../../support/fake-node.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const FLAGS: PsiFlags = { data: ['bank=a.csv', 'shop=b.parquet'], key: ['id', 'shop:customer'] };
const REQUESTER = { name: 'bank', data_path: 'a.csv', data_type: 'csv', key_column: 'id' };
const PROVIDER = {
  name: 'shop',
  data_path: 'b.parquet',
  data_type: 'parquet',
  key_column: 'customer',
};
const TASK = 'ab'.repeat(32);

describe('psi', () => {
  it('turns flags into the request of the HTTP interface', () => {
    deepEqual(psiRequest(FLAGS), { requester: REQUESTER, provider: PROVIDER });
    const all: PsiFlags = {
      ...FLAGS,
      receiver: ['shop', 'bank'],
      engine: 'ecdh',
      join: 'full',
      output: 'rows',
      purpose: 'overlap',
      duplicates: 'expand',
      minimumIntersection: '10',
    };
    deepEqual(psiRequest(all), {
      algo_type: 'ecdh',
      requester: REQUESTER,
      provider: PROVIDER,
      result_receivers: ['shop', 'bank'],
      output: 'rows',
      join: 'full',
      purpose: 'overlap',
      privacy: { duplicates: 'expand', minimum_intersection: 10 },
    });
    const three = { ...FLAGS, data: [...FLAGS.data!, 'lab=dataset:cases'], key: ['last', 'born'] };
    const key_column = ['last', 'born'];
    deepEqual(psiRequest(three), {
      requester: { ...REQUESTER, key_column },
      providers: [
        { ...PROVIDER, key_column },
        { name: 'lab', data_path: 'dataset:cases', data_type: 'csv', key_column },
      ],
    });
    deepEqual(psiRequest({ ...FLAGS, select: ['age,town', 'since'] }), {
      requester: REQUESTER,
      provider: { ...PROVIDER, selected_columns: ['age', 'town', 'since'] },
    });
  });

  it('makes requests that the HTTP interface takes without a warning', () => {
    const strictly = (flags: PsiFlags) => ({ ...psiRequest(flags), strict: true });
    const { receivers } = parsePsiRequest(strictly({ ...FLAGS, output: 'size' }));
    deepEqual(receivers, ['bank', 'shop']);
    for (const engine of ['auto', 'rr22', 'ecdh']) parsePsiRequest(strictly({ ...FLAGS, engine }));
    const { providers } = parseLabeledPsiRequest(strictly({ ...FLAGS, select: ['age'] }));
    deepEqual(providers[1]!.payload, ['age']);
  });

  it('refuses flags that describe no intersection', () => {
    const { key: _, ...keyless } = FLAGS;
    const three = [...FLAGS.data!, 'lab=c.csv'];
    const cases: [PsiFlags, RegExp][] = [
      [{ ...FLAGS, data: ['bank=a.csv'] }, /two or more parties/],
      [keyless, /two or more parties/],
      [{ ...FLAGS, data: ['bank=a.csv:age', 'shop=b.csv'] }, /selects columns/],
      [{ ...FLAGS, receiver: ['bank', 'other'] }, /--receiver names other/],
      [{ ...FLAGS, data: three, select: ['age'] }, /--select is for two parties/],
      [{ ...FLAGS, select: ['age,,town'] }, /empty entry/],
      [{ ...FLAGS, engine: 'DH2' }, /^--engine DH2 is not known$/],
      [{ ...FLAGS, join: 'outer' }, /^--join outer is not known$/],
      [{ ...FLAGS, output: 'count' }, /^--output count is not known$/],
    ];
    for (const [flags, message] of cases) throws(() => psiRequest(flags), { exit: 2, message });
  });

  it('submits, waits and says where the result is', async () => {
    const node = await startFakeNode();
    node.answers.set('POST /runPSITask', { result: { task_id: TASK } });
    const path = `results/${TASK}/intersection.csv`;
    node.events = [taskView({ kind: 'psi', model_id: null, path, type: 'csv', metrics: {} })];
    const argv = ['psi', '--data', 'bank=a.csv', '--data', 'shop=b.csv', '--key', 'id'];
    const { code, out } = await runInProcess([...argv, '--url', node.url]);
    equal(code, 0);
    match(out, new RegExp(`file +${path}\n`));
    await node.close();
  });

  it('says how many are common where that alone was asked for', async () => {
    const node = await startFakeNode();
    node.answers.set('POST /runPSITask', { result: { task_id: TASK } });
    const extra = '{"intersection_size":24}';
    const view = taskView({
      kind: 'psi',
      model_id: null,
      path: null,
      type: null,
      extra,
      metrics: {},
    });
    node.events = [view];
    const argv = ['psi', '--data', 'bank=a.csv', '--data', 'shop=b.csv', '--key', 'id'];
    const counted = await runInProcess([...argv, '--output', 'size', '--url', node.url]);
    equal(counted.code, 0, counted.err);
    match(counted.out, /common records {2}24\n/);
    doesNotMatch(counted.out, /file/);
    const json = await runInProcess([...argv, '--output', 'size', '--json', '--url', node.url]);
    deepEqual(json.json, view);
    deepEqual((node.calls[0]!.body as { output?: string }).output, 'size');
    await node.close();
  });

  it('asks for columns by the operation that tells them, by flags or by a file', () =>
    withTemporaryDirectory(async (directory) => {
      const node = await startFakeNode();
      node.answers.set('POST /runLabeledPSITask', { result: { task_id: TASK } });
      const argv = ['psi', '--data', 'bank=a.csv', '--data', 'shop=b.csv', '--key', 'id'];
      const flags = await runInProcess([...argv, '--select', 'age', '--detach', '--url', node.url]);
      deepEqual([flags.code, flags.out], [0, `${TASK}\n`]);
      const file = join(directory, 'request.json');
      await writeFile(file, JSON.stringify(psiRequest({ ...FLAGS, select: ['age'] })));
      const whole = await runInProcess(['psi', '--request', file, '--detach', '--url', node.url]);
      deepEqual([whole.code, whole.out], [0, `${TASK}\n`]);
      await node.close();
    }));

  it('ends with the code of a refusal, and says who refused', async () => {
    const node = await startFakeNode();
    node.answers.set('POST /runPSITask', { result: { task_id: TASK } });
    const error = { status: 500, code: 'REFUSED', message: 'shop refused the task' };
    node.events = [taskView({ kind: 'psi', state: 'failed', error, metrics: null })];
    const argv = ['psi', '--data', 'bank=a.csv', '--data', 'shop=b.csv', '--key', 'id'];
    const { code, err } = await runInProcess([...argv, '--url', node.url]);
    equal(code, 3);
    match(err, /shop refused the task/);
    await node.close();
  });

  it('explains itself', async () => {
    const { code, out } = await runInProcess(['psi', '--help']);
    equal(code, 0);
    const flags = ['data', 'key', 'select', 'join', 'output', 'engine', 'duplicates', 'receiver'];
    for (const flag of flags) match(out, new RegExp(`--${flag} <`), flag);
    match(out, /reject, first, or\s+expand/);
  });
});

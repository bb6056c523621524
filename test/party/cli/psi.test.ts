import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { psiRequest } from '../../../src/party/cli/psi.ts';
import type { TaskFlags } from '../../../src/party/cli/train.ts';
import { runInProcess } from '../../support/cli-run.ts';
import { startFakeNode, taskView } from '../../support/fake-node.ts';

const FLAGS: TaskFlags = { data: ['bank=a.csv', 'shop=b.parquet'], key: ['id', 'shop:customer'] };
const SIDES = {
  requester: { name: 'bank', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
  provider: { name: 'shop', data_path: 'b.parquet', data_type: 'parquet', key_column: 'customer' },
};

describe('psi', () => {
  it('turns flags into the request of the HTTP interface', () => {
    deepEqual(psiRequest(FLAGS), { algo_type: 'DH', ...SIDES, result_recv_type: 1 });
    const both = { ...FLAGS, receiver: ['shop', 'bank'], purpose: 'overlap', duplicates: 'first' };
    deepEqual(psiRequest(both), {
      algo_type: 'DH',
      ...SIDES,
      result_recv_type: 2,
      purpose: 'overlap',
      privacy: { duplicates: 'first' },
    });
  });

  it('refuses flags that describe no intersection', () => {
    const { key: _, ...keyless } = FLAGS;
    const cases: [TaskFlags, RegExp][] = [
      [{ ...FLAGS, data: ['bank=a.csv'] }, /two parties/],
      [keyless, /two parties/],
      [{ ...FLAGS, data: ['bank=a.csv:age', 'shop=b.csv'] }, /selects columns/],
      [{ ...FLAGS, receiver: ['shop'] }, /leaves out bank/],
      [{ ...FLAGS, receiver: ['bank', 'other'] }, /--receiver names other/],
    ];
    for (const [flags, message] of cases) throws(() => psiRequest(flags), { exit: 2, message });
  });

  it('submits, waits and says where the result is', async () => {
    const node = await startFakeNode();
    node.answers.set('POST /runPSITask', { result: { task_id: 'ab'.repeat(32) } });
    const path = `results/${'ab'.repeat(32)}/intersection.csv`;
    node.events = [taskView({ kind: 'psi', model_id: null, path, type: 'csv', metrics: {} })];
    const argv = ['psi', '--data', 'bank=a.csv', '--data', 'shop=b.csv', '--key', 'id'];
    const { code, out } = await runInProcess([...argv, '--url', node.url]);
    equal(code, 0);
    match(out, new RegExp(`file +${path}\n`));
    await node.close();
  });
});

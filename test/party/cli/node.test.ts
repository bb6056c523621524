import { deepEqual, equal } from 'node:assert/strict';
import type { RunningNode } from '../../../src/party/cli/command.ts';
import { runInProcess } from '../../support/cli-run.ts';

describe('node command', () => {
  it('runs until it is asked to end, and stops what it started', async () => {
    const calls: string[] = [];
    const startNode = async (path: string): Promise<RunningNode> => {
      calls.push(`start ${path}`);
      return {
        listening: { http: 'http://127.0.0.1:8080' },
        stop: async () => void calls.push('stop'),
      };
    };
    const stopped = Promise.resolve();
    const argv = ['node', '--config', 'a.yaml'];
    const { code, out } = await runInProcess(argv, { startNode, stopped });
    equal(code, 0);
    equal(out, 'http: http://127.0.0.1:8080\n');
    deepEqual(calls, ['start a.yaml', 'stop']);
    const json = await runInProcess([...argv, '--json'], { startNode, stopped });
    deepEqual(json.json, { listening: { http: 'http://127.0.0.1:8080' } });
  });

  it('says why it did not start', async () => {
    const failed = await runInProcess(['node', '--json']);
    deepEqual([failed.code, failed.out], [1, '']);
    const { error } = JSON.parse(failed.err) as { error: { code: string; message: string } };
    deepEqual([error.code, error.message], ['FAILED', 'no node in this test']);
  });
});

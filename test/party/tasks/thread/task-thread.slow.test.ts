import { ok } from 'node:assert/strict';
import { runInThread } from '../../../../src/party/tasks/thread/task-thread.ts';
import { memoryLinkPair } from '../../../../src/protocols/memory-channel.ts';
import { NO_SPILL, TASK_ID, trainingContract } from '../../../support/training-pair.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

const MIB = 2 ** 20;

describe('task threads one after the other', () => {
  it('leave memory as it was, two hundred times', async () => {
    const contract = { ...trainingContract(), purpose: 'makes a file' };
    const [link] = memoryLinkPair();
    const host = {
      link: () => ({ link, deriveKey: () => new Uint8Array(0) }),
      loadDataset: () => Promise.reject(new Error('no rows here')),
      loadModel: () => Promise.reject(new Error('no model here')),
      ledger: recordingLedger(),
      saveCheckpoint: () => {},
      progress: { phase: () => {}, step: () => {} },
    };
    const job = {
      contract,
      taskId: TASK_ID,
      self: 'orgA',
      resume: null,
      psiWorkers: 1,
      spill: NO_SPILL,
    };
    const worker = new URL('../../../support/task-thread-process.js', import.meta.url);
    const resident: number[] = [];
    for (let i = 0; i < 250; i++) {
      await runInThread(
        { ...job, memoryLimitBytes: 256 * MIB },
        host,
        new AbortController().signal,
        { worker },
      );
      resident.push(process.memoryUsage.rss() / MIB);
    }
    const growth = resident.at(-1)! - Math.max(...resident.slice(20, 50));
    ok(growth < 50, `${growth.toFixed(0)} MiB in 200 tasks`); // a thread takes some 10, its file 1
  });
});

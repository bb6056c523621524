import { deepEqual, match } from 'node:assert/strict';
import type { PsiTaskRequest } from '../../src/sdk/node-client.ts';
import { otherTaskWorker } from '../support/other-task-worker.ts';
import { intersected, intersectionEnd, keyed } from '../support/running-intersection.ts';
import { putData, runningNodes } from '../support/running-pair.ts';

const NAMES = ['orgA', 'orgB', 'orgC'] as const;
const TIMEOUT_SEC = 20;

describe('e2e: peers that say nothing more', function () {
  this.timeout(300_000);
  const at = runningNodes(NAMES, {
    algorithms: ['psi/*'],
    env: {
      ...otherTaskWorker('./odd-task-process.js'),
      ENTENTE_TASKS_CONCURRENT: '8',
      ENTENTE_TASKS_TIMEOUT_SEC: String(TIMEOUT_SEC),
    },
  });

  before(() => {
    for (const name of NAMES) putData(at(name), 'keys.csv', 'id\nk1\nk2\n');
  });

  it('fail their tasks everywhere once these have taken as long as they may', async () => {
    const request: PsiTaskRequest = {
      requester: keyed('orgA', 'keys.csv'),
      providers: [keyed('orgB', 'keys.csv'), keyed('orgC', 'keys.csv')],
      result_receivers: [...NAMES],
    };
    const nodes = NAMES.map(at);
    await Promise.all(
      [
        'orgB deviates at HintSeed: never',
        'orgA deviates at CommonItems: never',
        'orgC deviates at Rr22SenderHello: never',
        'orgC ends',
      ].map(async (purpose) => {
        const taskId = await at('orgA').client.submitPsiTask({ ...request, purpose });
        for (const node of nodes) {
          const { view, file } = await intersectionEnd(node, taskId);
          deepEqual([view.state, file], ['failed', null], purpose);
          match(view.error!.message, /^org[ABC]: the task took longer/, purpose);
        }
      }),
    );
    const ends = await intersected(nodes, request);
    for (const { extra } of ends) deepEqual(extra.intersection_size, 2);
  });
});

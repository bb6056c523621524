import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LabeledPsiTaskRequest, PsiTaskRequest } from '../../src/sdk/node-client.ts';
import { otherTaskWorker } from '../support/other-task-worker.ts';
import {
  type IntersectionEnd,
  intersected,
  intersectionEnd,
  keyed,
  submitted,
} from '../support/running-intersection.ts';
import { eventually, putData, runningNodes } from '../support/running-pair.ts';
import { csvText } from '../support/scratch-folder.ts';

const NAMES = ['orgA', 'orgB', 'orgC'] as const;

/** What a node may grow by: a message of 8 MiB, copies of it, and the kernels of four tasks at once. */
const MOST_MB = 400;

const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);

describe('e2e: peers that do not keep to the protocol', function () {
  this.timeout(120_000);
  const at = runningNodes(NAMES, {
    algorithms: ['psi/*'],
    env: { ...otherTaskWorker('./odd-task-process.js'), ENTENTE_TASKS_CONCURRENT: '4' },
  });

  const path = 'keys.csv';
  const two = { requester: keyed('orgA', path), provider: keyed('orgB', path) };
  const three = {
    requester: keyed('orgA', path),
    providers: [keyed('orgB', path), keyed('orgC', path)],
    result_receivers: [...NAMES],
  };
  const labelled: LabeledPsiTaskRequest = {
    ...two,
    provider: { ...two.provider, selected_columns: ['note'] },
  };
  const ecdh: PsiTaskRequest = { ...two, algo_type: 'DH', result_recv_type: 2 };
  const rr22: PsiTaskRequest = { ...two, algo_type: 'RR22', result_recv_type: 2 };

  const nodesOf = (request: PsiTaskRequest) =>
    (request.providers ? NAMES : NAMES.slice(0, 2)).map(at);

  before(() => {
    for (const [i, name] of NAMES.entries()) {
      const rows = range(60, 10 * i).map((key) => [key, `note of ${key}`]);
      putData(at(name), path, csvText([['id', 'note'], ...rows]));
    }
  });

  /** The task fails at every party, for one reason, and leaves nothing. */
  async function fails(request: PsiTaskRequest, purpose: string, reason: RegExp): Promise<void> {
    const nodes = nodesOf(request);
    const taskId = await submitted(nodes[0]!, { ...request, purpose });
    const ends = await Promise.all(nodes.map((node) => intersectionEnd(node, taskId)));
    for (const [i, { view, file }] of ends.entries()) {
      const what = `${purpose}, at ${nodes[i]!.name}: ${view.error?.message}`;
      equal(view.state, 'failed', what);
      match(view.error!.message, reason, what);
      equal(view.error!.message, ends[0]!.view.error!.message, what);
      equal(file, null, what);
      for (const folder of ['results', 'state/checkpoints', 'state/spill']) {
        ok(!existsSync(join(nodes[i]!.directory, folder, taskId)), `${what}: ${folder}`);
      }
    }
  }

  async function worksAsEver(): Promise<void> {
    const [ofTwo, ofThree] = await Promise.all([
      intersected(nodesOf(labelled), labelled),
      intersected(nodesOf(three), three),
    ]);
    const keys = ({ file }: IntersectionEnd): string[] => file!.records.map(([key]) => key!);
    deepEqual(keys(ofTwo[0]!), range(50, 10));
    for (const end of ofThree) deepEqual(keys(end).sort(), range(40, 20));
  }

  const malformed = (party: string): RegExp =>
    new RegExp(`^${party}: the protocol ended: MALFORMED_MESSAGE$`);

  it('fail their tasks at every party with the reason, and harm nothing else', async () => {
    await worksAsEver();
    const before = await Promise.all(NAMES.map((name) => at(name).peakRssMb()));
    const pids = NAMES.map((name) => at(name).pid);
    await Promise.all([
      fails(ecdh, 'orgB deviates at EcdhPsiSenderSize: most', malformed('orgA')),
      fails(ecdh, 'orgA deviates at EcdhPsiPoints: another', /^orgB: .*: UNEXPECTED_MESSAGE$/),
      fails(rr22, 'orgB deviates at VoleTrees: long', malformed('orgA')),
      fails(rr22, 'orgA deviates at Rr22Correction: huge', malformed('orgB')),
      fails(rr22, 'orgA deviates at MatchedPositions: noise', malformed('orgB')),
      fails(labelled, 'orgB deviates at LabelledRecords: short', malformed('orgA')),
      fails(three, 'orgC deviates at HintSlots: long', malformed('orgA')),
      fails(three, 'orgA deviates at CommonItems: noise', malformed('org[BC]')),
      fails(rr22, 'orgB deviates at Rr22Masks: stop', /^orgB: the node could not go on; its log/),
      fails(three, 'orgC exits', /^orgC: the thread of the task ended: it exited with code 3$/),
    ]);
    await worksAsEver();
    const after = await Promise.all(NAMES.map((name) => at(name).peakRssMb()));
    for (const [i, name] of NAMES.entries()) {
      ok(after[i]! - before[i]! < MOST_MB, `${name} grew from ${before[i]} to ${after[i]} MB`);
      equal(at(name).pid, pids[i], 'the same process');
    }
  });

  it('and say nothing more, or say that they are ready, can be waited for no longer', async () => {
    for (const [purpose, phase] of [
      ['orgB deviates at Rr22Masks: never', 'aligning'],
      ['orgB ends', 'aligning'],
    ] as const) {
      const taskId = await submitted(at('orgA'), { ...rr22, purpose });
      await eventually(`${purpose} to be under way`, async () => {
        const view = await at('orgA').client.task(taskId);
        return view.phase === phase && view.attempt === 1;
      });
      await at('orgA').client.cancelTask(taskId);
      for (const node of nodesOf(rr22)) {
        const { view } = await intersectionEnd(node, taskId);
        deepEqual([view.state, view.error!.message], ['cancelled', 'cancelled by orgA'], purpose);
      }
    }
    await worksAsEver();
  });
});

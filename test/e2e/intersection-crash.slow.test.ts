import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { seededGenerator } from '../../src/ml/data/random.ts';
import type { PsiTaskRequest, TaskView } from '../../src/sdk/node-client.ts';
import { cutEvery, type FlakyProxy, startProxy } from '../support/flaky-proxy.ts';
import { otherTaskWorker } from '../support/other-task-worker.ts';
import { intersected, intersectionEnd, keyed } from '../support/running-intersection.ts';
import { eventually, putData, runningNodes } from '../support/running-pair.ts';
import { csvText } from '../support/scratch-folder.ts';

const NAMES = ['orgA', 'orgB', 'orgC'] as const;

const ROWS = 120_000;
const COMMON = 70_000;
const BUCKETS = 24;
const KILLS = 50;

/** No further node is killed after so long. */
const KILLING_MS = 360_000;

const CUTS = 6;
const CUT_EVERY_BYTES = 1_500_000;

const REQUEST: PsiTaskRequest = {
  requester: keyed('orgA', 'many.csv'),
  provider: keyed('orgB', 'many.csv'),
  algo_type: 'RR22',
  result_recv_type: 2,
  purpose: `in ${BUCKETS} buckets`,
};

const { provider: _, ...terms } = REQUEST;
const OF_THREE: PsiTaskRequest = {
  ...terms,
  providers: [keyed('orgB', 'many.csv'), keyed('orgC', 'many.csv')],
};

const keyOf = (i: number): string => `customer-${i}`;

function table(from: number): string {
  const keys = Array.from({ length: ROWS }, (_, i) => [keyOf(from + ((i * 7919) % ROWS))]);
  return csvText([['id'], ...keys]);
}

describe('e2e: set intersections in buckets', function () {
  this.timeout(1_200_000);
  const at = runningNodes(NAMES, {
    algorithms: ['psi/*'],
    env: {
      ...otherTaskWorker('./odd-task-process.js'),
      ENTENTE_TASKS_PEER_TIMEOUT_SEC: '60',
      ENTENTE_TASKS_SPILL_BYTES: '1MiB',
    },
  });
  const expected = Array.from({ length: COMMON }, (_, i) => keyOf(ROWS - COMMON + i)).sort();

  before(() => {
    putData(at('orgA'), 'many.csv', table(0));
    putData(at('orgB'), 'many.csv', table(ROWS - COMMON));
    putData(at('orgC'), 'many.csv', table(ROWS - COMMON)); // no other records are common to three
  });

  const two = (): readonly Organisation[] => [at('orgA'), at('orgB')];
  const three = (): readonly Organisation[] => NAMES.map(at);

  /** Both have the common records and no other, in one order. */
  function checkFiles(nodes: readonly Organisation[], taskId: string, what: string): void {
    const [a, ...others] = nodes.map(({ directory }) =>
      readFileSync(join(directory, 'results', taskId, 'intersection.csv'), 'utf8'),
    );
    ok(
      others.every((file) => file === a),
      `${what}: the files differ`,
    );
    const [header, ...lines] = a!.trimEnd().split('\n');
    equal(header, 'id');
    deepEqual(lines.sort(), expected, what);
  }

  /** Nothing of an ended task is left but its result. */
  function checkNothingLeft(
    nodes: readonly Organisation[],
    taskId: string,
    completed: boolean,
    what: string,
  ): void {
    for (const { directory, name } of nodes) {
      equal(existsSync(join(directory, 'results', taskId)), completed, `${what}: ${name}`);
      for (const folder of ['checkpoints', 'spill', 'staging']) {
        ok(!existsSync(join(directory, 'state', folder, taskId)), `${what}: ${name} has ${folder}`);
      }
    }
  }

  /** Buckets after which a node has saved in an attempt: those that are on its disk now. */
  function saved({ directory }: Organisation, taskId: string, attempt: number): number[] {
    const folder = join(directory, 'state', 'checkpoints', taskId);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .map((file) => /^(\d+)-(\d+)\.bin$/.exec(file))
      .flatMap((found) => (found && Number(found[1]) === attempt ? [Number(found[2])] : []))
      .sort((x, y) => x - y);
  }

  for (const [victim, n] of [
    ['orgA', 2],
    ['orgB', 2],
    ['orgA', 3],
    ['orgC', 3],
  ] as const) {
    it(`go on after the last bucket that all have when ${victim} of ${n} is killed`, async () => {
      const nodes = n === 2 ? two() : three();
      const taskId = await at('orgA').client.submitPsiTask(n === 2 ? REQUEST : OF_THREE);
      const newest = (node: Organisation, attempt: number): number =>
        saved(node, taskId, attempt).at(-1) ?? 0;
      await eventually('some buckets', async () => nodes.every((node) => newest(node, 1) > 5));
      await at(victim).stop('SIGKILL');
      const killedAt = newest(at(victim), 1);
      let [common, first] = [killedAt, 0];
      const resumed = eventually('the next attempt', async () => {
        for (const node of nodes) {
          if (newest(node, 1) > 0) common = Math.min(common, newest(node, 1));
          first ||= saved(node, taskId, 2)[0] ?? 0;
        }
        return first > 0;
      });
      await at(victim).start();
      await resumed;
      equal(first, common + 1);
      for (const node of nodes) {
        const { view, extra } = await intersectionEnd(node, taskId);
        equal(view.state, 'completed', view.error?.message);
        equal(extra.attempts, 2);
      }
      checkFiles(nodes, taskId, `after ${first}`);
      checkNothingLeft(nodes, taskId, true, `after ${first}`);
    });
  }

  it(`end with the right files, or alike without, after ${KILLS} kills at random moments`, async () => {
    const start = Date.now();
    await intersected(two(), REQUEST);
    const usualMs = Date.now() - start;
    const next = seededGenerator(2028);
    const counts = { completed: 0, failed: 0, resumed: 0 };
    for (let kill = 0; kill < KILLS && Date.now() - start < KILLING_MS; kill++) {
      const [victim, other] = next() % 2 === 0 ? two() : two().toReversed();
      if (!victim || !other) return;
      const moment = Math.floor(((next() % 1000) / 1000) * 1.1 * usualMs);
      const what = `kill ${kill} of ${victim.name} after ${moment} of ${usualMs} ms`;
      const taskId = await at('orgA').client.submitPsiTask(REQUEST);
      await new Promise((resolve) => setTimeout(resolve, moment));
      await victim.stop('SIGKILL');
      await victim.start();
      const ends = [await outcome(victim, taskId), await outcome(other, taskId)];
      const views = ends.filter((view) => view !== null);
      ok(views.length > 0, what);
      const completed = views[0]!.state === 'completed';
      for (const view of views) {
        equal(view.state === 'completed', completed, `${what}: the parties differ`);
        if (!completed) match(view.error!.message, /\w+: \w+/, what);
      }
      counts[completed ? 'completed' : 'failed'] += 1;
      counts.resumed += Number(completed && views[0]!.attempt > 1);
      checkNothingLeft(two(), taskId, completed, what);
      if (completed) checkFiles(two(), taskId, what);
    }
    ok(counts.completed > counts.failed, JSON.stringify(counts));
    ok(counts.resumed > 0, JSON.stringify(counts));
    const [end] = await intersected(two(), REQUEST);
    equal(end!.view.attempt, 1, 'a new task works');
  });

  describe('over connections that are cut', () => {
    let proxies: FlakyProxy[] = [];

    before(async () => {
      const own = two();
      proxies = await Promise.all(own.map(({ grpc }) => startProxy(Number(grpc.split(':')[1]))));
      for (const [i, node] of own.entries()) {
        const peer = own[1 - i]!;
        await node.cli('peer', 'remove', peer.name);
        await node.trust(peer, `127.0.0.1:${proxies[1 - i]!.port}`);
        await node.stop();
        await node.start();
      }
    });
    after(() => Promise.all(proxies.map((proxy) => proxy.close())));

    it(`find the same in one attempt, cut ${CUTS} times`, async () => {
      const cuts = cutEvery(proxies, CUT_EVERY_BYTES, CUTS);
      const [a, b] = await intersected(two(), REQUEST);
      equal(cuts(), CUTS);
      deepEqual([a!.extra.attempts, b!.extra.attempts], [1, 1]);
      checkFiles(two(), a!.view.task_id, 'cut');
    });
  });

  it('find one record among 1 000 000, either way', async () => {
    const many = Array.from({ length: 1_000_000 }, (_, i) => [keyOf(i)]);
    putData(at('orgA'), 'million.csv', csvText([['id'], ...many]));
    putData(at('orgB'), 'one.csv', csvText([['id'], [keyOf(654_321)]]));
    for (const receivers of [['orgA'], ['orgB']]) {
      const ends = await intersected(two(), {
        requester: keyed('orgA', 'million.csv'),
        provider: keyed('orgB', 'one.csv'),
        result_receivers: receivers,
      });
      for (const [i, { file }] of ends.entries()) {
        const receives = receivers.includes(two()[i]!.name);
        deepEqual(file?.records ?? null, receives ? [[keyOf(654_321)]] : null);
      }
    }
  });

  /** What the node shows at the end, or nothing if it never heard of an agreed task. */
  async function outcome(node: Organisation, taskId: string): Promise<TaskView | null> {
    return eventually(`an outcome of ${taskId} at ${node.name}`, async () => {
      const view = await node.client.task(taskId).catch((error: unknown) => error);
      if (view instanceof Error) return 'status' in view && view.status === 404 ? null : undefined;
      const { state } = view as TaskView;
      const ended = ['completed', 'failed', 'cancelled'].includes(state);
      return ended ? (view as TaskView) : undefined;
    });
  }
});

import { deepEqual, equal, match } from 'node:assert/strict';
import {
  leftNothing,
  ORGS,
  resultOf,
  running,
  states,
  untilTheLinkBreaks,
  withEngines,
} from '../../support/engine-network.ts';

describe('an agreed task', function () {
  this.timeout(30_000);

  it('makes another attempt when a link breaks, from the newest common checkpoint', () =>
    withEngines(async (net) => {
      const resumed: (number | null)[] = [];
      net.program = async (job, host, signal) => {
        resumed.push(job.resume?.step ?? null);
        if (resumed.length > 4) return resultOf(job, host);
        const first = resumed.length > 2 ? 100 : 10;
        const last = job.self === 'orgA' ? first + 10 : first; // orgA is ahead
        for (let step = first; step <= last; step += 10) {
          host.saveCheckpoint({ step, bytes: new Uint8Array([step]) });
          await net.at(job.self).checkpoints.settled(job.taskId);
        }
        return untilTheLinkBreaks(job, host, signal);
      };
      const taskId = await net.submit();
      for (const attempt of [1, 2]) {
        await running(net, taskId, attempt);
        net.sessions.breakOff('orgB');
      }
      const views = await net.ended(taskId);
      deepEqual(states(views), ['completed', undefined, 'completed', undefined]);
      deepEqual([resumed, views[0].attempt], [[null, null, 10, 10, 100, 100], 3]);
      await leftNothing(net);
    }));

  it('is not decided by a party whose peer has yet to prepare its result', () =>
    withEngines(async (net) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let full = true;
      net.program = async (job, host) => {
        if (job.self === 'orgB' && full) {
          await held;
          full = false;
          return { ...resultOf(job, host), file: { name: '../no file', chunks: [] } };
        }
        return resultOf(job, host);
      };
      const taskId = await net.submit();
      await net.until('the result at orgA', async () => {
        return (await net.at('orgA').results.find(taskId)) !== null;
      });
      for (let i = 0; i < 20; i++) await net.clock.advance(1000);
      equal((await net.at('orgA').node.records.find(taskId))!.state, 'committed');
      release(); // what orgB has cannot be kept
      const [a, b] = await net.ended(taskId);
      deepEqual([a.state, b.state], ['failed', 'failed']);
      await leftNothing(net);
    }));

  it('gives up when attempts break again and again without progress', () =>
    withEngines(async (net) => {
      let runs = 0;
      net.program = async (job, host, signal) => {
        runs++;
        setImmediate(() => net.sessions.breakOff('orgA'));
        return untilTheLinkBreaks(job, host, signal);
      };
      const taskId = await net.submit();
      const hasEnded = async () => (await net.view('orgA', taskId)).finishedAt !== null;
      await net.until('the end', hasEnded, 500); // with growing pauses
      const [a, b] = await net.ended(taskId);
      deepEqual([a.state, b.state, runs], ['failed', 'failed', 32]);
      match(a.error!.message, /16 attempts broke without progress/);
    }));

  it('fails when a peer stays away for too long, and that peer learns it when it is back', () =>
    withEngines(
      async (net) => {
        net.program = untilTheLinkBreaks;
        const taskId = await net.submit();
        await running(net, taskId);
        net.kill('orgB');
        await net.until('the end at orgA', async () => {
          return (await net.view('orgA', taskId)).finishedAt !== null;
        });
        const { state, error } = await net.view('orgA', taskId);
        deepEqual([state, error!.code], ['failed', 'UNREACHABLE']);
        match(error!.message, /^orgA: orgB could not be reached for \d+ s/);
        await net.start('orgB');
        const [, b] = await net.ended(taskId);
        equal(b.state, 'failed');
        match(b.error!.message, /^orgA: orgB could not be reached/);
        await leftNothing(net);
      },
      { peerTimeoutMs: 5000 },
    ));

  it('gives turns in one order, though the nodes hear of tasks in another', () =>
    withEngines(
      async (net) => {
        const ended: string[] = [];
        for (const name of ORGS) {
          net.at(name).board.subscribe(({ type, view }) => {
            if (type === 'end') ended.push(view.taskId);
          });
        }
        const ids: string[] = [];
        // The youngest first: each older one sends it back unless it has met its peer.
        for (const second of [3, 2, 1, 0]) {
          ids.push(
            await net.submit({
              createdAt: new Date(net.clock.now() - 1000 + second).toISOString(),
            }),
          );
        }
        for (const taskId of ids) {
          deepEqual(states(await net.ended(taskId)), [
            'completed',
            undefined,
            'completed',
            undefined,
          ]);
        }
        equal(ended.length, 8);
        await leftNothing(net);
      },
      { concurrent: 1 },
    ));
});

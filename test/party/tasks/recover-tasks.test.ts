import { deepEqual, equal, match } from 'node:assert/strict';
import {
  CALLER,
  leftNothing,
  ORGS,
  resultOf,
  running,
  states,
  untilTheLinkBreaks,
  withEngines,
} from '../../support/engine-network.ts';

describe('tasks of an earlier process', function () {
  this.timeout(30_000);

  for (const name of ORGS) {
    it(`goes on after ${name} was killed, with what is on its disk`, () =>
      withEngines(async (net) => {
        net.program = untilTheLinkBreaks;
        const taskId = await net.submit();
        await running(net, taskId);
        net.kill(name);
        await net.start(name);
        await running(net, taskId, 2);
        net.program = async (job, host) => resultOf(job, host);
        net.sessions.breakOff(name);
        deepEqual(states(await net.ended(taskId)), [
          'completed',
          undefined,
          'completed',
          undefined,
        ]);
        await leftNothing(net);
      }));
  }

  it('stops without a word of failure, and goes on when it is started again', () =>
    withEngines(async (net) => {
      net.program = untilTheLinkBreaks;
      const taskId = await net.submit();
      await running(net, taskId);
      await net.at('orgB').engine.stop();
      net.kill('orgB');
      equal((await net.view('orgA', taskId)).state, 'running');
      net.program = async (job, host) => resultOf(job, host);
      await net.start('orgB');
      deepEqual(states(await net.ended(taskId)), ['completed', undefined, 'completed', undefined]);
    }));

  it('is cancelled though the process is killed at once', () =>
    withEngines(async (net) => {
      net.program = untilTheLinkBreaks;
      const taskId = await net.submit();
      await running(net, taskId);
      const { engine, mortal } = net.at('orgA');
      mortal.dieAt(mortal.writes.length, 'after'); // the row that says `stopping`
      void engine.cancel(taskId, CALLER);
      await mortal.died;
      await net.start('orgA');
      const reason = 'cancelled by orgA';
      deepEqual(states(await net.ended(taskId)), ['cancelled', reason, 'cancelled', reason]);
    }));

  it('cancels at a restart what a person had cancelled before it was agreed', () =>
    withEngines(async (net) => {
      net.asks.add('orgB');
      const taskId = await net.submit();
      await net.until('the question', async () => {
        return (await net.view('orgB', taskId))?.awaitsApproval === true;
      });
      const { engine, mortal } = net.at('orgB');
      mortal.dieAt(mortal.writes.length, 'after'); // the row that says so
      void engine.cancel(taskId, CALLER);
      await mortal.died;
      await net.start('orgB');
      const reason = 'cancelled by orgB';
      deepEqual(states(await net.ended(taskId)), ['cancelled', reason, 'cancelled', reason]);
    }));

  it('ends at a restart what was not agreed', () =>
    withEngines(async (net) => {
      net.asks.add('orgB');
      const taskId = await net.submit();
      await net.until('the question', async () => {
        return (await net.view('orgB', taskId))?.awaitsApproval === true;
      });
      net.kill('orgB');
      await net.start('orgB');
      equal((await net.view('orgB', taskId)).state, 'pending', 'it waits on');
      net.kill('orgA');
      await net.start('orgA');
      const views = await net.ended(taskId);
      deepEqual([views[0].state, views[1].state], ['failed', 'failed']);
      match(views[1].error!.message, /^orgA: the initiator restarted$/);
    }));
});

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskView } from '../../../src/party/tasks/task-view.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';
import {
  CALLER,
  type EngineNetwork,
  meetPeer,
  resultOf,
  withEngines,
} from '../../support/engine-network.ts';

const ORGS = ['orgA', 'orgB'] as const;

/** A program that runs until it is told to stop, or its link breaks. */
const untilTheLinkBreaks: EngineNetwork['program'] = async (job, host, signal) => {
  host.progress.phase('training');
  await meetPeer(job, host);
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    const peer = job.self === 'orgA' ? 'orgB' : 'orgA';
    host.link(peer).link.receive('never').catch(reject);
  });
};

async function running(net: EngineNetwork, taskId: string, attempt = 1): Promise<void> {
  await net.until(`attempt ${attempt} of ${taskId}`, async () => {
    const views = await Promise.all(ORGS.map((name) => net.view(name, taskId)));
    return views.every((view) => view?.phase === 'training' && view.attempt >= attempt);
  });
}

function states(views: readonly TaskView[]): (string | undefined)[] {
  return views.flatMap(({ state, error }) => [state, error?.message]);
}

/** Nothing of a task is left but its row, its record and its result. */
async function leftNothing(net: EngineNetwork): Promise<void> {
  for (const name of ORGS) {
    const { checkpoints, mortal } = net.at(name);
    await net.until('nothing to be left', async () => {
      const staged = ['staging', 'results/.staged'].flatMap((folder) => {
        const path = join(net.folder(name), folder);
        return existsSync(path) ? readdirSync(path) : [];
      });
      const rows = await mortal.store.table('results').list();
      return staged.length + rows.length + (await checkpoints.tasks()).length === 0;
    });
  }
  equal(net.sessions.active(), 0);
}

describe('task engine', function () {
  this.timeout(30_000);

  it('brings a task to its result at every party', () =>
    withEngines(async (net) => {
      const seen: string[] = [];
      net.at('orgB').board.subscribe(({ type, view }) => {
        if (type !== 'progress') seen.push(`${view.state}/${view.phase}`);
      });
      const taskId = await net.submit();
      const [a, b] = await net.ended(taskId);
      deepEqual([a.state, b.state, a.attempt, b.attempt], ['completed', 'completed', 1, 1]);
      const { modelId, path, type, metrics, extra } = a.outcome!;
      deepEqual([path, type, metrics], [`results/${taskId}/scores.csv`, 'csv', { auc: 0.75 }]);
      deepEqual(
        [extra.algorithm_from, extra.aligned_rows, extra.attempts, extra.bytes_sent],
        ['test', 7, 1, { orgA: 100, orgB: 100 }],
      );
      deepEqual([b.outcome!.modelId, b.outcome!.metrics], [modelId, {}]);
      match(String(b.outcome!.extra.metrics_withheld), /orgB is not a receiver/);
      ok(existsSync(join(net.folder('orgA'), 'results', taskId, 'scores.csv')));
      deepEqual(
        await Promise.all(
          ORGS.map(async (name) => (await net.at(name).models.list()).map(({ kind }) => kind)),
        ),
        [['model', 'part'], ['part']],
      );
      for (const name of ORGS) {
        const { records } = net.at(name).node;
        equal((await records.find(taskId))!.state, 'finished');
        const receipts = await records.receipts(taskId, 1);
        deepEqual(
          receipts.map(({ body }) => body.signer),
          ['orgA', 'orgB'],
        );
      }
      deepEqual(seen.slice(-3), ['running/queued', 'running/publishing', 'completed/done']);
      await leftNothing(net);
    }));

  it('ends a task at both parties with the reason of the one that failed', () =>
    withEngines(async (net) => {
      net.program = async (job, host) => {
        await meetPeer(job, host);
        if (job.self === 'orgB') throw new ProtocolError('OUT_OF_DOMAIN', 'beyond the domain');
        const { link } = host.link('orgB');
        await link.receive('never');
        return resultOf(job);
      };
      const taskId = await net.submit();
      const reason = 'orgB: beyond the domain';
      deepEqual(states(await net.ended(taskId)), ['failed', reason, 'failed', reason]);
      await leftNothing(net);
      const { engine } = net.at('orgA');
      await rejects(engine.cancel(taskId, CALLER), { code: 'CONFLICT', message: /has failed/ });
      await rejects(engine.cancel('00'.repeat(32), CALLER), { code: 'NOT_FOUND' });
      await rejects(engine.approve(taskId, CALLER), { code: 'CONFLICT' });
    }));

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

  it('ends a task that takes too long at both parties', () =>
    withEngines(
      async (net) => {
        net.program = untilTheLinkBreaks;
        const taskId = await net.submit();
        const views = await net.ended(taskId);
        deepEqual([views[0].state, views[1].state], ['failed', 'failed']);
        match(views[0].error!.message, /^org[AB]: the task took longer than 5 s$/);
      },
      { timeoutMs: 5000 },
    ));

  for (const by of ORGS) {
    it(`is cancelled by ${by} while it runs, at both parties`, () =>
      withEngines(async (net) => {
        net.program = untilTheLinkBreaks;
        const taskId = await net.submit();
        await running(net, taskId);
        const { engine } = net.at(by);
        equal((await engine.cancel(taskId, CALLER)).state, 'stopping');
        await engine.cancel(taskId, CALLER).catch(() => undefined); // on its way
        const reason = `cancelled by ${by}`;
        deepEqual(states(await net.ended(taskId)), ['cancelled', reason, 'cancelled', reason]);
        equal((await engine.cancel(taskId, CALLER)).state, 'cancelled');
        await leftNothing(net);
      }));

    it(`is cancelled by ${by} while it waits for a person, its turn or its peer`, () =>
      withEngines(
        async (net) => {
          net.program = untilTheLinkBreaks;
          const first = await net.submit();
          await running(net, first);
          const waits = await net.submit();
          await net.until('its turn', async () => {
            const views = await Promise.all(ORGS.map((name) => net.view(name, waits)));
            return views.every((view) => view?.phase === 'queued');
          });
          await net.at(by).engine.cancel(waits, CALLER);
          const reason = `cancelled by ${by}`;
          deepEqual(states(await net.ended(waits)), ['cancelled', reason, 'cancelled', reason]);

          net.asks.add('orgB');
          const asked = await net.submit();
          await net.until('the question', async () => {
            return (await net.view('orgB', asked))?.awaitsApproval === true;
          });
          await net.at(by).engine.cancel(asked, CALLER);
          deepEqual(states(await net.ended(asked)), ['cancelled', reason, 'cancelled', reason]);
          equal((await net.view('orgA', first)).state, 'running');
        },
        { concurrent: 1 },
      ));
  }

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

  it('is not cancelled once its result is prepared: the other may have published', () =>
    withEngines(async (net) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      net.program = async (job, host) => {
        if (job.self === 'orgB') await held;
        return resultOf(job, host);
      };
      const taskId = await net.submit();
      await net.until('the result at orgA', async () => {
        return (await net.at('orgA').results.find(taskId)) !== null;
      });
      const late = { code: 'CONFLICT', message: /too late/ };
      await rejects(net.at('orgA').engine.cancel(taskId, CALLER), late);
      // orgB has promised nothing yet: it may.
      await net.at('orgB').engine.cancel(taskId, CALLER);
      release();
      const reason = 'cancelled by orgB';
      deepEqual(states(await net.ended(taskId)), ['cancelled', reason, 'cancelled', reason]);
      await leftNothing(net);
      equal(existsSync(join(net.folder('orgA'), 'results', taskId)), false);
    }));

  it('waits for a person where the policy asks', () =>
    withEngines(async (net) => {
      net.asks.add('orgB');
      const taskId = await net.submit();
      await net.until('the question', async () => {
        return (await net.view('orgB', taskId))?.awaitsApproval === true;
      });
      const { engine } = net.at('orgB');
      await engine.approve(taskId, CALLER);
      await rejects(engine.approve(taskId, CALLER), { code: 'CONFLICT' });
      const views = await net.ended(taskId);
      deepEqual(states(views), ['completed', undefined, 'completed', undefined]);
      equal(views[1].awaitsApproval, false);
    }));

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

  it('runs a task of this node alone, and forgets it with its process', () =>
    withEngines(async (net) => {
      const head = { kind: 'predict', algorithm: 'logistic_regression', purpose: 'x' } as const;
      const notes = { warnings: [], reason: 'model' };
      let hold = new Promise<void>(() => undefined);
      net.local = {
        head,
        notes,
        modelId: 'model-1',
        run: async (_taskId, progress, signal) => {
          progress.phase('evaluating');
          const cancelled = new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => resolve());
          });
          await Promise.race([hold, cancelled]);
          const file = { name: 'predictions.csv', chunks: [new Uint8Array([65])] };
          return { model: null, part: null, file, metrics: null, extra: { rows: 1 } };
        },
      };
      const { engine } = net.at('orgA');
      const submit = async () => engine.submit({ kind: 'predict', request: {} } as never, CALLER);
      const cancelled = await submit();
      await net.until('it to run', () => cancelled.view().phase === 'evaluating');
      await engine.cancel(cancelled.taskId, CALLER);
      await rejects(cancelled.done, { code: 'CANCELLED' });
      const left = await submit();
      await net.until('it to run', () => left.view().phase === 'evaluating');
      net.kill('orgA');
      await net.start('orgA');
      const view = await net.view('orgA', left.taskId);
      deepEqual(
        [view.state, view.error!.message],
        ['failed', 'orgA: the node was stopped while the task ran'],
      );
      hold = Promise.resolve();
      const { done, taskId } = await net.at('orgA').engine.submit({} as never, CALLER);
      const outcome = await done;
      deepEqual(
        [outcome.modelId, outcome.path, outcome.extra.rows],
        ['model-1', `results/${taskId}/predictions.csv`, 1],
      );
      await leftNothing(net);
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

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { EntryKind } from '../../../src/party/audit/entry.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';
import {
  CALLER,
  type EngineNetwork,
  leftNothing,
  meetPeer,
  ORGS,
  resultOf,
  running,
  states,
  untilTheLinkBreaks,
  withEngines,
} from '../../support/engine-network.ts';
import type { MemoryTrail } from '../../support/memory-trail.ts';
import type { TestAudit } from '../../support/test-audit.ts';

/** What a party's audit log has of a kind: tasks and bodies, in order. */
function recorded(
  net: EngineNetwork,
  name: string,
  kind: EntryKind,
): readonly (readonly [string | null, unknown])[] {
  const trail = net.at(name).node.audit.trail as MemoryTrail;
  return trail.of(kind).map(({ task, body }) => [task, body]);
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
      deepEqual(recorded(net, 'orgB', 'error'), [
        [taskId, { source: 'protocol', code: 'OUT_OF_DOMAIN', party: 'orgB' }],
      ]);
      deepEqual(recorded(net, 'orgA', 'error'), []);
      for (const name of ORGS) {
        const [end] = recorded(net, name, 'refusal');
        deepEqual(end, [taskId, { party: 'orgB', from: 'orgB', step: 'run', code: 'aborted' }]);
        const [[, closed]] = recorded(net, name, 'session_closed') as [[string, { code: string }]];
        equal(typeof closed.code, 'string', 'not in order');
      }
      await net.until('logs that are shown at the end', () =>
        ORGS.every((name, i) => {
          const { shown } = net.at(name).node.audit as TestAudit;
          const end = [taskId, ORGS[1 - i], 'end'].join();
          return shown.some((args) => args.join() === end);
        }),
      );
      const { engine } = net.at('orgA');
      await rejects(engine.cancel(taskId, CALLER), { code: 'CONFLICT', message: /has failed/ });
      await rejects(engine.cancel('00'.repeat(32), CALLER), { code: 'NOT_FOUND' });
      await rejects(engine.approve(taskId, CALLER), { code: 'CONFLICT' });
    }));

  it('ends a failed task at both parties though the disk was full at first', () =>
    withEngines(async (net) => {
      const { mortal, logged } = net.at('orgB');
      net.program = async (job, host) => {
        await meetPeer(job, host);
        if (job.self === 'orgA') return host.link('orgB').link.receive('never') as never;
        mortal.full = true;
        throw new ProtocolError('OUT_OF_DOMAIN', 'beyond the domain');
      };
      const taskId = await net.submit();
      await net.until('the failure', () => logged.some((line) => line.includes('not kept yet')));
      equal((await net.view('orgA', taskId)).state, 'running');
      mortal.full = false;
      const reason = 'orgB: beyond the domain';
      deepEqual(states(await net.ended(taskId)), ['failed', reason, 'failed', reason]);
      await leftNothing(net);
    }));

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
        const actor = { via: 'http', id: CALLER.id };
        for (const name of ORGS) {
          const asked = recorded(net, name, 'cancellation');
          ok(asked.length > 0 && asked.every(([task]) => task === taskId), name);
          const byCaller = asked.some(([, body]) => isDeepStrictEqual(body, { party: by, actor }));
          equal(byCaller, name === by, name);
          deepEqual(recorded(net, name, 'error'), []);
        }
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
      const actor = { via: 'http', id: CALLER.id };
      const yes = { action: 'task_approved', actor, subject: null, role: null, digest: null };
      deepEqual(recorded(net, 'orgB', 'administration'), [[taskId, yes]]);
    }));
});

import { deepEqual, equal, rejects } from 'node:assert/strict';
import { CALLER, leftNothing, withEngines } from '../../support/engine-network.ts';

describe('a task of one node', function () {
  this.timeout(30_000);

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

  it('is over at a full disk, and the node is not', () =>
    withEngines(async (net) => {
      net.local = {
        head: { kind: 'predict', algorithm: 'logistic_regression', purpose: 'x' },
        notes: { warnings: [], reason: 'model' },
        modelId: 'model-1',
        run: async () => {
          net.at('orgA').mortal.full = true;
          throw new Error('beyond reason');
        },
      };
      const { engine, logged } = net.at('orgA');
      const { taskId } = await engine.submit({ kind: 'predict', request: {} } as never, CALLER);
      await net.until('its end', () => logged.some((line) => line.includes('task not kept')));
      await net.start('orgA');
      equal((await net.view('orgA', taskId)).state, 'failed');
      await leftNothing(net);
    }));
});

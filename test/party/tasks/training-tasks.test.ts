import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { type AgreedTask, proposeContract } from '../../../src/party/consensus/initiator.ts';
import { abortTask } from '../../../src/party/consensus/task-end.ts';
import { SessionError } from '../../../src/party/errors.ts';
import { parseTrainRequest } from '../../../src/party/http/train-request.ts';
import { createLog } from '../../../src/party/log.ts';
import { ModelRegistry } from '../../../src/party/models/model-registry.ts';
import { declareAlgorithms } from '../../../src/party/tasks/declaration.ts';
import { taskBoard } from '../../../src/party/tasks/task-board.ts';
import type { TaskView } from '../../../src/party/tasks/task-view.ts';
import { type TrainingTasks, trainingTasks } from '../../../src/party/tasks/training-tasks.ts';
import { memoryAttempts } from '../../../src/party/transport/attempts.ts';
import type { Session, SessionOptions } from '../../../src/party/transport/session.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { lost, type Network, withNetwork } from '../../support/consensus-network.ts';
import { DECLARATION } from '../../support/contracts.ts';
import { eventually } from '../../support/running-pair.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';
import { kernels } from '../../support/training-pair.ts';

type OpenSession = (options: SessionOptions) => Promise<Session>;

interface Setting {
  readonly network: Network;
  /** orgA's engine; its sessions are the test's. */
  readonly tasks: TrainingTasks;
  /** A task that orgB proposed and both agreed to. */
  readonly agree: () => Promise<AgreedTask>;
  readonly ended: (taskId: string) => Promise<TaskView>;
  readonly logged: string[];
}

async function withTasks(
  openSession: OpenSession,
  use: (setting: Setting) => Promise<void>,
): Promise<void> {
  await withNetwork(['orgB', 'orgA'], async (network) => {
    const { node, store, datasets } = network.at('orgA');
    const logged: string[] = [];
    const now = () => network.clock.now;
    const tasks = trainingTasks({
      // The fake declaration is for the sample contract alone.
      consensus: { ...node, declare: declareAlgorithms(DECLARATION.implementation) },
      implementation: DECLARATION.implementation,
      contractLifetimeSec: 600,
      datasets: {
        columns: () => datasets.columns(),
        describe: (draft, conditions) => datasets.describe(draft, conditions),
        identity: (terms) => datasets.identity(terms),
        verify: (contract, owner) => datasets.verify(contract, owner),
        reading: () => Promise.reject(new Error('not reached')),
        load: () => Promise.reject(new Error('not reached')),
      },
      models: new ModelRegistry({ results: '/nowhere', parts: '/nowhere' }, { store }),
      findTrained: async () => null,
      board: taskBoard(store, now),
      store,
      attempts: memoryAttempts(),
      openSession: (_terms, options) => openSession(options),
      kernels,
      curve: toyCurveEngine(),
      sessionTimeoutMs: 1000,
      log: createLog(
        { level: 'debug', pretty: false, node: 'orgA' },
        { write: (line) => logged.push(line) },
      ),
      rng: systemRng,
    });
    await use({
      network,
      tasks,
      logged,
      agree: () => proposeContract(network.at('orgB').node, network.contract()),
      ended: (taskId) =>
        eventually('the end of the task', async () => {
          const view = await tasks.find(taskId, CALLER);
          return view?.finishedAt ? view : undefined;
        }),
    });
    await tasks.stop();
  });
}

/** Waits for the signal, as a session that the peer never opens. */
const neverOpens: OpenSession = ({ signal }) =>
  new Promise((_, reject) => {
    const cancel = (): void => reject(new SessionError('CANCELLED', 'waiting was cancelled'));
    signal!.addEventListener('abort', cancel);
    if (signal!.aborted) cancel();
  });

const request = (change: object = {}) => ({
  kind: 'train' as const,
  request: parseTrainRequest({
    data_providers: [
      {
        name: 'orgA',
        data_path: 'credit/a.csv',
        data_type: 'csv',
        key_column: 'id',
        label_column: 'y',
      },
      { name: 'orgB', data_path: 'credit/b.csv', data_type: 'csv', key_column: 'id' },
    ],
    result_receivers: ['orgA'],
    metrics: ['auc'],
    purpose: 'credit risk',
    ...change,
  }),
});

const CALLER = { id: 'test', role: 'coordinator' } as const;

function failed({ state, error }: TaskView, code: string, message: string): void {
  equal(state, 'failed');
  deepEqual(error, { code, message });
}

describe('training tasks', () => {
  it('make no task of a request that cannot be drafted', () =>
    withTasks(neverOpens, async ({ tasks, network }) => {
      await rejects(tasks.submit(request({ purpose: 'other' }), CALLER), {
        code: 'REFUSED',
        message: 'orgA: the policy does not allow it',
      });
      deepEqual(await network.at('orgA').store.table('tasks').list(), []);
      equal(await tasks.find('ab'.repeat(32), CALLER), null);
    }));

  it('fail when a party does not agree, and say which', () =>
    withTasks(neverOpens, async ({ tasks, network, ended }) => {
      // The peer describes its data and then has no answer to the contract.
      network.intercept = async ({ method }, deliver) => {
        if (method.endsWith('prepare')) throw lost('UNREACHABLE');
        return deliver();
      };
      const handle = await tasks.submit(request(), CALLER);
      const { taskId, done } = handle;
      equal(handle.view().phase, 'awaiting_parties');
      await rejects(done, { code: 'UNREACHABLE', message: 'orgB cannot be reached: lost' });
      failed(await ended(taskId), 'UNREACHABLE', 'orgB cannot be reached: lost');
    }));

  it('do not begin when a party ended the task before', () => {
    let opened = 0;
    const open: OpenSession = (options) => {
      opened++;
      return neverOpens(options);
    };
    return withTasks(open, async ({ tasks, network, agree, ended }) => {
      const agreed = await agree();
      const refusal = { code: 'cancelled', reason: 'changed our mind' } as const;
      await abortTask(network.at('orgB').node, agreed.taskId, refusal);
      tasks.committed(agreed.taskId, agreed);
      failed(await ended(agreed.taskId), 'FAILED', 'orgB: changed our mind');
      equal(opened, 0);
    });
  });

  it('end with the peer’s reason, and let go of the session', () =>
    withTasks(neverOpens, async ({ tasks, agree, ended, network }) => {
      const agreed = await agree();
      tasks.committed(agreed.taskId, agreed);
      await eventually('the session', async () => (await phase(tasks, agreed.taskId)) === 'queued');
      const time = new Date(network.clock.now).toISOString();
      const end = {
        from: 'orgB',
        party: 'orgB',
        code: 'aborted',
        reason: 'too few',
        time,
      } as const;
      tasks.ended(agreed.taskId, end);
      failed(await ended(agreed.taskId), 'FAILED', 'orgB: too few');
    }));

  it('wait a moment for the reason of a broken session', () => {
    let tasksEnded = (): void => {};
    const breaks: OpenSession = () => {
      setImmediate(() => tasksEnded());
      return Promise.reject(new ProtocolError('CLOSED', 'the peer closed the session'));
    };
    return withTasks(breaks, async ({ tasks, agree, ended }) => {
      const agreed = await agree();
      const end = {
        from: 'orgB',
        party: 'orgB',
        code: 'aborted',
        reason: 'why',
        time: '',
      } as const;
      tasksEnded = () => tasks.ended(agreed.taskId, end);
      tasks.committed(agreed.taskId, agreed);
      failed(await ended(agreed.taskId), 'FAILED', 'orgB: why');
    });
  });

  it('tell the peer why they failed', () => {
    const fails: OpenSession = () =>
      Promise.reject(new SessionError('TIMED_OUT', 'orgB did not answer in 1000 ms'));
    return withTasks(fails, async ({ tasks, agree, ended, network, logged }) => {
      const agreed = await agree();
      tasks.committed(agreed.taskId, agreed);
      failed(await ended(agreed.taskId), 'UNREACHABLE', 'orgA: orgB did not answer in 1000 ms');
      const { state, end } = (await network.at('orgB').node.records.find(agreed.taskId))!;
      equal(state, 'aborted');
      deepEqual([end!.party, end!.code], ['orgA', 'unreachable']);
      match(logged.join(''), /"code":"TIMED_OUT".*"task failed"/);
    });
  });

  it('end when the node stops', () =>
    withTasks(neverOpens, async ({ tasks, agree, ended, network }) => {
      const agreed = await agree();
      tasks.committed(agreed.taskId, agreed);
      await eventually('the session', async () => (await phase(tasks, agreed.taskId)) === 'queued');
      await tasks.stop();
      failed(await ended(agreed.taskId), 'FAILED', 'orgA: the node was stopped');
      const { end } = (await network.at('orgB').node.records.find(agreed.taskId))!;
      ok(end!.reason.includes('the node was stopped'));
    }));
});

async function phase(tasks: TrainingTasks, taskId: string): Promise<string | undefined> {
  return (await tasks.find(taskId, CALLER))?.phase;
}

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditError } from '../../../../src/party/audit/errors.ts';
import { valueCommitment } from '../../../../src/party/audit/value-commitment.ts';
import type { Contract } from '../../../../src/party/consensus/contract.ts';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import type { LoadedDataset } from '../../../../src/party/datasets/datasets.ts';
import { deferred } from '../../../../src/party/deferred.ts';
import { SessionError } from '../../../../src/party/errors.ts';
import type { ModelPart } from '../../../../src/party/models/model-part.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';
import {
  runInThread,
  type TaskThreadHost,
  type TaskThreadJob,
} from '../../../../src/party/tasks/thread/task-thread.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';
import { type LinkMessage, linkChannel } from '../../../../src/protocols/link-channel.ts';
import { memoryLinkPair } from '../../../../src/protocols/memory-channel.ts';
import { rawType } from '../../../contract/channel-suite.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { onlyKeys } from '../../../support/text-columns.ts';
import { NO_SPILL, tables, trainingContract } from '../../../support/training-pair.ts';
import { until } from '../../../support/until.ts';

const MIB = 1 << 20;
const Raw = rawType('raw');
const worker = new URL('../../../support/task-thread-process.js', import.meta.url);

function job(purpose: string, changes: Partial<TaskThreadJob> = {}): TaskThreadJob {
  const contract: Contract = { ...trainingContract(), purpose };
  const taskId = 'ab'.repeat(32);
  const limits = { memoryLimitBytes: 256 * MIB, psiWorkers: 1, spill: NO_SPILL };
  return { contract, taskId, self: 'orgA', resume: null, ...limits, ...changes };
}

/** A host that has what a test gives it. */
function host(changes: Partial<TaskThreadHost> = {}): TaskThreadHost {
  const refuse = (what: string) => () => Promise.reject(new Error(`the test has no ${what}`));
  return {
    link: () => {
      throw new RangeError('the test has no link');
    },
    loadDataset: refuse('dataset'),
    loadModel: refuse('model'),
    ledger: { record: async () => {} },
    saveCheckpoint: () => {},
    progress: { phase: () => {}, step: () => {} },
    ...changes,
  };
}

const never = new AbortController().signal;

function run(
  purpose: string,
  hostChanges: Partial<TaskThreadHost> = {},
  {
    signal = never,
    graceMs = 10_000,
    ...jobChanges
  }: Partial<TaskThreadJob> & {
    readonly signal?: AbortSignal;
    readonly graceMs?: number;
  } = {},
): Promise<ProgramResult> {
  return runInThread(job(purpose, jobChanges), host(hostChanges), signal, { worker, graceMs });
}

/** A host's link to a peer that never says anything. */
function silentLink(): Pick<TaskThreadHost, 'link'> {
  const [link] = memoryLinkPair();
  return { link: () => ({ link, deriveKey: () => new Uint8Array(0) }) };
}

/** Aborts when the program has reached `training`. */
function abortInTraining(
  reason: Error,
): Partial<TaskThreadHost> & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const phase = (name: string): void => {
    if (name === 'training') controller.abort(reason);
  };
  return { signal: controller.signal, progress: { phase, step: () => {} } };
}

/** Threads of this process, and what keeps it alive. */
function resources(): { readonly threads: number; readonly ports: number } {
  const names = process.getActiveResourcesInfo();
  return {
    threads: readdirSync('/proc/self/task').length,
    ports: names.filter((name) => name === 'MessagePort' || name === 'Worker').length,
  };
}

describe('task thread', () => {
  it('gives a program everything of its context', async () => {
    const noted: unknown[] = [];
    const own = tables().orgA;
    const dataset: LoadedDataset = {
      ...own,
      features: Float64Array.from({ length: 600 }, (_, i) => i),
    };
    const [link] = memoryLinkPair();
    const { extra } = await run(
      'uses everything',
      {
        link: (peer) => ({
          link,
          deriveKey: (purpose, length) => Buffer.from(`${peer} ${purpose}`.padEnd(length)),
        }),
        loadDataset: async () => dataset,
        loadModel: async () => ({ part: { party: 'orgA' } as ModelPart, document: null }),
        ledger: {
          record: async ({ value, ...terms }) => {
            noted.push(terms);
            const salt = Buffer.from(value!.salt, 'hex');
            equal(value!.commitment, valueCommitment(salt, Uint8Array.of(5)));
          },
        },
        saveCheckpoint: ({ step, bytes }) => void noted.push([step, ...bytes]),
        progress: {
          phase: (phase) => void noted.push(phase),
          step: (step, of) => void noted.push([step, of]),
        },
      },
      { resume: { step: 4, bytes: Buffer.from('pooled') } },
    );
    deepEqual(noted, [
      'aligning',
      { class: 'intersection', to: ['orgA'], elements: 3 },
      [1, 2],
      [1, 7, 8],
    ]);
    deepEqual(extra, {
      taskId: 'ab'.repeat(32),
      purpose: 'uses everything',
      key: [...Buffer.from('orgB purpose    ')],
      rows: 40,
      keys: onlyKeys(own),
      features: Array.from({ length: 600 }, (_, i) => i),
      label: [...own.label!],
      party: 'orgA',
      resume: [...Buffer.from('pooled')],
      pointBytes: 32,
      product: '31',
      sameLink: true,
      environment: [],
    });
    equal(dataset.features.length, 0, 'given away');
  });

  it('carries messages both ways', async () => {
    const [link, other] = memoryLinkPair();
    const done = run('echo', { link: () => ({ link, deriveKey: () => new Uint8Array(0) }) });
    const peer = linkChannel(other);
    let total = 0;
    for (const n of [1, 64, 4096, MIB + 1, 8 * MIB]) {
      const sent = new Uint8Array(n).map((_, i) => i + n);
      await peer.send(Raw, sent);
      equal(Buffer.compare(await peer.receive(Raw), sent), 0);
      total += n;
    }
    await peer.send(Raw, new Uint8Array(0));
    deepEqual((await done).extra, { received: total });
  });

  it('ends when the links have taken everything that the program sent', async () => {
    const taken: number[] = [];
    const link = {
      send: async (_label: string, _type: string, bytes: Uint8Array) => {
        await new Promise(setImmediate);
        taken.push(bytes[0]!);
      },
      receive: () => new Promise<LinkMessage>(() => {}),
    };
    await run('sends and ends', { link: () => ({ link, deriveKey: () => new Uint8Array(0) }) });
    deepEqual(taken, [0, 1, 2]);
  });

  it('fails when a link did not take what the program sent last', async () => {
    const cause = new SessionError('UNREACHABLE', 'the connection with orgB broke');
    const closed = new ProtocolError('CLOSED', cause.message, { cause });
    const link = { send: () => Promise.reject(closed), receive: () => Promise.reject(closed) };
    await rejects(
      run('sends and ends', { link: () => ({ link, deriveKey: () => new Uint8Array(0) }) }),
      (error) =>
        error instanceof ProtocolError &&
        error.code === 'CLOSED' &&
        error.cause instanceof SessionError &&
        error.cause.code === 'UNREACHABLE',
    );
  });

  it('hands over a file', async () => {
    const { file } = await run('makes a file');
    deepEqual(
      [file!.name, ...file!.chunks.map((chunk) => [chunk.length, chunk.buffer.byteLength])],
      ['rows.csv', [MIB, MIB], [6, 6]],
    );
  });

  describe('with items on the disk', () => {
    const { path } = scratchFolder();
    const spill = { folder: join(path, 'spill', 'task'), aboveBytes: 100 };

    it('keeps them in files of the owner alone, only above the limit, and removes them', async () => {
      const seen: string[] = [];
      const phase = (): void => {
        for (const name of readdirSync(spill.folder)) {
          const { mode } = statSync(join(spill.folder, name));
          seen.push(`${name} ${(mode & 0o777).toString(8)}`);
        }
      };
      const progress = { phase, step: () => {} };
      const { extra } = await run('spills', { progress }, { spill });
      deepEqual(extra, { below: null, read: [1, 2, 3], never: 0 });
      deepEqual(seen, ['7.bin 600']);
      equal(existsSync(spill.folder), false);
    });

    it('removes what an earlier attempt left, and what is there when the program fails or dies', async () => {
      for (const purpose of ['spills and fails', 'spills and exits']) {
        mkdirSync(spill.folder, { recursive: true });
        writeFileSync(join(spill.folder, '7.bin'), 'left');
        await rejects(run(purpose, {}, { spill }), { name: 'TaskError' });
        equal(existsSync(spill.folder), false, purpose);
      }
    });

    it('says so when they cannot be kept', async () => {
      writeFileSync(join(path, 'file'), '');
      const under = { folder: join(path, 'file', 'task'), aboveBytes: 0 };
      await rejects(run('spills', {}, { spill: under }), (error) => {
        ok(error instanceof TaskError);
        equal(error.code, 'SPILL_FAILED');
        ok(error.message.includes('ENOTDIR'), error.message);
        ok(!error.message.includes(path), error.message);
        return true;
      });
    });
  });

  it('fails as the program fails, with class and code', async () => {
    await rejects(
      run('fails with a dataset error'),
      (error) => error instanceof DatasetError && error.code === 'changed',
    );
    await rejects(run('asks for a stranger'), RangeError);
    const refusal = new ProtocolError('NOT_DECLARED', 'the contract opens no secrets');
    await rejects(
      run('records what is not declared', { ledger: { record: () => Promise.reject(refusal) } }),
      (error) => error instanceof ProtocolError && error.code === 'NOT_DECLARED',
    );
    await rejects(run('asks for a model'), { message: 'the test has no model' });
  });

  it('holds back what follows a record until that is kept, and lets the program go on', async () => {
    const [link, peer] = memoryLinkPair();
    const kept = deferred<void>();
    const recorded = deferred<void>();
    const ledger = {
      record: () => {
        recorded.resolve();
        return kept.promise;
      },
    };
    const messages: number[] = [];
    const read = (async () => {
      for (let i = 0; i < 2; i++) messages.push(...(await peer.receive('')).bytes);
    })();
    const result = run('sends after a record', {
      link: () => ({ link, deriveKey: () => new Uint8Array(0) }),
      ledger,
    });
    await recorded.promise;
    await until('the first message', () => messages.length > 0);
    deepEqual(messages, [1]);
    kept.resolve();
    const { extra } = await result;
    await read;
    deepEqual([messages, extra], [[1, 2], { went: 'on' }]);
  });

  it('has no result before what it recorded is kept, and none if that fails', async () => {
    const kept = deferred<void>();
    const recorded = deferred<void>();
    const ledger = {
      record: () => {
        recorded.resolve();
        return kept.promise;
      },
    };
    const result = rejects(run('records and ends', { ledger }), { name: 'AuditError' });
    await recorded.promise;
    kept.reject(new AuditError('log_failed', 'the log is broken'));
    await result;
  });

  it('fails with what escapes the program', async () => {
    for (const how of ['throws beside itself', 'rejects beside itself']) {
      await rejects(
        run(how),
        (error) => error instanceof DatasetError && error.code === 'empty',
        how,
      );
    }
  });

  it('says so when the thread dies', async () => {
    await rejects(run('exits'), { name: 'TaskError', code: 'THREAD_DIED' });
    const broken = new URL('data:text/javascript,throw new Error("broken")');
    await rejects(runInThread(job('nothing'), host(), never, { worker: broken }), (error) => {
      ok(error instanceof TaskError && error.code === 'THREAD_DIED');
      equal((error.cause as Error).message, 'broken');
      return true;
    });
  });

  it('fails when the host cannot take a notice', async () => {
    const saveCheckpoint = (): void => {
      throw new Error('the disk is full');
    };
    const noted = { ...silentLink(), saveCheckpoint };
    const given = {
      loadDataset: async () => tables().orgA,
      loadModel: async () => ({ part: { party: 'orgA' } as ModelPart, document: null }),
    };
    await rejects(run('uses everything', { ...noted, ...given }), { message: 'the disk is full' });
  });

  describe('told to stop', () => {
    const reason = new TaskError('STOPPED', 'the node was stopped');
    const isReason = (error: unknown): boolean => error === reason;

    it('breaks what the program waits for', async () => {
      const { signal, ...progress } = abortInTraining(reason);
      const start = performance.now();
      const waiting = run('waits for ever', { ...silentLink(), ...progress }, { signal });
      await rejects(waiting, isReason);
      ok(performance.now() - start < 10_000, 'before the grace was over');
    });

    for (const purpose of ['never yields', 'never yields with curve threads']) {
      it(`ends a program that ${purpose}`, async () => {
        const { signal, ...progress } = abortInTraining(reason);
        const threads = resources().threads;
        await rejects(run(purpose, progress, { signal, graceMs: 50 }), isReason);
        ok(resources().threads <= threads, 'its own threads are gone too');
      });
    }

    it('does not start at all when it is too late', async () => {
      let asked = false;
      const link = (): never => {
        asked = true;
        throw new Error('asked');
      };
      const signal = AbortSignal.abort(reason);
      await rejects(run('waits for ever', { link }, { signal }), isReason);
      equal(asked, false);
    });

    it('stops a thread that has not started yet', async () => {
      const controller = new AbortController();
      const waiting = run('waits for ever', silentLink(), { signal: controller.signal });
      controller.abort(reason);
      await rejects(waiting, isReason);
    });
  });

  describe('with too little memory', () => {
    for (const purpose of [
      'fills its heap',
      'fills buffers between steps',
      'fills buffers and waits',
      'fills the kernels',
      'wants one buffer too long',
    ]) {
      it(`fails a program that ${purpose}`, async () => {
        await rejects(run(purpose, silentLink(), { memoryLimitBytes: 64 * MIB }), (error) => {
          ok(error instanceof TaskError, String(error));
          equal(error.code, 'OUT_OF_MEMORY');
          return true;
        });
      });
    }

    it('lets a program be that only makes garbage', async () => {
      await run('makes garbage', {}, { memoryLimitBytes: 64 * MIB });
    });
  });

  it('leaves nothing behind, fifty times', async () => {
    await run('nothing');
    const before = resources();
    const ends = [
      'nothing',
      'fails with a dataset error',
      'exits',
      'waits for ever',
      'makes a file',
    ];
    for (let i = 0; i < 50; i++) {
      const { signal, ...progress } = abortInTraining(new Error('enough'));
      await run(ends[i % ends.length]!, { ...silentLink(), ...progress }, { signal }).catch(
        () => {},
      );
    }
    const after = resources();
    deepEqual([after.ports, after.threads <= before.threads], [before.ports, true]);
  });
});

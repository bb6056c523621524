/** The thread of a task in tests: its program is named by the contract's purpose. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Contract } from '../../src/party/consensus/contract.ts';
import { DatasetError } from '../../src/party/datasets/dataset-error.ts';
import type { Program, ProgramContext, ProgramResult } from '../../src/party/tasks/program.ts';
import { TaskError } from '../../src/party/tasks/task-error.ts';
import { serveTask } from '../../src/party/tasks/thread/serve-task.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { rawType } from '../contract/channel-suite.ts';
import { onlyKeys } from './text-columns.ts';

const Raw = rawType('raw');
const PEER = 'orgB';
const MIB = 1 << 20;

const NOTHING: ProgramResult = { model: null, part: null, file: null, metrics: null, extra: {} };

type TestProgram = (context: ProgramContext) => Promise<Partial<ProgramResult> | undefined>;

const PROGRAMS: Readonly<Record<string, TestProgram>> = {
  nothing: async () => undefined,

  /** Sends every message back, until an empty one. */
  echo: async (context) => {
    const { channel } = context.link(PEER);
    for (;;) {
      const message = await channel.receive(Raw);
      if (message.length === 0) return { extra: { received: channel.stats.bytesReceived } };
      await channel.send(Raw, message);
    }
  },

  'sends and ends': async (context) => {
    const { channel } = context.link(PEER);
    for (let i = 0; i < 3; i++) await channel.send(Raw, new Uint8Array(MIB).fill(i));
  },

  'uses everything': async (context) => {
    const { ledger, checkpoints, progress, taskId, self, contract, rng } = context;
    progress.phase('aligning');
    const { channel } = context.link(PEER);
    const key = await context.link(PEER).deriveKey('purpose', 16);
    await ledger.record({
      class: 'intersection',
      to: [self],
      elements: 3,
      value: Uint8Array.of(5),
    });
    const dataset = await context.loadDataset();
    const { part } = await context.loadModel();
    progress.step(1, 2);
    const bytes = Uint8Array.of(7, 8);
    checkpoints.save({ step: 1, bytes });
    bytes.fill(0); // it was taken
    const point = await context.curve().hashToCurveAndMultiply(new Uint8Array(16), rng(32));
    const product = context
      .kernels()
      .ring.matVec(Int32Array.of(2, 3), BigUint64Array.of(5n, 7n), 1, 2);
    return {
      extra: {
        taskId,
        purpose: contract.purpose,
        key: [...key],
        rows: dataset.rowCount,
        keys: onlyKeys(dataset),
        features: [...dataset.features],
        label: dataset.label && [...dataset.label],
        party: part.party,
        resume: checkpoints.resume && [...checkpoints.resume.bytes],
        pointBytes: point.length,
        product: String(product[0]),
        sameLink: context.link(PEER).channel === channel,
        environment: Object.keys(process.env),
      },
    };
  },

  'makes a file': async () => {
    const chunks = [new Uint8Array(MIB).fill(1), Buffer.from('pooled')];
    return { file: { name: 'rows.csv', chunks } };
  },

  spills: async (context) => {
    const below = context.spill(100);
    const spill = context.spill(101)!;
    await spill.append(7, Uint8Array.of(1, 2));
    await spill.append(7, Uint8Array.of(3));
    const [read, never] = [await spill.read(7), await spill.read(8)];
    context.progress.phase('aligning');
    await context.loadModel().catch(() => undefined); // a round trip: the host has looked
    return { extra: { below, read: [...read], never: never.length } };
  },

  'spills and fails': async (context) => {
    await context.spill(101)!.append(7, Uint8Array.of(1));
    throw new TaskError('TOO_FEW_COMMON', 'a reason');
  },

  'spills and exits': async (context) => {
    await context.spill(101)!.append(7, Uint8Array.of(1));
    process.exit(3);
  },

  'asks for a stranger': async (context) => {
    context.link('orgX');
  },

  'fails with a dataset error': async () => {
    throw new DatasetError('changed', 'a.csv: is not the file that was described');
  },

  'records what is not declared': async (context) => {
    await context.ledger.record({ class: 'secrets', to: [PEER], elements: 1, value: null });
  },

  'sends after a record': async (context) => {
    const { channel } = context.link(PEER);
    await channel.send(Raw, Uint8Array.of(1));
    await context.ledger.record({ class: 'weights', to: [PEER], elements: 1, value: null });
    await channel.send(Raw, Uint8Array.of(2));
    return { extra: { went: 'on' } };
  },

  'records and ends': async (context) => {
    await context.ledger.record({ class: 'weights', to: [PEER], elements: 1, value: null });
  },

  'asks for a model': async (context) => {
    await context.loadModel();
  },

  'waits for ever': async (context) => {
    context.progress.phase('training');
    await context.link(PEER).channel.receive(Raw);
  },

  'never yields': async (context) => {
    context.progress.phase('training');
    for (;;) Math.clz32(0);
  },

  'never yields with curve threads': async (context) => {
    const masked = context.curve().multiply(new Uint8Array(3_200_000).fill(9), context.rng(32));
    masked.catch(() => {});
    context.progress.phase('training');
    for (;;) Math.clz32(0);
  },

  'throws beside itself': async () => {
    setTimeout(() => {
      throw new DatasetError('empty', 'thrown by a timer');
    });
    await pause(60_000);
  },

  'rejects beside itself': async () => {
    void Promise.reject(new DatasetError('empty', 'rejected and forgotten'));
    await pause(60_000);
  },

  exits: async () => {
    process.exit(3);
  },

  'fills its heap': async () => {
    const held: object[] = [];
    for (let i = 0; ; i++) held.push({ i, text: `${i}` });
  },

  'fills buffers between steps': async (context) => {
    const held: Uint8Array[] = [];
    for (let i = 1; ; i++) {
      held.push(new Uint8Array(16 * MIB).fill(1));
      context.progress.step(i, 1000);
    }
  },

  'fills buffers and waits': async (context) => {
    const held = Array.from({ length: 20 }, () => new Uint8Array(16 * MIB).fill(1));
    await context.link(PEER).channel.receive(Raw);
    held.fill(new Uint8Array());
  },

  'wants one buffer too long': async (context) => {
    const held = new Uint8Array(2 ** 32); // given or not, as the machine is
    context.progress.step(1, 2);
    held.fill(1);
  },

  'fills the kernels': async (context) => {
    for (;;) context.kernels();
  },

  'makes garbage': async (context) => {
    for (let i = 1; i <= 200; i++) {
      new Uint8Array(16 * MIB).fill(1);
      context.progress.step(i, 200);
    }
  },
};

await serveTask(async ({ purpose }: Contract): Promise<Program<Contract>> => {
  const program = PROGRAMS[purpose];
  if (!program) throw new RangeError(`no test program "${purpose}"`);
  return async (context) => ({ ...NOTHING, ...(await program(context)) });
}, systemRng);

/**
 * What a task's thread costs beside the same program on the main thread: round trip of short messages,
 * throughput of long ones each way, start and end of a thread, and its memory.
 */
import { DatasetError } from '../src/party/datasets/dataset-error.ts';
import {
  runInThread,
  type TaskThreadHost,
  type TaskThreadJob,
} from '../src/party/tasks/thread/task-thread.ts';
import type { Channel } from '../src/protocols/channel.ts';
import { linkChannel, type MessageLink } from '../src/protocols/link-channel.ts';
import { memoryLinkPair } from '../src/protocols/memory-channel.ts';
import { NO_SPILL, trainingContract } from '../test/support/training-pair.ts';
import { readOptions, wholeNumber } from './options.ts';
import type { BenchResult } from './result.ts';
import { EMPTY, Raw, type ThreadWork, work } from './thread-worker.ts';

const SMALL_BYTES = 64;
const LONG_BYTES = 1 << 20;
const MIB = 2 ** 20;

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, {
    'round-trips': { type: 'string', default: '5000' },
    messages: { type: 'string', default: '256' },
    tasks: { type: 'string', default: '200' },
    held: { type: 'string', default: '8' },
  });
  const roundTrips = wholeNumber('round-trips', values['round-trips']);
  const messages = wholeNumber('messages', values.messages);
  const tasks = wholeNumber('tasks', values.tasks);
  const held = wholeNumber('held', values.held);
  const began = performance.now();
  const echo = { turn: 'echo', messages: roundTrips, bytes: SMALL_BYTES } as const;
  const long = { messages, bytes: LONG_BYTES } as const;
  const talks = {
    directRoundTrip: await talk(onMainThread, echo),
    threadRoundTrip: await talk(inThread, echo),
    fromThread: await talk(inThread, { turn: 'send', ...long }),
    toThread: await talk(inThread, { turn: 'receive', ...long }),
  };
  const threadMiB = await residentMiB(held);
  const series = await taskSeries(tasks);
  const rate = (seconds: number): number => (messages * LONG_BYTES) / 1e6 / seconds;
  return {
    bench: 'thread',
    params: { roundTrips, messages, tasks, held },
    correct: Object.values(talks).every(({ correct }) => correct),
    seconds: (performance.now() - began) / 1000,
    bytesSent: {},
    peakRssMb: { node: process.resourceUsage().maxRSS / 1024 },
    metrics: {
      directRoundTripUs: (talks.directRoundTrip.seconds / roundTrips) * 1e6,
      threadRoundTripUs: (talks.threadRoundTrip.seconds / roundTrips) * 1e6,
      fromThreadMBps: rate(talks.fromThread.seconds),
      toThreadMBps: rate(talks.toThread.seconds),
      threadMiB,
      ...series,
    },
    notes: [
      'round trips over a link in memory: a network adds its own',
      'starts, ends and memory: the thread of a training, up to its first word',
    ],
  };
}

const NEVER = new AbortController().signal;

const JOB: TaskThreadJob = {
  contract: trainingContract(),
  taskId: 'ab'.repeat(32),
  self: 'orgA',
  resume: null,
  memoryLimitBytes: 512 * MIB,
  psiWorkers: 1,
  spill: NO_SPILL,
};

function hostOf(link: MessageLink): TaskThreadHost {
  return {
    link: () => ({ link, deriveKey: () => new Uint8Array(32) }),
    loadDataset: () => Promise.reject(new DatasetError('changed', 'no rows here')),
    loadModel: () => Promise.reject(new Error('no model here')),
    ledger: { record: async () => {} },
    saveCheckpoint: () => {},
    progress: { phase: () => {}, step: () => {} },
  };
}

/** Runs the program at one end of a link. */
type Way = (link: MessageLink, job: ThreadWork) => Promise<unknown>;

const onMainThread: Way = (link, job) => work(linkChannel(link), job);

const inThread: Way = (link, job) => {
  const contract = { ...JOB.contract, purpose: JSON.stringify(job) };
  const worker = new URL('./thread-worker.js', import.meta.url);
  return runInThread({ ...JOB, contract }, hostOf(link), NEVER, { worker });
};

interface Talk {
  readonly seconds: number;
  readonly correct: boolean;
}

/** One conversation with a program; its time counts from when both sides are there. */
async function talk(way: Way, job: ThreadWork): Promise<Talk> {
  const [link, other] = memoryLinkPair();
  const channel = linkChannel(other);
  const done = way(link, job);
  await channel.receive(Raw);
  const start = performance.now();
  await channel.send(Raw, EMPTY);
  const correct = await peerHalf(channel, job);
  const seconds = (performance.now() - start) / 1000;
  await done;
  return { seconds, correct };
}

async function peerHalf(channel: Channel, { turn, messages, bytes }: ThreadWork): Promise<boolean> {
  let correct = true;
  for (let i = 0; i < messages; i++) {
    if (turn !== 'send') await channel.send(Raw, new Uint8Array(bytes).fill(i));
    if (turn === 'receive') continue;
    const message = await channel.receive(Raw);
    correct &&= message.length === bytes && (turn === 'send' || message[0] === (i & 0xff));
  }
  if (turn === 'receive') await channel.receive(Raw);
  return correct;
}

/** Resident memory a thread of a training, over `held` of them at once. */
async function residentMiB(held: number): Promise<number> {
  const before = process.memoryUsage.rss();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let started = 0;
  let allStarted = (): void => {};
  const all = new Promise<void>((resolve) => {
    allStarted = resolve;
  });
  const runs = Array.from({ length: held }, () =>
    startAndFail(async () => {
      started += 1;
      if (started === held) allStarted();
      await released;
    }),
  );
  await all;
  const resident = process.memoryUsage.rss() - before;
  release();
  await Promise.all(runs);
  return resident / MIB / held;
}

/** The thread of a training that ends at its first word, once `loading` has resolved. */
async function startAndFail(loading: () => Promise<void>): Promise<void> {
  const [link] = memoryLinkPair();
  const host = hostOf(link);
  const loadDataset: TaskThreadHost['loadDataset'] = async () => {
    await loading();
    return host.loadDataset();
  };
  await runInThread(JOB, { ...host, loadDataset }, NEVER).catch((error: unknown) => {
    if (!(error instanceof DatasetError)) throw error;
  });
}

/** Tasks one after the other: medians of a start and an end, and the memory after a tenth and after all. */
async function taskSeries(tasks: number): Promise<Readonly<Record<string, number>>> {
  const starts: number[] = [];
  const ends: number[] = [];
  const rss: number[] = [];
  for (let i = 0; i < tasks; i++) {
    const began = performance.now();
    let loading = 0;
    await startAndFail(async () => {
      loading = performance.now();
    });
    starts.push(loading - began);
    ends.push(performance.now() - loading);
    rss.push(process.memoryUsage.rss() / MIB);
  }
  const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1]!;
  return {
    startMs: median(starts),
    endMs: median(ends),
    rssMiBAfterATenth: rss[Math.floor(tasks / 10)]!,
    rssMiBAfterAll: rss.at(-1)!,
  };
}

/** A task's thread from the outside: starts it, gives it what it asks for, and ends it. */
import { rm } from 'node:fs/promises';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { UnsuitableColumnError } from '../../../ml/vertical/linear/release.ts';
import type { MessageLink } from '../../../protocols/link-channel.ts';
import type { CommittedLedger } from '../../audit/value-commitment.ts';
import type { Contract } from '../../consensus/contract.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { Checkpoint, ProgramContext, ProgramProgress, ProgramResult } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { bridgeLink, type LinkBridge } from './port-link.ts';
import { type RecordGate, recordGate } from './record-gate.ts';
import { answerCalls } from './remote-calls.ts';
import { COMMON_ERRORS, type ErrorMakers, packError, unpackError } from './remote-error.ts';
import type { ThreadOrder, ThreadReport } from './serve-task.ts';
import type { SpillPlace, ThreadStart } from './task-context.ts';
import { outOfMemory } from './task-memory.ts';

/** What the thread is to compute. */
export interface TaskThreadJob {
  readonly contract: Contract;
  readonly taskId: string;
  /** This node's name. */
  readonly self: string;
  readonly resume: Checkpoint | null;
  /** Of the thread: its heap, its buffers and its kernels. */
  readonly memoryLimitBytes: number;
  /** Threads for scalar multiplications, once the program wants any. */
  readonly psiWorkers: number;
  /** Emptied before and after. */
  readonly spill: SpillPlace;
}

/** What the thread may ask of the main thread. What a method throws, the program's call throws. */
export interface TaskThreadHost {
  /** Asked once a peer, when the program first uses its link. */
  link(peer: string): PeerConnection;
  /**
   * Verifies and reads this party's rows, and gives them away: the arrays are empty afterwards.
   * It reads here, not in the thread: ending a thread while the database works ends the process.
   */
  loadDataset(): Promise<LoadedDataset>;
  loadModel(): ReturnType<ProgramContext['loadModel']>;
  readonly ledger: CommittedLedger;
  saveCheckpoint(checkpoint: Checkpoint): void;
  readonly progress: ProgramProgress;
}

/** What a session is to a thread. */
export interface PeerConnection {
  readonly link: MessageLink;
  deriveKey(purpose: string, length: number): Uint8Array;
}

export interface TaskThreadOptions {
  /** How long a thread that was told to stop may go on. Default 2 s: kernels do not yield for long. */
  readonly graceMs?: number;
  /** The thread's module; another one only in tests. */
  readonly worker?: URL;
}

const GRACE_MS = 2000; // own choice

/** Errors of programs that no link and no call throws. */
const ERRORS: ErrorMakers = {
  ...COMMON_ERRORS,
  UnsuitableColumnError: (_, message) => new UnsuitableColumnError(message),
};

/**
 * Runs a task's program in a thread of its own. Rejects with the program's error, with `OUT_OF_MEMORY`
 * or `THREAD_DIED`, or with the signal's reason: then the links inside the thread are broken, and the
 * thread is ended if it does not come to an end by itself. Sessions stay open: they are the caller's.
 * Settles when the thread is gone; nothing of it is left.
 */
export async function runInThread(
  job: TaskThreadJob,
  host: TaskThreadHost,
  signal: AbortSignal,
  options: TaskThreadOptions = {},
): Promise<ProgramResult> {
  await emptySpill(job.spill);
  signal.throwIfAborted();
  const gate = recordGate(host.ledger);
  const { ports, bridges } = bridgePeers(job, host, gate);
  let thread: Thread | undefined;
  try {
    thread = startThread(job, host, ports, gate, options);
    return await thread.outcome(signal, options.graceMs ?? GRACE_MS);
  } finally {
    for (const bridge of bridges) bridge.close();
    await thread?.end();
    await emptySpill(job.spill);
  }
}

/** What cannot be removed now is removed when the node starts: it keeps no result from its party. */
async function emptySpill({ folder }: SpillPlace): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(() => undefined);
}

/** A port to give to the thread for every other party, and what serves it here. */
function bridgePeers(
  { contract, self }: TaskThreadJob,
  host: TaskThreadHost,
  gate: RecordGate,
): { readonly ports: Readonly<Record<string, MessagePort>>; readonly bridges: LinkBridge[] } {
  const ports: Record<string, MessagePort> = {};
  const bridges: LinkBridge[] = [];
  for (const { name } of contract.parties) {
    if (name === self) continue;
    const { port1, port2 } = new MessageChannel();
    let link: MessageLink | undefined;
    bridges.push(
      bridgeLink(
        port1,
        () => {
          link ??= host.link(name).link;
          return link;
        },
        gate,
      ),
    );
    ports[name] = port2;
  }
  return { ports, bridges };
}

interface Thread {
  /** The program's result, or why there is none. To be called once, at once. */
  outcome(signal: AbortSignal, graceMs: number): Promise<ProgramResult>;
  /** Resolves when the thread is gone. */
  end(): Promise<void>;
}

function startThread(
  job: TaskThreadJob,
  host: TaskThreadHost,
  ports: Readonly<Record<string, MessagePort>>,
  gate: RecordGate,
  options: TaskThreadOptions,
): Thread {
  const { memoryLimitBytes, taskId } = job;
  // The compiled file: `new URL` is not rewritten by the compiler.
  const url = options.worker ?? new URL('./task-worker.js', import.meta.url);
  const start: ThreadStart = { ...job, ports };
  const worker = new Worker(url, {
    workerData: start,
    transferList: Object.values(ports),
    name: `task-${taskId.slice(0, 8)}`,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memoryLimitBytes / 2 ** 20) },
  });
  const answer = answerCalls(
    worker,
    {
      deriveKey: async (peer, purpose, length) => host.link(peer).deriveKey(purpose, length),
      loadDataset: () => host.loadDataset(),
      loadModel: () => host.loadModel(),
    },
    {
      record: gate.record,
      phase: (phase) => host.progress.phase(phase),
      step: (step, of) => host.progress.step(step, of),
      save: (checkpoint) => host.saveCheckpoint(checkpoint),
    },
  );

  async function outcome(signal: AbortSignal, graceMs: number): Promise<ProgramResult> {
    let timer: NodeJS.Timeout | undefined;
    let stop = (): void => {};
    try {
      return await new Promise((resolve, reject) => {
        worker.on('message', (report: ThreadReport) => {
          if (report.kind === 'done') gate.settled().then(() => resolve(report.result), reject);
          else if (report.kind === 'failed') reject(unpackError(report.error, ERRORS));
          else {
            try {
              answer(report);
            } catch (error) {
              reject(error);
            }
          }
        });
        gate.refused.catch(reject);
        worker.on('error', (cause) => reject(deathOf(cause, memoryLimitBytes)));
        worker.on('messageerror', (cause) => reject(deathOf(cause, memoryLimitBytes)));
        worker.on('exit', (code) => reject(died(`it exited with code ${code}`)));
        stop = () => {
          worker.postMessage({
            kind: 'stop',
            error: packError(signal.reason),
          } satisfies ThreadOrder);
          timer = setTimeout(() => reject(signal.reason), graceMs);
        };
        signal.addEventListener('abort', stop);
      });
    } catch (error) {
      // What a stopped program throws follows from the reason.
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  return {
    outcome,
    async end() {
      await worker.terminate();
    },
  };
}

/** What the end of a thread by an error that its own code could not report amounts to. */
function deathOf(cause: Error, memoryLimitBytes: number): TaskError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory(memoryLimitBytes, { cause });
  return died('the log of its node says why', { cause });
}

function died(how: string, options?: ErrorOptions): TaskError {
  return new TaskError('THREAD_DIED', `the thread of the task ended: ${how}`, options);
}

/** A task's thread from the inside: runs one program, once, and reports. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import type { Contract } from '../../consensus/contract.ts';
import type { Program, ProgramResult } from '../program.ts';
import { ownBytes, transferList } from './own-buffer.ts';
import { type CallAnswer, type CallRequest, remoteHost } from './remote-calls.ts';
import { packError, type RemoteError, unpackError } from './remote-error.ts';
import { openWorld, type ThreadStart } from './task-context.ts';
import { outOfMemory, taskMemory } from './task-memory.ts';

/** What a thread says to the main thread; after `done` or `failed` it may be ended at once. */
export type ThreadReport =
  | CallRequest
  | { readonly kind: 'done'; readonly result: ProgramResult }
  | { readonly kind: 'failed'; readonly error: RemoteError };

/** What it is told. */
export type ThreadOrder = CallAnswer | { readonly kind: 'stop'; readonly error: RemoteError };

/** How often a program that neither sends nor steps is looked at: own choice. */
const MEMORY_CHECK_MS = 250;

/** What the engine says when memory cannot be had. */
const ALLOCATION_FAILED = /^Array buffer allocation failed|^WebAssembly\.Memory\.grow\(\)/;

/**
 * Runs the program of the contract that this thread was started with. It ends early when it is told
 * to stop, when it holds too much memory, or when an error escapes it: then its links are closed and
 * its own end is not waited for.
 */
export async function serveTask(
  programOf: (contract: Contract) => Promise<Program<Contract>>,
  rng: Rng,
): Promise<void> {
  const port = parentPort!;
  const start = workerData as ThreadStart;
  const host = remoteHost(port);
  const memory = taskMemory(start.memoryLimitBytes);
  let end = (_reason: unknown): void => {};
  const ended = new Promise<never>((_, reject) => {
    end = reject;
  });
  port.on('message', (order: ThreadOrder) => {
    if (order.kind === 'stop') end(unpackError(order.error));
    else host.answered(order);
  });
  // What a program left running may throw after its end, when nobody listens any more.
  process.on('uncaughtException', (error) => end(error));
  process.on('unhandledRejection', (reason) => end(reason));
  const watch = setInterval(() => {
    try {
      memory.check();
    } catch (error) {
      end(error);
    }
  }, MEMORY_CHECK_MS);

  const world = openWorld(start, host, memory, rng);
  const run = async (): Promise<ProgramResult> => {
    const program = await programOf(start.contract);
    const result = await program(world.context);
    await world.flush();
    return result;
  };
  let report: ThreadReport;
  let transfer: ArrayBuffer[] = [];
  try {
    const result = withOwnChunks(await Promise.race([run(), ended]));
    transfer = transferList(...(result.file?.chunks ?? []));
    report = { kind: 'done', result };
  } catch (thrown) {
    const error =
      thrown instanceof RangeError && ALLOCATION_FAILED.test(thrown.message)
        ? outOfMemory(start.memoryLimitBytes, { cause: thrown })
        : thrown;
    world.close(error instanceof Error ? error : new Error('the task failed'));
    report = { kind: 'failed', error: packError(error) };
  }
  clearInterval(watch);
  await world.end();
  port.postMessage(report, transfer);
}

/** The result with every chunk of its file in a buffer of its own, ready to be transferred. */
function withOwnChunks(result: ProgramResult): ProgramResult {
  if (!result.file) return result;
  const { name, chunks } = result.file;
  return { ...result, file: { name, chunks: chunks.map(ownBytes) } };
}

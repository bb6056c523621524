import { Worker } from 'node:worker_threads';
import { type CurveEngine, EngineError, SLICE_POINTS } from './curve25519-engine.ts';
import {
  checkScalar,
  countRows,
  DIGEST_BYTES,
  LowOrderPointError,
  POINT_BYTES,
} from './curve25519-kernel.ts';
import {
  SLOT_BYTES,
  type SliceAnswer,
  type SliceTask,
  type Slot,
  slotOf,
} from './curve25519-slot.ts';

export interface CurvePoolOptions {
  /** Worker threads; one a core that the task may use. */
  readonly threads: number;
  /** The threads' module; another one only in tests. */
  readonly worker?: URL;
}

/** One call of an engine method: its slices, and where their products go. */
interface Request {
  readonly operation: SliceTask['operation'];
  readonly rows: Uint8Array;
  readonly width: number;
  readonly count: number;
  readonly scalar: Uint8Array;
  readonly out: Uint8Array;
  /** First row that no thread has taken yet. */
  next: number;
  /** Rows whose product has not arrived yet. */
  missing: number;
  resolve(out: Uint8Array): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly slot: Slot;
  busy: { readonly request: Request; readonly from: number; readonly count: number } | undefined;
}

/**
 * An engine of worker threads. Requests are served in order, each split over all idle threads; a
 * thread holds one slice of `SLICE_POINTS`, so the next request starts while the last one ends. Threads
 * start when there is a slice for them: a small set pays for one.
 * One dead thread fails the engine: every request rejects, now and later, with `ENGINE_FAILED`.
 */
export function curvePool(options: CurvePoolOptions): CurveEngine {
  const { threads: size } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`"threads" expected a positive integer, got ${size}`);
  }
  // The compiled file: `new URL` is not rewritten by the compiler.
  const url = options.worker ?? new URL('./curve25519-worker.js', import.meta.url);
  const threads: Thread[] = [];
  const open = new Set<Request>();
  const queue: Request[] = []; // those of `open` with rows that no thread has taken
  let broken: EngineError | undefined;

  function startThread(): Thread {
    const slot = slotOf(new SharedArrayBuffer(SLOT_BYTES));
    const name = `curve25519-${threads.length}`;
    const worker = new Worker(url, { workerData: slot.memory, name });
    const thread: Thread = { worker, slot, busy: undefined };
    threads.push(thread);
    worker.on('message', (answer: SliceAnswer) => take(thread, answer));
    worker.on('error', (cause) => fail('ENGINE_FAILED', 'a curve thread failed', { cause }));
    worker.on('exit', (code) => fail('ENGINE_FAILED', `a curve thread exited with code ${code}`));
    return thread;
  }

  function submit(
    operation: SliceTask['operation'],
    rows: Uint8Array,
    width: number,
    scalar: Uint8Array,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      checkScalar(scalar);
      const count = countRows('rows', rows, width);
      if (broken) throw broken;
      const out = new Uint8Array(count * POINT_BYTES);
      if (count === 0) return resolve(out);
      const key = scalar.slice();
      const state = { next: 0, missing: count, resolve, reject };
      const request: Request = { operation, rows, width, count, scalar: key, out, ...state };
      open.add(request);
      queue.push(request);
      for (const thread of threads) give(thread);
      while (queue.length > 0 && threads.length < size) give(startThread());
    });
  }

  /** Hands the next slice, if any, to a thread that is idle. */
  function give(thread: Thread): void {
    const request = queue[0];
    if (thread.busy || !request || broken) return;
    const { operation, rows, width, next: from } = request;
    const count = Math.min(SLICE_POINTS, request.count - from);
    request.next += count;
    if (request.next === request.count) queue.shift();
    thread.slot.scalar.set(request.scalar);
    thread.slot.input.set(rows.subarray(from * width, (from + count) * width));
    thread.busy = { request, from, count };
    thread.worker.postMessage({ operation, count } satisfies SliceTask);
  }

  function take(thread: Thread, answer: SliceAnswer): void {
    if (!thread.busy || broken) return;
    const { request, from, count } = thread.busy;
    thread.busy = undefined;
    if (answer !== 'done') settle(request, new LowOrderPointError(from + answer.lowOrder));
    else if (open.has(request)) {
      request.out.set(thread.slot.output.subarray(0, count * POINT_BYTES), from * POINT_BYTES);
      request.missing -= count;
      if (request.missing === 0) settle(request);
    }
    give(thread);
  }

  /** Ends a request, once. */
  function settle(request: Request, error?: Error): void {
    if (!open.delete(request)) return;
    const at = queue.indexOf(request);
    if (at >= 0) queue.splice(at, 1);
    request.scalar.fill(0);
    if (error) request.reject(error);
    else request.resolve(request.out);
  }

  function fail(code: EngineError['code'], message: string, cause?: ErrorOptions): void {
    broken ??= new EngineError(code, message, cause);
    for (const request of [...open]) settle(request, broken);
  }

  return {
    parallelism: size,
    hashToCurveAndMultiply(digests, scalar) {
      return submit('hashToCurveAndMultiply', digests, DIGEST_BYTES, scalar);
    },
    multiply(points, scalar) {
      return submit('multiply', points, POINT_BYTES, scalar);
    },
    async close() {
      fail('ENGINE_CLOSED', 'the engine was closed');
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
      for (const { slot } of threads) new Uint8Array(slot.memory).fill(0);
    },
  };
}

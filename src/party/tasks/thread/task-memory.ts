/** What a task's thread may take of the machine's memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { MemoryBudget } from '../../../kernels/wasm-memory.ts';
import { TaskError } from '../task-error.ts';

/** Time between two collections: own choice. A full one takes up to some 100 ms. */
const COLLECTION_PAUSE_MS = 1000;

export interface TaskMemory extends MemoryBudget {
  /** Throws `TaskError` `OUT_OF_MEMORY` when this thread holds more than it may. About 6 us. */
  check(): void;
}

/** What is measured and done; another one only in tests. */
export interface MemoryProbe {
  /** Of this thread, garbage included, WebAssembly's shared memories not. */
  usedBytes(): number;
  /** Collects all garbage at once. */
  collect(): void;
  /** Monotonic, ms. */
  now(): number;
}

/**
 * Counts this thread's heap, its buffers and the kernels' memories, which the engine's own figures
 * leave out. The figures hold garbage too: only what is left after a collection is too much.
 */
export function taskMemory(limitBytes: number, probe: MemoryProbe = threadProbe()): TaskMemory {
  let kernelBytes = 0;
  let collectedAt = -Infinity;

  function check(): void {
    if (probe.usedBytes() + kernelBytes <= limitBytes) return;
    if (probe.now() - collectedAt < COLLECTION_PAUSE_MS) return;
    probe.collect();
    collectedAt = probe.now();
    if (probe.usedBytes() + kernelBytes > limitBytes) throw outOfMemory(limitBytes);
  }

  return {
    check,
    reserve(bytes) {
      if (kernelBytes + bytes > limitBytes) throw outOfMemory(limitBytes);
      kernelBytes += bytes;
      check();
    },
  };
}

export function outOfMemory(limitBytes: number, options?: ErrorOptions): TaskError {
  const mib = Math.floor(limitBytes / 2 ** 20);
  const what = `the task needs more than the ${mib} MiB of tasks.memoryLimit: raise it, or use fewer rows or columns`;
  return new TaskError('OUT_OF_MEMORY', what, options);
}

function threadProbe(): MemoryProbe {
  let collect: (() => void) | undefined;
  return {
    usedBytes: () => {
      const { heapUsed, external } = process.memoryUsage(); // `external` holds the buffers too
      return heapUsed + external;
    },
    collect: () => {
      // The engine hands its collector to no context made before the flag is set.
      setFlagsFromString('--expose-gc');
      collect ??= runInNewContext('gc') as () => void;
      setFlagsFromString('--no-expose-gc');
      collect();
      collect(); // buffers are freed beside the program; the second one waits for that
    },
    now: () => performance.now(),
  };
}

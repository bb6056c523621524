import { parentPort, workerData } from 'node:worker_threads';
import { DIGEST_BYTES, LowOrderPointError, POINT_BYTES } from './curve25519-kernel.ts';
import { loadCurve25519Kernel } from './curve25519-kernel.wasm.ts';
import { type SliceAnswer, type SliceTask, slotOf } from './curve25519-slot.ts';

// A thread of the pool: one slice at a time, read from and written to the memory it shares.
const kernel = loadCurve25519Kernel();
const slot = slotOf(workerData as SharedArrayBuffer);

function work({ operation, count }: SliceTask): SliceAnswer {
  try {
    const points =
      operation === 'multiply'
        ? slot.input.subarray(0, count * POINT_BYTES)
        : kernel.hashToCurve(slot.input.subarray(0, count * DIGEST_BYTES));
    slot.output.set(kernel.multiply(points, slot.scalar));
    return 'done';
  } catch (error) {
    if (error instanceof LowOrderPointError) return { lowOrder: error.index };
    throw error;
  } finally {
    slot.scalar.fill(0);
  }
}

parentPort!.on('message', (task: SliceTask) => {
  parentPort!.postMessage(work(task));
});

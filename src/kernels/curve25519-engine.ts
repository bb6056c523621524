import { setImmediate } from 'node:timers/promises';
import {
  type Curve25519Kernel,
  checkScalar,
  countRows,
  DIGEST_BYTES,
  POINT_BYTES,
} from './curve25519-kernel.ts';

/**
 * The curve kernel as asynchronous batches, so that a protocol can send and receive while it runs.
 *
 * A scalar is copied when a method is called: the caller may overwrite its own at once. Inputs must
 * stay unchanged until the promise settles. Methods reject with `LowOrderPointError` as the kernel
 * throws it, `EngineError` when the engine failed or was closed, `RangeError` for wrong lengths.
 * Nothing bounds the queue: callers keep about `parallelism` + 1 batches under way.
 */
export interface CurveEngine {
  /** Batches that it works on at the same time. */
  readonly parallelism: number;
  /** Masked points of hashed digests. digests: n x 16; returns a fresh n x 32. */
  hashToCurveAndMultiply(digests: Uint8Array, scalar: Uint8Array): Promise<Uint8Array>;
  /** points: n x 32; returns a fresh n x 32. */
  multiply(points: Uint8Array, scalar: Uint8Array): Promise<Uint8Array>;
  /** Ends it: work under way rejects, no thread or secret stays behind. May be called twice. */
  close(): Promise<void>;
}

/** An engine that cannot work any more: it was closed, or a thread of it died. Never the peer's doing. */
export class EngineError extends Error {
  readonly code: 'ENGINE_CLOSED' | 'ENGINE_FAILED';

  constructor(code: 'ENGINE_CLOSED' | 'ENGINE_FAILED', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** Points worked on between two turns of the event loop, or by one thread at a time: about 10 ms. */
export const SLICE_POINTS = 256;

/** An engine on the caller's thread, for small sets: between slices it yields to the event loop. */
export function inThreadCurveEngine(kernel: Curve25519Kernel): CurveEngine {
  let closed = false;

  async function work(
    rows: Uint8Array,
    width: number,
    scalar: Uint8Array,
    product: (slice: Uint8Array, scalar: Uint8Array) => Uint8Array,
  ): Promise<Uint8Array> {
    checkScalar(scalar);
    const n = countRows('rows', rows, width);
    const out = new Uint8Array(n * POINT_BYTES);
    const key = scalar.slice();
    try {
      for (let i = 0; i < n; i += SLICE_POINTS) {
        await setImmediate();
        if (closed) throw new EngineError('ENGINE_CLOSED', 'the engine was closed');
        const slice = rows.subarray(i * width, Math.min(n, i + SLICE_POINTS) * width);
        out.set(product(slice, key), i * POINT_BYTES);
      }
    } finally {
      key.fill(0);
    }
    return out;
  }

  return {
    parallelism: 1,
    hashToCurveAndMultiply(digests, scalar) {
      return work(digests, DIGEST_BYTES, scalar, (slice, key) =>
        kernel.multiply(kernel.hashToCurve(slice), key),
      );
    },
    multiply(points, scalar) {
      return work(points, POINT_BYTES, scalar, (slice, key) => kernel.multiply(slice, key));
    },
    async close() {
      closed = true;
    },
  };
}

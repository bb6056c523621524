import { createHash } from 'node:crypto';
import type { CurveEngine } from '../../src/kernels/curve25519-engine.ts';

const P = 2n ** 255n - 19n;

/** One call of an engine: what a test wants to see of it. */
export interface EngineCall {
  readonly method: 'hashToCurveAndMultiply' | 'multiply';
  readonly rows: Uint8Array;
  readonly scalar: Uint8Array;
}

/**
 * An engine that commutes like the curve and hides nothing: points are integers mod p, multiplied by
 * the scalar. A hundred times faster; for tests of everything but secrecy. Reports every call.
 */
export function toyCurveEngine(observe: (call: EngineCall) => void = () => {}): CurveEngine {
  const call = async (
    method: EngineCall['method'],
    rows: Uint8Array,
    width: number,
    scalar: Uint8Array,
  ): Promise<Uint8Array> => {
    observe({ method, rows, scalar: scalar.slice() });
    const k = toInteger(scalar) % P;
    const out = new Uint8Array((rows.length / width) * 32);
    for (let i = 0; i < rows.length / width; i++) {
      const row = rows.subarray(i * width, (i + 1) * width);
      const point = method === 'multiply' ? row : createHash('sha256').update(row).digest();
      const product = ((toInteger(point) % P) * k) % P;
      out.set(Buffer.from(product.toString(16).padStart(64, '0'), 'hex').reverse(), i * 32);
    }
    return out;
  };
  return {
    parallelism: 2,
    hashToCurveAndMultiply: (digests, scalar) =>
      call('hashToCurveAndMultiply', digests, 16, scalar),
    multiply: (points, scalar) => call('multiply', points, 32, scalar),
    close: async () => {},
  };
}

function toInteger(littleEndian: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(littleEndian).reverse().toString('hex')}`);
}

import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { curvePool } from '../../src/kernels/curve25519-pool.ts';

const script = (source: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(source)}`);
const IMPORTS = "import { parentPort } from 'node:worker_threads';";
const DIGESTS = new Uint8Array(16 * 1000).fill(7);
const SCALAR = new Uint8Array(32).fill(9);

/** Dies at its first task. */
const DYING: readonly (readonly [how: string, worker: URL])[] = [
  ['exits', script(`${IMPORTS} parentPort.on('message', () => process.exit(3));`)],
  ['throws', script(`${IMPORTS} parentPort.on('message', () => { throw new Error('x'); });`)],
  ['does not start', script("throw new Error('x');")],
];

describe('curve pool', () => {
  for (const [how, worker] of DYING) {
    it(`fails every request, now and later, when a thread ${how}`, async () => {
      const pool = curvePool({ threads: 2, worker });
      const requests = [1, 2, 3].map(() => pool.hashToCurveAndMultiply(DIGESTS, SCALAR));
      for (const request of requests) await rejects(request, { code: 'ENGINE_FAILED' });
      await rejects(pool.multiply(DIGESTS, SCALAR), { code: 'ENGINE_FAILED' });
      await pool.close();
    });
  }

  it('wipes the scalar after each slice and all shared memory when closed', async () => {
    const made: SharedArrayBuffer[] = [];
    const Original = globalThis.SharedArrayBuffer;
    globalThis.SharedArrayBuffer = class extends Original {
      constructor(bytes?: number) {
        super(bytes);
        made.push(this);
      }
    };
    const pool = curvePool({ threads: 4 });
    equal(made.length, 0, 'no thread before there is a slice');
    const pending = pool.hashToCurveAndMultiply(DIGESTS.subarray(0, 1600), SCALAR);
    globalThis.SharedArrayBuffer = Original;
    equal(made.length, 1, 'one slice, one thread');
    const memory = new Uint8Array(made[0]!);
    const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

    deepEqual(memory.slice(0, 32), SCALAR, 'the thread is given the scalar');
    await pending;
    equal(isWiped(memory.subarray(0, 32)), true, 'after the slice');
    equal(isWiped(memory), false, 'points are left');
    await pool.close();
    equal(isWiped(memory), true, 'when closed');
  });

  it('refuses a number of threads that is none', () => {
    for (const threads of [0, -1, 1.5, Number.NaN])
      throws(() => curvePool({ threads }), RangeError);
  });
});

import { deepEqual, equal, rejects } from 'node:assert/strict';
import { type CurveEngine, inThreadCurveEngine } from '../../src/kernels/curve25519-engine.ts';
import { LowOrderPointError } from '../../src/kernels/curve25519-kernel.ts';
import { loadCurve25519Kernel } from '../../src/kernels/curve25519-kernel.wasm.ts';
import { curvePool } from '../../src/kernels/curve25519-pool.ts';
import { seededRng } from '../support/seeded-rng.ts';

const kernel = loadCurve25519Kernel();
const SIZES = [0, 1, 255, 256, 257, 700];

const ENGINES: readonly (readonly [name: string, open: () => CurveEngine])[] = [
  ['in-thread', () => inThreadCurveEngine(kernel)],
  ['pool of one', () => curvePool({ threads: 1 })],
  ['pool of two', () => curvePool({ threads: 2 })],
];

for (const [name, open] of ENGINES) {
  describe(`curve engine: ${name}`, () => {
    let engine: CurveEngine;
    before(() => {
      engine = open();
    });
    after(() => engine.close());

    it('agrees with the kernel at every size, with requests under way together', async () => {
      const rng = seededRng(name);
      const requests = SIZES.map((n) => ({ digests: rng(16 * n), a: rng(32), b: rng(32) }));
      const once = await Promise.all(
        requests.map(({ digests, a }) => engine.hashToCurveAndMultiply(digests, a)),
      );
      const twice = await Promise.all(requests.map(({ b }, i) => engine.multiply(once[i]!, b)));
      requests.forEach(({ digests, a, b }, i) => {
        const expected = kernel.multiply(kernel.hashToCurve(digests), a);
        deepEqual(once[i], expected, `${SIZES[i]} hashed`);
        deepEqual(twice[i], kernel.multiply(expected, b), `${SIZES[i]} multiplied`);
      });
    });

    it('copies the scalar: the caller may wipe its own at once', async () => {
      const rng = seededRng('wipe');
      const [digests, scalar] = [rng(16 * 300), rng(32)];
      const expected = kernel.multiply(kernel.hashToCurve(digests), scalar);
      const pending = engine.hashToCurveAndMultiply(digests, scalar);
      scalar.fill(0);
      deepEqual(await pending, expected);
    });

    it('refuses points of low order and goes on', async () => {
      const rng = seededRng('low order');
      const scalar = rng(32);
      const points = kernel.hashToCurve(rng(16 * 600));
      const bad = points.slice().fill(0, 32 * 300, 32 * 301);
      const [refused, fine] = [engine.multiply(bad, scalar), engine.multiply(points, scalar)];
      await rejects(refused, LowOrderPointError);
      deepEqual(await fine, kernel.multiply(points, scalar));
    });

    it('refuses wrong lengths', async () => {
      await rejects(engine.multiply(new Uint8Array(33), new Uint8Array(32)), RangeError);
      await rejects(engine.multiply(new Uint8Array(32), new Uint8Array(31)), RangeError);
      await rejects(
        engine.hashToCurveAndMultiply(new Uint8Array(17), new Uint8Array(32)),
        RangeError,
      );
    });

    it('rejects what is under way when it is closed, and everything later', async () => {
      const closing = open();
      const rng = seededRng('close');
      const [points, scalar] = [kernel.hashToCurve(rng(16 * 2000)), rng(32)];
      const pending = rejects(closing.multiply(points, scalar), { code: 'ENGINE_CLOSED' });
      await closing.close();
      await pending;
      await rejects(closing.multiply(points, scalar), { code: 'ENGINE_CLOSED' });
      await closing.close();
    });
  });
}

describe('curve engine', () => {
  it('in-thread work lets the event loop turn', async () => {
    const engine = inThreadCurveEngine(kernel);
    const rng = seededRng('turns');
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    await engine.multiply(kernel.hashToCurve(rng(16 * 2048)), rng(32));
    isOver = true;
    equal(turns > 2, true, `${turns} turns`);
  });
});

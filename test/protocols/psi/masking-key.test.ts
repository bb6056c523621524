import { deepEqual, equal, rejects } from 'node:assert/strict';
import { inspect } from 'node:util';
import { inThreadCurveEngine } from '../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import { MaskingKey } from '../../../src/protocols/psi/masking-key.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';

const kernel = loadCurve25519Kernel();
const engine = inThreadCurveEngine(kernel);

describe('masking key', () => {
  it('masks items and points by its scalar', async () => {
    const rng = seededRng('mask');
    const [items, scalar] = [rng(16 * 3), rng(32)];
    const key = new MaskingKey(engine, scalar.slice());
    const points = kernel.hashToCurve(items);
    deepEqual(await key.maskItems(items), kernel.multiply(points, scalar));
    deepEqual(await key.maskPoints(points), kernel.multiply(points, scalar));
  });

  it('refuses a point of low order as a malformed message', async () => {
    const key = new MaskingKey(engine, seededRng('low')(32));
    await rejects(key.maskPoints(new Uint8Array(32)), { code: 'MALFORMED_MESSAGE' });
  });

  it('does nothing once destroyed, least of all masks by zero', async () => {
    let calls = 0;
    const scalar = seededRng('end')(32);
    const key = new MaskingKey(
      toyCurveEngine(() => calls++),
      scalar,
    );
    await key.maskItems(new Uint8Array(16));
    key.destroy();
    await rejects(key.maskItems(new Uint8Array(16)), { code: 'CLOSED' });
    await rejects(key.maskPoints(new Uint8Array(32)), { code: 'CLOSED' });
    equal(calls, 1);
    deepEqual(scalar, new Uint8Array(32), 'the scalar is overwritten');
  });

  it('does not print its scalar', () => {
    const key = new MaskingKey(engine, new Uint8Array(32).fill(77));
    equal(`${inspect({ key })} ${JSON.stringify({ key })}`, '{ key: [secret] } {"key":"[secret]"}');
  });
});

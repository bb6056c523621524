import { equal } from 'node:assert/strict';
import {
  inverseMod,
  mod,
  powMod,
  primitiveRoot,
  reverseBits,
} from '../../src/kernels/number-theory.ts';

describe('number theory', () => {
  const p = 134176769n;

  it('powers, inverses and representatives', () => {
    equal(powMod(3n, 5n, 1000n), 243n);
    equal(powMod(2n, p - 1n, p), 1n);
    equal(powMod(5n, 0n, p), 1n);
    for (const x of [1n, 2n, 12_345_678n, p - 1n]) equal((inverseMod(x, p) * x) % p, 1n, `${x}`);
    equal(mod(-7n, 5n), 3n);
    equal(mod(7n, 5n), 2n);
  });

  it('finds a primitive root of order 2n', () => {
    const psi = primitiveRoot(4096, p);
    equal(powMod(psi, 4096n, p), p - 1n);
  });

  it('reverses bits', () => {
    equal(reverseBits(1, 12), 2048);
    equal(reverseBits(0b1101, 4), 0b1011);
    for (let i = 0; i < 4096; i++) equal(reverseBits(reverseBits(i, 12), 12), i);
  });
});

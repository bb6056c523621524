import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { mod, powMod, primitiveRoot, reverseBits } from '../../src/kernels/number-theory.ts';
import { referenceRlweKernel as reference } from '../../src/kernels/rlwe-kernel.reference.ts';
import {
  BINOMIAL_BYTES,
  DEGREE,
  IRWIN_HALL_BYTES,
  MAX_PRODUCTS,
  PARTS,
  type Polynomial,
  PRIMES,
  packedBytes,
  type RlweKernel,
  SLOT_MODULUS,
  TERNARY_BYTES,
  UNIFORM_BYTES,
} from '../../src/kernels/rlwe-kernel.ts';
import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';

const P = PRIMES.map(BigInt);

/** Deterministic bytes; the label is the seed. */
function bytes(label: string, length: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', label.padEnd(16).slice(0, 16), Buffer.alloc(16));
  return new Uint8Array(cipher.update(new Uint8Array(length)));
}

const uint64s = (label: string): BigUint64Array =>
  new BigUint64Array(bytes(label, 8 * DEGREE).buffer, 0, DEGREE);
const slotsOf = (label: string): Uint32Array =>
  Uint32Array.from(uint64s(label), (v) => Number(v % BigInt(SLOT_MODULUS)));

/** The same residues in a polynomial of each kernel: random, all zero or all the largest. */
function polynomialOf(kernel: RlweKernel, label: string): Polynomial {
  const x = kernel.allocate();
  if (label === 'zero') return x;
  if (label === 'largest') return largest(x);
  kernel.uniform(x, bytes(label, UNIFORM_BYTES));
  return x;
}

function largest(x: Polynomial): Polynomial {
  for (let i = 0; i < x.length; i++) x[i] = PRIMES[Math.floor(i / DEGREE)]! - 1;
  return x;
}

function same(actual: Polynomial, expected: Polynomial, message: string, primes = 4): void {
  const n = primes * DEGREE;
  const at = actual.subarray(0, n).findIndex((v, i) => v !== expected[i]);
  equal(at, -1, `${message}: residue ${at} is ${actual[at]}, expected ${expected[at]}`);
}

for (const kernel of [loadWasmRlweKernel()]) {
  describe(`rlwe kernel: ${kernel.name}`, () => {
    const inputs = ['zero', 'largest', 'random'];

    /** Applies an operation in both kernels to the same inputs and compares what becomes of the first. */
    function parity(
      name: string,
      labels: readonly string[],
      operate: (k: RlweKernel, ...x: Polynomial[]) => unknown,
      primes = 4,
    ): void {
      const mine = labels.map((label) => polynomialOf(kernel, label));
      const theirs = labels.map((label) => polynomialOf(reference, label));
      const message = `${name}(${labels.join()})`;
      deepEqual(operate(kernel, ...mine), operate(reference, ...theirs), message);
      for (const [i, x] of mine.entries()) same(x, theirs[i]!, message, primes);
      for (const x of mine) kernel.release(x);
    }

    it('samples as the reference does', () => {
      parity('uniform', ['zero'], (k, x) => k.uniform(x, bytes('u', UNIFORM_BYTES)));
      parity('uniform 3', ['zero'], (k, x) => k.uniform(x, bytes('u', UNIFORM_BYTES), 3));
      parity('ternary', ['largest'], (k, x) => k.ternary(x, bytes('t', TERNARY_BYTES)));
      for (const label of inputs) {
        parity('binomial', [label], (k, x) => k.addBinomial(x, bytes('b', BINOMIAL_BYTES)));
        for (const stream of [
          bytes('irwin-hall', IRWIN_HALL_BYTES),
          new Uint8Array(IRWIN_HALL_BYTES), // the least sum
          new Uint8Array(IRWIN_HALL_BYTES).fill(255), // the largest, both carries
        ]) {
          parity(`Irwin-Hall ${stream[0]}`, [label], (k, x) => k.addIrwinHall(x, stream));
        }
      }
    });

    it('lifts and encodes as the reference does', () => {
      const edges = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), PRIMES[0], -PRIMES[3]];
      const int32 = new Int32Array(bytes('i', 4 * DEGREE).buffer, 0, DEGREE);
      int32.set(edges);
      const m = uint64s('m');
      m.set([0n, 1n, 2n ** 63n, 2n ** 63n - 1n, 2n ** 64n - 1n]);
      const slots = slotsOf('s');
      slots.set([0, 1, SLOT_MODULUS - 1, SLOT_MODULUS >> 1, (SLOT_MODULUS >> 1) + 1]);

      parity('lift', ['largest'], (k, x) => k.lift(x, int32));
      parity('encodeRing', ['largest'], (k, x) => k.encodeRing(x, m));
      parity('encodeSlots', ['largest'], (k, x) => k.encodeSlots(x, slots));
      parity('liftSlots', ['largest'], (k, x) => k.liftSlots(x, slots));
      const constant = new Uint32Array(DEGREE).fill(SLOT_MODULUS - 1); // the polynomial -1
      parity('encodeSlots -1', ['zero'], (k, x) => k.encodeSlots(x, constant));
      parity('liftSlots -1', ['zero'], (k, x) => k.liftSlots(x, constant));
    });

    it('transforms as the reference does, and as defined', () => {
      for (const label of inputs) {
        parity('forward', [label], (k, x) => k.forward(x));
        parity('inverse', [label], (k, x) => k.inverse(x));
        parity('both', [label], (k, x) => {
          k.forward(x, 3);
          k.inverse(x, 3);
        });
      }
      const a = polynomialOf(kernel, 'defined');
      const coefficients = Array.from(a, BigInt);
      kernel.forward(a);
      for (const [k, j] of [
        [0, 0],
        [1, 1],
        [2, 2049],
        [3, 4095],
      ] as const) {
        const p = P[k]!;
        const point = powMod(primitiveRoot(DEGREE, p), BigInt(2 * reverseBits(j, 12) + 1), p);
        const run = coefficients.slice(k * DEGREE, (k + 1) * DEGREE);
        const value = run.reduceRight((sum, c) => (sum * point + c) % p, 0n); // Horner
        equal(BigInt(a[k * DEGREE + j]!), value, `prime ${k}, entry ${j}`);
      }
    });

    it('adds, subtracts and multiplies as the reference does', () => {
      for (const x of inputs) {
        for (const y of inputs) {
          for (const op of ['add', 'subtract', 'multiply'] as const) {
            parity(op, ['zero', x, y], (k, z, a, b) => k[op](z!, a!, b!));
            parity(`${op} in place`, [x, y], (k, a, b) => k[op](a!, a!, b!, 3));
          }
        }
      }
    });

    it('accumulates more products than a lane holds', () => {
      const x = polynomialOf(kernel, 'largest');
      const y = polynomialOf(kernel, 'random');
      const out = kernel.allocate();
      const sum = kernel.accumulator();
      for (const count of [0, 1, MAX_PRODUCTS, MAX_PRODUCTS + 1, 3 * MAX_PRODUCTS]) {
        for (let i = 0; i < count; i++) sum.multiplyAdd(x, x);
        sum.multiplyAdd(x, y);
        sum.moveTo(out);
        for (let i = 0; i < out.length; i += 509) {
          const p = P[Math.floor(i / DEGREE)]!;
          const expected = mod(BigInt(count) - BigInt(y[i]!), p); // (-1)(-1) count + (-1) y
          equal(BigInt(out[i]!), expected, `${count} products, residue ${i}`);
        }
      }
      sum.release();
      throws(() => sum.multiplyAdd(x, y), TypeError);
      for (const z of [x, y, out]) kernel.release(z);
    });

    it('sums products as the reference does, more of them than a lane holds', () => {
      for (const labels of [
        ['random', 'second', 'largest'],
        ['largest', 'largest', 'largest'],
        ['zero', 'random', 'second'],
      ]) {
        parity('sumProducts', ['random', 'random', ...labels], (k, z0, z1, x, y, w) => {
          k.sumProducts(z0!, z1!, [
            { x0: x!, x1: y!, y: w! },
            { x0: y!, x1: x!, y: x! },
            { x0: w!, x1: w!, y: y! },
          ]);
        });
        parity('sumProducts of none', ['random', 'random'], (k, z0, z1) => {
          k.sumProducts(z0!, z1!, []);
        });
      }
      const [x, y, z0, z1] = ['largest', 'random', 'zero', 'zero'].map((l) =>
        polynomialOf(kernel, l),
      );
      const term = { x0: x!, x1: y!, y: x! };
      for (const count of [1, 1022, 1023, 1024, 1025, 2046, 2047, 3000]) {
        kernel.sumProducts(z0!, z1!, new Array(count).fill(term));
        for (let i = 0; i < z0!.length; i += 509) {
          const p = P[Math.floor(i / DEGREE)]!;
          equal(BigInt(z0![i]!), BigInt(count) % p, `${count} terms, residue ${i}`); // (-1)(-1) count
          equal(BigInt(z1![i]!), mod(-BigInt(y![i]!) * BigInt(count), p), `${count}, residue ${i}`);
        }
      }
      for (const each of [x!, y!, z0!, z1!]) kernel.release(each);
    });

    it('transforms polynomials that hold several', () => {
      for (const parts of PARTS) {
        for (const label of inputs) {
          parity(`${parts} parts`, [label], (k, x) => k.forwardParts(x, parts));
        }
        parity(
          `products with ${parts} parts`,
          ['zero', 'zero', 'random', 'random', ...inputs],
          (k, ...all) => {
            const [z0, z1, w0, w1, ...x] = all as Polynomial[];
            const pairs = x.map((x0, j) => ({ x0, x1: x[(j + 1) % x.length]! }));
            const factors = (shift: number) => x.map((y, j) => ({ y, part: (j + shift) % parts }));
            k.sumPartProducts(
              [
                { z0: z0!, z1: z1!, parts: factors(0) },
                { z0: w0!, z1: w1!, parts: factors(3) },
              ],
              pairs,
              parts,
            );
          },
        );
      }
    });

    it('takes a part for the polynomial in a power of X that it stands for', () => {
      const [x, y, z0, z1] = ['random', 'second', 'zero', 'zero'].map((l) =>
        polynomialOf(kernel, l),
      );
      for (const parts of PARTS) {
        const held = kernel.allocate();
        held.set(y!);
        kernel.forwardParts(held, parts);
        for (const part of [0, 1, parts - 1]) {
          const spread = kernel.allocate();
          for (let i = 0; i < spread.length; i += parts) {
            const run = i - (i % DEGREE);
            spread[i] = y![run + (part * DEGREE + (i % DEGREE)) / parts]!;
          }
          kernel.forward(spread);
          kernel.multiply(spread, spread, x!);
          kernel.sumPartProducts(
            [{ z0: z0!, z1: z1!, parts: [{ y: held, part }] }],
            [{ x0: x!, x1: x! }],
            parts,
          );
          deepEqual(z0, spread, `part ${part} of ${parts}`);
          deepEqual(z1, spread);
          kernel.release(spread);
        }
        kernel.release(held);
      }
      const sum = (...factors: number[]) => [
        { z0: z0!, z1: z1!, parts: factors.map((part) => ({ y: y!, part })) },
      ];
      const pairs = [{ x0: x!, x1: x! }];
      for (const bad of [[4], [-1], [], [0, 0]]) {
        throws(() => kernel.sumPartProducts(sum(...bad), pairs, 4), RangeError);
      }
      for (const parts of [0, 1, 2, 3, 64]) {
        throws(() => kernel.forwardParts(x!, parts), RangeError);
        throws(() => kernel.sumPartProducts([], [], parts), RangeError);
      }
      for (const each of [x!, y!, z0!, z1!]) kernel.release(each);
    });

    it('drops primes and rounds as the reference does', () => {
      for (const label of [...inputs, 'second']) {
        for (const primes of [4, 3, 2]) {
          parity(`drop ${primes}`, [label], (k, x) => k.dropPrime(x, primes), primes - 1);
          parity(`ring ${primes}`, [label], (k, x) => k.roundToRing(x, primes));
          parity(`slots ${primes}`, [label], (k, x) => k.roundToSlots(x, primes));
        }
      }
    });

    it('gives noisy words of centred coefficients as the reference does', () => {
      const stream = bytes('binomial', BINOMIAL_BYTES);
      const values = new Int32Array(bytes('values', 4 * DEGREE).buffer, 0, DEGREE);
      const words = (
        k: RlweKernel,
        x: Polynomial,
        noise: Uint8Array = new Uint8Array(BINOMIAL_BYTES),
        added: Int32Array = new Int32Array(DEGREE),
      ): Uint32Array => {
        const target = new Uint32Array(added.length);
        k.noisyWords(target, x, noise, added);
        return target;
      };
      for (const label of [...inputs, 'second']) {
        parity(`low words ${label}`, [label], (k, x) => words(k, x));
        parity(`noisy words ${label}`, [label], (k, x) => words(k, x, stream, values));
        for (const n of [0, 1, DEGREE / 2, DEGREE - 1]) {
          parity(`${n} words`, [label], (k, x) => words(k, x, stream, values.subarray(0, n)));
        }
      }
      const half = (P[0]! * P[1]!) / 2n; // the largest centred value; the next is the least
      const edges = [0n, 1n, half - 1n, half, half + 1n, half - (P[0]! >> 1n), 2n * half];
      parity('low words at the ends', ['zero'], (k, x) => {
        edges.forEach((v, i) => {
          for (const prime of [0, 1]) x[prime * DEGREE + i] = Number(v % P[prime]!);
        });
        return words(k, x);
      });
      const x = kernel.allocate();
      kernel.lift(x, values);
      const order = Uint32Array.from(
        { length: DEGREE },
        (_, i) => values[2 * (i % (DEGREE / 2)) + Number(i >= DEGREE / 2)]!,
      );
      deepEqual(words(kernel, x), order);
      throws(() => words(kernel, x, stream.subarray(1)), RangeError);
      throws(() => words(kernel, x, stream, new Int32Array(DEGREE + 1)), RangeError);
      throws(() => kernel.noisyWords(new Uint32Array(3), x, stream, new Int32Array(4)), RangeError);
      kernel.release(x);
    });

    it('packs as the reference does and refuses residues out of range', () => {
      for (const label of inputs) {
        for (const primes of [1, 2, 3, 4]) {
          parity(`pack ${primes}`, [label], (k, x) => k.pack(x, primes));
          parity(`unpack ${primes}`, ['zero', label], (k, z, x) =>
            k.unpack(z!, k.pack(x!, primes), primes),
          );
        }
      }
      const x = kernel.allocate();
      for (const at of [0, 1, 4095, 4096, 4 * DEGREE - 1]) {
        const wrong = polynomialOf(kernel, 'random');
        wrong[at] = PRIMES[Math.floor(at / DEGREE)]!;
        equal(kernel.unpack(x, kernel.pack(wrong)), false, `residue ${at}`);
        kernel.release(wrong);
      }
      equal(kernel.unpack(x, new Uint8Array(packedBytes(4)).fill(255)), false);
      throws(() => kernel.unpack(x, new Uint8Array(packedBytes(4) - 1)), RangeError);
      throws(() => kernel.unpack(x, new Uint8Array(packedBytes(3)), 4), RangeError);
      kernel.release(x);
    });

    it('lends memory: zeroed, refused after release, refused from elsewhere', () => {
      const x = polynomialOf(kernel, 'random');
      kernel.release(x);
      throws(() => kernel.forward(x), TypeError);
      throws(() => kernel.release(x), TypeError);
      throws(() => kernel.forward(new Uint32Array(4 * DEGREE)), TypeError);
      throws(() => kernel.forward(loadWasmRlweKernel().allocate()), TypeError);
      const many = Array.from({ length: 100 }, () => kernel.allocate()); // the memory grows
      many.forEach((p, i) => {
        ok(
          p.every((v) => v === 0),
          `polynomial ${i} is zero`,
        );
        p.fill(i);
      });
      many.forEach((p, i) => {
        equal(p[0], i);
        equal(p.at(-1), i);
        kernel.release(p);
      });
    });

    it('refuses wrong lengths and prime counts', () => {
      const x = kernel.allocate();
      throws(() => kernel.uniform(x, new Uint8Array(16)), RangeError);
      throws(() => kernel.encodeRing(x, new BigUint64Array(1)), RangeError);
      throws(() => kernel.encodeSlots(x, new Uint32Array(DEGREE).fill(SLOT_MODULUS)), RangeError);
      throws(() => kernel.addIrwinHall(x, new Uint8Array(IRWIN_HALL_BYTES - 1)), RangeError);
      throws(() => kernel.forward(x, 5), RangeError);
      throws(() => kernel.dropPrime(x, 1), RangeError);
      throws(() => kernel.uniform(x, new Uint8Array(UNIFORM_BYTES).fill(255)), /keystream/);
      kernel.release(x);
    });
  });
}

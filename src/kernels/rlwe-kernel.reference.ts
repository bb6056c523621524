import { inverseMod, mod, primitiveRoot, reverseBits } from './number-theory.ts';
import {
  BINOMIAL_BYTES,
  checkLength,
  checkParts,
  checkPrimes,
  DEGREE,
  IRWIN_HALL_BYTES,
  type Polynomial,
  PRIMES,
  packedBytes,
  RESIDUE_BITS,
  type RlweKernel,
  SLOT_MODULUS,
  TERNARY_BYTES,
  UNIFORM_BYTES,
} from './rlwe-kernel.ts';

const ALL = PRIMES.length;
const P = PRIMES.map(BigInt);
const T = BigInt(SLOT_MODULUS);
const Q = P.reduce((a, b) => a * b, 1n);

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceRlweKernel: RlweKernel = {
  name: 'reference',

  allocate: () => new Uint32Array(ALL * DEGREE),
  release: (x) => void x.fill(0),

  accumulator() {
    const sums = new Array<bigint>(ALL * DEGREE).fill(0n);
    return {
      multiplyAdd(a, b) {
        for (let i = 0; i < sums.length; i++) sums[i]! += BigInt(a[i]!) * BigInt(b[i]!);
      },
      moveTo(target) {
        for (let i = 0; i < sums.length; i++) target[i] = Number(sums[i]! % primeAt(i));
        sums.fill(0n);
      },
      release: () => void sums.fill(0n),
    };
  },

  uniform(x, stream, primes = ALL) {
    checkPrimes(primes);
    checkLength('stream', stream, UNIFORM_BYTES);
    let at = 0;
    for (let i = 0; i < primes * DEGREE; i++) {
      do {
        const [a, b, c, d] = stream.subarray(4 * at, 4 * at + 4);
        x[i] = (a! | (b! << 8) | (c! << 16) | (d! << 24)) & (2 ** RESIDUE_BITS - 1);
        at++;
      } while (BigInt(x[i]!) >= primeAt(i));
    }
  },

  ternary(x, stream) {
    checkLength('stream', stream, TERNARY_BYTES);
    let at = 0;
    setCoefficients(x, ALL, () => {
      while (stream[at] === 255) at++;
      return BigInt((stream[at++]! % 3) - 1);
    });
  },

  addBinomial(x, stream) {
    const e = binomials(stream);
    addCoefficients(x, (i) => BigInt(e[i]!));
  },

  addIrwinHall(x, stream) {
    checkLength('stream', stream, IRWIN_HALL_BYTES);
    const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
    addCoefficients(x, (i) => {
      const word = (k: number): bigint => view.getBigUint64(32 * i + 8 * k, true);
      const U = (j: number): bigint =>
        word(j) + 2n ** 64n * BigInt.asUintN(18, word(3) >> BigInt(18 * j)) - 2n ** 81n;
      return U(0) + U(1) + U(2);
    });
  },

  lift(x, values) {
    checkLength('values', values, DEGREE);
    setCoefficients(x, ALL, (i) => BigInt(values[i]!));
  },

  encodeRing(x, m) {
    checkLength('m', m, DEGREE);
    setCoefficients(x, ALL, (i) => roundDiv(Q * m[i]!, 2n ** 64n));
  },

  encodeSlots(x, slots) {
    const m = transform(toBigints(slots), T, 'inverse');
    setCoefficients(x, ALL, (i) => roundDiv(Q * m[i]!, T));
  },

  liftSlots(x, slots) {
    const m = transform(toBigints(slots), T, 'inverse');
    setCoefficients(x, ALL, (i) => centre(m[i]!, T));
  },

  forward: (x, primes = ALL) => transformAll(x, primes, 'forward'),

  forwardParts(x, parts) {
    checkParts(parts);
    const size = DEGREE / parts;
    for (let from = 0; from < ALL * DEGREE; from += size) {
      const spread = new Array<bigint>(DEGREE).fill(0n);
      for (let i = 0; i < size; i++) spread[parts * i] = BigInt(x[from + i]!);
      const values = transform(spread, primeAt(from), 'forward');
      for (let j = 0; j < size; j++) x[from + j] = Number(values[parts * j]);
    }
  },

  inverse: (x, primes = ALL) => transformAll(x, primes, 'inverse'),
  add: (z, x, y, primes = ALL) => pointwise(z, x, y, primes, (a, b) => a + b),
  subtract: (z, x, y, primes = ALL) => pointwise(z, x, y, primes, (a, b) => a - b),
  multiply: (z, x, y, primes = ALL) => pointwise(z, x, y, primes, (a, b) => a * b),

  sumProducts(z0, z1, terms) {
    for (let i = 0; i < ALL * DEGREE; i++) {
      const sum = (half: 'x0' | 'x1'): bigint =>
        terms.reduce((total, term) => total + BigInt(term[half][i]!) * BigInt(term.y[i]!), 0n);
      z0[i] = Number(sum('x0') % primeAt(i));
      z1[i] = Number(sum('x1') % primeAt(i));
    }
  },

  sumPartProducts(sums, pairs, parts) {
    checkParts(parts);
    for (const { z0, z1, parts: factors } of sums) {
      checkLength('parts', factors, pairs.length);
      const terms = pairs.map(({ x0, x1 }, j) => {
        const { y, part } = factors[j]!;
        const entries = y.map((_, i) => {
          const run = i - (i % DEGREE);
          return y[run + Math.floor((part * DEGREE + (i % DEGREE)) / parts)]!;
        });
        return { x0, x1, y: entries };
      });
      referenceRlweKernel.sumProducts(z0, z1, terms);
    }
  },

  dropPrime(x, primes) {
    checkPrimes(primes, 2);
    const c = coefficientsOf(x, primes);
    setCoefficients(x, primes - 1, (i) => roundDiv(c[i]!, P[primes - 1]!));
  },

  roundToRing(x, primes = ALL) {
    checkPrimes(primes, 2);
    const product = productOf(primes);
    const rounded = coefficientsOf(x, primes).map((c) => roundDiv(c * 2n ** 64n, product));
    return BigUint64Array.from(rounded, (m) => BigInt.asUintN(64, m));
  },

  noisyWords(target, x, stream, values) {
    checkLength('target', target, values.length);
    if (values.length > DEGREE) throw new RangeError('"values" expected at most a polynomial');
    const e = binomials(stream);
    const product = productOf(2);
    const c = coefficientsOf(x, 2).map((coefficient) => centre(coefficient, product));
    for (let i = 0; i < target.length; i++) {
      const of = 2 * (i % (DEGREE / 2)) + Number(i >= DEGREE / 2);
      target[i] = Number(BigInt.asUintN(32, c[of]! + BigInt(e[of]! + values[i]!)));
    }
  },

  roundToSlots(x, primes = ALL) {
    checkPrimes(primes, 2);
    const product = productOf(primes);
    const m = coefficientsOf(x, primes).map((c) => roundDiv(c * T, product) % T);
    return Uint32Array.from(transform(m, T, 'forward'), Number);
  },

  pack(x, primes = ALL) {
    checkPrimes(primes);
    const bytes = new Uint8Array(packedBytes(primes));
    for (let i = 0; i < primes * DEGREE * RESIDUE_BITS; i++) {
      const bit = (x[Math.floor(i / RESIDUE_BITS)]! >> (i % RESIDUE_BITS)) & 1;
      bytes[i >> 3]! |= bit << (i & 7);
    }
    return bytes;
  },

  unpack(x, bytes, primes = ALL) {
    checkPrimes(primes);
    checkLength('bytes', bytes, packedBytes(primes));
    x.fill(0, 0, primes * DEGREE);
    for (let i = 0; i < primes * DEGREE * RESIDUE_BITS; i++) {
      const bit = (bytes[i >> 3]! >> (i & 7)) & 1;
      x[Math.floor(i / RESIDUE_BITS)]! |= bit << (i % RESIDUE_BITS);
    }
    return x.subarray(0, primes * DEGREE).every((r, i) => BigInt(r) < primeAt(i));
  },
};

/** The prime of the residue at index i of a polynomial. */
function primeAt(i: number): bigint {
  return P[Math.floor(i / DEGREE)]!;
}

function productOf(primes: number): bigint {
  return P.slice(0, primes).reduce((a, b) => a * b, 1n);
}

/** Nearest integer to a / b, a >= 0; ties upwards. */
function roundDiv(a: bigint, b: bigint): bigint {
  return (2n * a + b) / (2n * b);
}

function centre(x: bigint, m: bigint): bigint {
  return 2n * x > m ? x - m : x;
}

function toBigints(slots: Uint32Array): bigint[] {
  checkLength('slots', slots, DEGREE);
  if (slots.some((s) => s >= SLOT_MODULUS)) throw new RangeError('"slots" expected below t');
  return Array.from(slots, BigInt);
}

function setCoefficients(x: Polynomial, primes: number, value: (i: number) => bigint): void {
  for (let i = 0; i < DEGREE; i++) {
    const v = value(i);
    for (let k = 0; k < primes; k++) x[k * DEGREE + i] = Number(mod(v, P[k]!));
  }
}

/** Centred binomials of 21 pairs: bits 0-20 less bits 21-41 of every 64. */
function binomials(stream: Uint8Array): number[] {
  checkLength('stream', stream, BINOMIAL_BYTES);
  const bit = (i: number, k: number): number => (stream[8 * i + (k >> 3)]! >> (k & 7)) & 1;
  return Array.from({ length: DEGREE }, (_, i) => {
    let e = 0;
    for (let k = 0; k < 21; k++) e += bit(i, k) - bit(i, k + 21);
    return e;
  });
}

function addCoefficients(x: Polynomial, value: (i: number) => bigint): void {
  for (let i = 0; i < DEGREE; i++) {
    const v = value(i);
    for (let k = 0; k < ALL; k++) {
      x[k * DEGREE + i] = Number(mod(BigInt(x[k * DEGREE + i]!) + v, P[k]!));
    }
  }
}

/** The coefficients in [0, Q) by the Chinese remainder theorem, Q the product of `primes` primes. */
function coefficientsOf(x: Polynomial, primes: number): bigint[] {
  const product = productOf(primes);
  const units = P.slice(0, primes).map((p) => (product / p) * inverseMod(product / p, p));
  return Array.from({ length: DEGREE }, (_, i) =>
    mod(
      units.reduce((sum, unit, k) => sum + BigInt(x[k * DEGREE + i]!) * unit, 0n),
      product,
    ),
  );
}

function pointwise(
  z: Polynomial,
  x: Polynomial,
  y: Polynomial,
  primes: number,
  op: (a: bigint, b: bigint) => bigint,
): void {
  checkPrimes(primes);
  for (let i = 0; i < primes * DEGREE; i++) {
    z[i] = Number(mod(op(BigInt(x[i]!), BigInt(y[i]!)), primeAt(i)));
  }
}

function transformAll(x: Polynomial, primes: number, direction: 'forward' | 'inverse'): void {
  checkPrimes(primes);
  for (let k = 0; k < primes; k++) {
    const run = x.subarray(k * DEGREE, (k + 1) * DEGREE);
    run.set(transform(Array.from(run, BigInt), P[k]!, direction).map(Number));
  }
}

/**
 * The negacyclic transform: entry j is a(psi^(2 br(j) + 1)). The twist by psi^i turns it into a cyclic
 * one of psi^2, which the textbook recursion on even and odd coefficients computes.
 */
function transform(a: readonly bigint[], p: bigint, direction: 'forward' | 'inverse'): bigint[] {
  const psi = primitiveRoot(DEGREE, p);
  const bits = Math.log2(DEGREE);
  if (direction === 'forward') {
    const values = cyclic(
      a.map((c, i) => (c * power(psi, i, p)) % p),
      (psi * psi) % p,
      p,
    );
    return values.map((_, j) => values[reverseBits(j, bits)]!);
  }
  const inverse = inverseMod(psi, p);
  const scale = inverseMod(BigInt(DEGREE), p);
  const values = a.map((_, j) => a[reverseBits(j, bits)]!);
  const c = cyclic(values, (inverse * inverse) % p, p);
  return c.map((v, i) => (((v * scale) % p) * power(inverse, i, p)) % p);
}

/** a(w^j) for every j, w a root of unity of order a.length. */
function cyclic(a: readonly bigint[], w: bigint, p: bigint): bigint[] {
  if (a.length === 1) return [...a];
  const even = cyclic(
    a.filter((_, i) => i % 2 === 0),
    (w * w) % p,
    p,
  );
  const odd = cyclic(
    a.filter((_, i) => i % 2 === 1),
    (w * w) % p,
    p,
  );
  const result = new Array<bigint>(a.length);
  let wj = 1n;
  for (let j = 0; j < even.length; j++) {
    const t = wj * odd[j]!;
    result[j] = mod(even[j]! + t, p);
    result[j + even.length] = mod(even[j]! - t, p);
    wj = (wj * w) % p;
  }
  return result;
}

const powers = new Map<bigint, bigint[]>();

/** base^i mod p for i below DEGREE, remembered a base. */
function power(base: bigint, i: number, p: bigint): bigint {
  let list = powers.get(base);
  if (!list) {
    list = [1n];
    for (let k = 1; k < DEGREE; k++) list.push((list[k - 1]! * base) % p);
    powers.set(base, list);
  }
  return list[i]!;
}

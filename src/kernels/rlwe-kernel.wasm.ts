import { inverseMod, primitiveRoot, reverseBits } from './number-theory.ts';
import {
  type Accumulator,
  BINOMIAL_BYTES,
  checkLength,
  checkParts,
  checkPrimes,
  DEGREE,
  IRWIN_HALL_BYTES,
  MAX_PRODUCTS,
  type Polynomial,
  PRIMES,
  packedBytes,
  type RlweKernel,
  SLOT_MODULUS,
  TERNARY_BYTES,
  UNIFORM_BYTES,
} from './rlwe-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface RlweExports {
  rlweClear(at: number, bytes: number): void;
  rlweForward(x: number, moduli: number, primes: number): void;
  rlweForwardParts(x: number, shift: number, moduli: number, primes: number): void;
  rlweInverse(x: number, moduli: number, primes: number): void;
  rlweAdd(z: number, x: number, y: number, moduli: number, primes: number): void;
  rlweSubtract(z: number, x: number, y: number, moduli: number, primes: number): void;
  rlweMultiply(z: number, x: number, y: number, moduli: number, primes: number): void;
  rlweMultiplyAdd(acc: number, x: number, y: number, primes: number): void;
  rlweSumProducts(
    z0: number,
    z1: number,
    list: number,
    count: number,
    moduli: number,
    primes: number,
  ): void;
  rlweSumPartProducts(
    targets: number,
    sums: number,
    list: number,
    ys: number,
    count: number,
    shift: number,
    moduli: number,
    primes: number,
  ): void;
  rlweReduce(z: number, acc: number, moduli: number, primes: number): void;
  rlweReduceLanes(acc: number, moduli: number, primes: number): void;
  rlweAddInt32(x: number, values: number, moduli: number, primes: number): void;
  rlweAddWide(x: number, low: number, high: number, moduli: number, primes: number): void;
  rlweEncodeRing(x: number, m: number, qLow: bigint, moduli: number, primes: number): void;
  rlweEncodeSlots(x: number, m: number, slots: number, moduli: number, primes: number): void;
  rlweCentre(m: number, slots: number): void;
  rlweDropPrime(x: number, moduli: number, primes: number): void;
  rlweRound(out: number, x: number, ratio: number, moduli: number, primes: number): void;
  rlweNoisyWords(out: number, x: number, stream: number, values: number, moduli: number): void;
  rlweReduceSlots(out: number, values: number, slots: number): void;
  rlweUniform(x: number, stream: number, words: number, moduli: number, primes: number): number;
  rlweTernary(values: number, stream: number, bytes: number): number;
  rlweBinomial(values: number, stream: number): void;
  rlweIrwinHall(low: number, high: number, stream: number): void;
  rlwePack(out: number, x: number, count: number): void;
  rlweUnpack(x: number, bytes: number, moduli: number, primes: number): number;
}

// Offsets in the block of a prime; assembly/ntt.ts says what stands there.
const DROP = 64;
const HAT = 88;
const RING = 112;
const SLOTS = 128;
const TABLES = 256;
const TABLE_BYTES = 4 * DEGREE;
const BLOCK_BYTES = TABLES + 4 * TABLE_BYTES;

const ALL = PRIMES.length;
const POLYNOMIAL_BYTES = 4 * ALL * DEGREE;
/** Polynomials are taken from the memory in slabs of this many, so that it grows seldom. */
const SLAB = 16;

/**
 * Loads the compiled kernel with a memory of its own: up to 4 GiB, some 60 000 polynomials.
 * Every call is complete when it returns, so several protocol runs may share one kernel.
 */
export function loadWasmRlweKernel(budget?: MemoryBudget): RlweKernel {
  const memory = new WasmMemory<RlweExports>({ budget });
  const { exports } = memory;
  const moduli = memory.allocate(BLOCK_BYTES * (ALL + 1));
  const slotBlock = moduli + ALL * BLOCK_BYTES;
  const q = PRIMES.reduce((product, p) => product * BigInt(p), 1n);
  const qLow = BigInt.asUintN(64, q);
  PRIMES.forEach((p, k) => {
    writeBlock(new DataView(memory.buffer, moduli + k * BLOCK_BYTES, BLOCK_BYTES), BigInt(p), q);
  });
  writeBlock(new DataView(memory.buffer, slotBlock, BLOCK_BYTES), BigInt(SLOT_MODULUS), q);

  // Scratch of single calls: input bytes or words, and 4096 int32.
  const input = memory.allocate(IRWIN_HALL_BYTES); // the longest input
  const inputBytes = new Uint8Array(memory.buffer, input, IRWIN_HALL_BYTES);
  const inputWords = new BigUint64Array(memory.buffer, input, DEGREE);
  const small = memory.allocate(4 * DEGREE);
  const smallValues = new Uint32Array(memory.buffer, small, DEGREE);

  // Addresses of the terms of a sum of products; grows, and is never given back.
  function allocateList(words: number): Uint32Array {
    const address = memory.allocate(4 * words);
    return new Uint32Array(memory.buffer, address, words);
  }
  let list = allocateList(1024);

  const live = new WeakSet<Uint32Array>();
  const free: number[] = [];
  const freeLanes: number[] = [];

  /** Address of a polynomial of this kernel. */
  function at(x: Polynomial): number {
    if (!live.has(x)) throw new TypeError('polynomial expected from allocate() of this kernel');
    return x.byteOffset;
  }

  /** Writes addresses to the list and says where each group of them starts. */
  function listAddresses(...groups: readonly (readonly number[])[]): number[] {
    const count = groups.reduce((sum, { length }) => sum + length, 0);
    if (count > list.length) list = allocateList(2 * count);
    let from = 0;
    return groups.map((addresses) => {
      list.set(addresses, from);
      const start = list.byteOffset + 4 * from;
      from += addresses.length;
      return start;
    });
  }

  function feed(name: string, stream: Uint8Array, expected: number): void {
    checkLength(name, stream, expected);
    inputBytes.set(stream);
  }

  /** values of slots -> coefficients mod t, in the small scratch. */
  function slotCoefficients(slots: Uint32Array): void {
    checkLength('slots', slots, DEGREE);
    for (let i = 0; i < DEGREE; i++) {
      if (slots[i]! >= SLOT_MODULUS)
        throw new RangeError(`"slots" expected below t, got ${slots[i]}`);
    }
    smallValues.set(slots);
    exports.rlweInverse(small, slotBlock, 1);
  }

  return {
    name: 'wasm',

    allocate() {
      if (free.length === 0) {
        const slab = memory.allocate(SLAB * POLYNOMIAL_BYTES);
        for (let i = SLAB - 1; i >= 0; i--) free.push(slab + i * POLYNOMIAL_BYTES);
      }
      const x = new Uint32Array(memory.buffer, free.pop()!, ALL * DEGREE);
      live.add(x);
      return x;
    },

    release(x) {
      const address = at(x);
      exports.rlweClear(address, POLYNOMIAL_BYTES);
      live.delete(x);
      free.push(address);
    },

    accumulator(): Accumulator {
      const lanes = freeLanes.pop() ?? memory.allocate(2 * POLYNOMIAL_BYTES);
      let products = 0;
      let released = false;
      function open(): void {
        if (released) throw new TypeError('accumulator was released');
      }
      return {
        multiplyAdd(a, b) {
          open();
          if (products === MAX_PRODUCTS) {
            exports.rlweReduceLanes(lanes, moduli, ALL);
            products = 1; // a residue is less than one product
          }
          exports.rlweMultiplyAdd(lanes, at(a), at(b), ALL);
          products += 1;
        },
        moveTo(target) {
          open();
          exports.rlweReduce(at(target), lanes, moduli, ALL); // zeroes the lanes
          products = 0;
        },
        release() {
          open();
          released = true;
          exports.rlweClear(lanes, 2 * POLYNOMIAL_BYTES);
          freeLanes.push(lanes);
        },
      };
    },

    uniform(x, stream, primes = ALL) {
      checkPrimes(primes);
      feed('stream', stream, UNIFORM_BYTES);
      if (!exports.rlweUniform(at(x), input, UNIFORM_BYTES / 4, moduli, primes)) throw tooShort();
    },

    ternary(x, stream) {
      feed('stream', stream, TERNARY_BYTES);
      const address = at(x);
      exports.rlweClear(address, POLYNOMIAL_BYTES);
      if (!exports.rlweTernary(small, input, TERNARY_BYTES)) throw tooShort();
      exports.rlweAddInt32(address, small, moduli, ALL);
      wipe(TERNARY_BYTES);
    },

    addBinomial(x, stream) {
      feed('stream', stream, BINOMIAL_BYTES);
      exports.rlweBinomial(small, input);
      exports.rlweAddInt32(at(x), small, moduli, ALL);
      wipe(BINOMIAL_BYTES);
    },

    addIrwinHall(x, stream) {
      feed('stream', stream, IRWIN_HALL_BYTES);
      const address = at(x);
      exports.rlweIrwinHall(input, small, input);
      exports.rlweAddWide(address, input, small, moduli, ALL);
      wipe(IRWIN_HALL_BYTES);
    },

    lift(x, values) {
      checkLength('values', values, DEGREE);
      const address = at(x);
      smallValues.set(values); // same bits
      exports.rlweClear(address, POLYNOMIAL_BYTES);
      exports.rlweAddInt32(address, small, moduli, ALL);
    },

    encodeRing(x, m) {
      checkLength('m', m, DEGREE);
      inputWords.set(m);
      exports.rlweEncodeRing(at(x), input, qLow, moduli, ALL);
    },

    encodeSlots(x, slots) {
      slotCoefficients(slots);
      exports.rlweEncodeSlots(at(x), small, slotBlock, moduli, ALL);
    },

    liftSlots(x, slots) {
      slotCoefficients(slots);
      exports.rlweCentre(small, slotBlock);
      const address = at(x);
      exports.rlweClear(address, POLYNOMIAL_BYTES);
      exports.rlweAddInt32(address, small, moduli, ALL);
    },

    forward(x, primes = ALL) {
      checkPrimes(primes);
      exports.rlweForward(at(x), moduli, primes);
    },

    forwardParts(x, parts) {
      checkParts(parts);
      exports.rlweForwardParts(at(x), Math.log2(parts), moduli, ALL);
    },

    inverse(x, primes = ALL) {
      checkPrimes(primes);
      exports.rlweInverse(at(x), moduli, primes);
    },

    add(z, x, y, primes = ALL) {
      checkPrimes(primes);
      exports.rlweAdd(at(z), at(x), at(y), moduli, primes);
    },

    subtract(z, x, y, primes = ALL) {
      checkPrimes(primes);
      exports.rlweSubtract(at(z), at(x), at(y), moduli, primes);
    },

    multiply(z, x, y, primes = ALL) {
      checkPrimes(primes);
      exports.rlweMultiply(at(z), at(x), at(y), moduli, primes);
    },

    sumProducts(z0, z1, terms) {
      const [at0] = listAddresses(terms.flatMap(({ x0, x1, y }) => [at(x0), at(x1), at(y)]));
      exports.rlweSumProducts(at(z0), at(z1), at0!, terms.length, moduli, ALL);
    },

    sumPartProducts(sums, pairs, parts) {
      checkParts(parts);
      const partBytes = (4 * DEGREE) / parts;
      const addresses = sums.flatMap((sum) => {
        checkLength('parts', sum.parts, pairs.length);
        return sum.parts.map(({ y, part }) => {
          if (part < 0 || part >= parts) throw new RangeError(`no part ${part} of ${parts}`);
          return at(y) + part * partBytes;
        });
      });
      const [targets, of, ys] = listAddresses(
        sums.flatMap(({ z0, z1 }) => [at(z0), at(z1)]),
        pairs.flatMap(({ x0, x1 }) => [at(x0), at(x1)]),
        addresses,
      ) as [number, number, number];
      const [count, shift] = [pairs.length, Math.log2(parts)];
      exports.rlweSumPartProducts(targets, sums.length, of, ys, count, shift, moduli, ALL);
    },

    dropPrime(x, primes) {
      checkPrimes(primes, 2);
      exports.rlweDropPrime(at(x), moduli, primes);
    },

    roundToRing(x, primes = ALL) {
      checkPrimes(primes, 2);
      exports.rlweRound(input, at(x), RING, moduli, primes);
      const m = new BigUint64Array(DEGREE);
      m.set(inputWords);
      return m;
    },

    noisyWords(target, x, stream, values) {
      const address = at(x);
      checkLength('target', target, values.length);
      if (values.length > DEGREE) throw new RangeError('"values" expected at most a polynomial');
      feed('stream', stream, BINOMIAL_BYTES);
      smallValues.set(values); // same bits
      exports.rlweNoisyWords(small, address, input, small, moduli);
      target.set(smallValues.subarray(0, target.length));
      wipe(BINOMIAL_BYTES);
    },

    roundToSlots(x, primes = ALL) {
      checkPrimes(primes, 2);
      exports.rlweRound(input, at(x), SLOTS, moduli, primes);
      exports.rlweReduceSlots(small, input, slotBlock);
      exports.rlweForward(small, slotBlock, 1);
      const slots = new Uint32Array(DEGREE);
      slots.set(smallValues);
      return slots;
    },

    pack(x, primes = ALL) {
      checkPrimes(primes);
      exports.rlwePack(input, at(x), primes * DEGREE);
      const bytes = new Uint8Array(packedBytes(primes));
      bytes.set(inputBytes.subarray(0, bytes.length)); // far faster than a copying constructor
      return bytes;
    },

    unpack(x, bytes, primes = ALL) {
      checkPrimes(primes);
      feed('bytes', bytes, packedBytes(primes));
      return exports.rlweUnpack(at(x), input, moduli, primes) === 1;
    },
  };

  /** Clears what a secret sampling left in the scratch. */
  function wipe(usedBytes: number): void {
    exports.rlweClear(input, usedBytes);
    exports.rlweClear(small, 4 * DEGREE);
  }
}

function tooShort(): Error {
  return new Error('keystream rejected too often: probability below 2^-500 for uniform bytes');
}

/** Fills the block of one prime; the order is that of assembly/ntt.ts. */
function writeBlock(view: DataView, p: bigint, q: bigint): void {
  const put = (offset: number, value: bigint): void => view.setUint32(offset, Number(value), true);
  const putPair = (offset: number, w: bigint): void => {
    put(offset, w);
    put(offset + 4, shoup(w, p));
  };
  const t = BigInt(SLOT_MODULUS);

  put(0, p);
  putPair(4, inverseMod(BigInt(DEGREE), p));
  put(12, shoup(1n, p));
  putPair(16, 2n ** 32n % p);
  put(24, 2n ** 54n / p);
  put(28, 2n ** 63n % p);
  putPair(32, inverseMod(2n ** 64n, p));
  put(40, 2n ** 64n % p);
  put(44, 2n ** 31n % p);
  putPair(48, inverseMod(t, p)); // 0 in the block of t, where it is not used
  putPair(56, q % p);
  for (let primes = 2; primes <= ALL; primes++) {
    const chain = PRIMES.slice(0, primes).map(BigInt);
    const product = chain.reduce((a, b) => a * b, 1n);
    putPair(DROP + 8 * (primes - 2), inverseMod(chain.at(-1)!, p));
    putPair(HAT + 8 * (primes - 2), inverseMod(product / p, p));
  }
  for (const [offset, numerator] of [
    [RING, 2n ** 64n],
    [SLOTS, t],
  ] as const) {
    const fraction = ((numerator % p) << 64n) / p;
    view.setBigUint64(offset, numerator / p, true);
    put(offset + 8, fraction >> 32n);
    put(offset + 12, fraction & 0xffff_ffffn);
  }

  const psi = primitiveRoot(DEGREE, p);
  for (const [table, root] of [
    [TABLES, psi],
    [TABLES + 2 * TABLE_BYTES, inverseMod(psi, p)],
  ] as const) {
    let power = 1n;
    for (let i = 0; i < DEGREE; i++) {
      const entry = table + 4 * reverseBits(i, 12);
      put(entry, power);
      put(entry + TABLE_BYTES, shoup(power, p));
      power = (power * root) % p;
    }
  }
}

/** floor(w 2^32 / p). */
function shoup(w: bigint, p: bigint): bigint {
  return (w << 32n) / p;
}

/**
 * Flooding noise: a rounded Gaussian of standard deviation 2^79 that hides the noise of a slot product
 * from the owner of the secret key. Local steps.
 *
 * A coefficient is hi 2^30 + lo with hi = round(2^49 g), g a standard normal by Box-Muller [BM58], and lo
 * uniform in [-2^29, 2^29). Three reasons why this is as good as the ideal Gaussian:
 *   tail      A radius sqrt(-2 ln u) comes from a uniform u of 64 random bits kept to full relative precision
 *             near 0, so it is cut at sqrt(128 ln 2) = 9.42, where the Gaussian has 2^-64 left.
 *   grid      A double has 53 bits, so 2^49 g is known to half a unit and hi to one. lo fills the unit: the
 *             density is a staircase with treads of 2^30, 2^-49 of the deviation. The noise to be hidden
 *             is wider than a tread, so shifting the staircase by it costs the divergence of the
 *             Gaussian itself up to a small factor.
 *   rounding  ln, sqrt, cos and sin are within an ulp or two, again about one tread.
 * What remains is the shift by the noise v, of divergence |v|^2 / 2 sigma^2 an answer: `floodDistanceBits`.
 *
 * Running time depends on the sampled values a little, as all floating-point code does.
 */
import { DEGREE, type Polynomial, type RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { keystreamWords } from './expand.ts';
import { FLOOD_BITS } from './parameters.ts';

/** Bits of the uniform fill below the floating-point grid. */
const FILL_BITS = 30;
const SCALE = 2 ** (FLOOD_BITS - FILL_BITS);
const TWO_32 = 2 ** 32;
/** Words of 32 bits a coefficient: 64 bits for Box-Muller and the fill. */
const WORDS = 3;

/** x += flooding noise, a fresh draw; coefficients. */
export function addFlood(kernel: RlweKernel, x: Polynomial, rng: Rng): void {
  const words = keystreamWords(rng(SEED_BYTES), 'flood', WORDS * DEGREE);
  const normal = standardNormals(words.subarray(0, 2 * DEGREE));
  kernel.addShifted(x, coarsePart(normal), FILL_BITS);
  kernel.addShifted(x, finePart(words.subarray(2 * DEGREE)), 0);
}

/** Standard normals, one a pair of uniform words: two uniforms give two, [BM58]. */
export function standardNormals(words: Uint32Array): Float64Array {
  const normal = new Float64Array(words.length >> 1);
  for (let i = 0; i + 1 < normal.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(unitInterval(words[2 * i]!, words[2 * i + 1]!)));
    const angle = 2 * Math.PI * unitInterval(words[2 * i + 2]!, words[2 * i + 3]!);
    normal[i] = radius * Math.cos(angle);
    normal[i + 1] = radius * Math.sin(angle);
  }
  return normal;
}

/** (64 bits + 1) / 2^64, in (0, 1]; never 0, and small values keep 53 significant bits. */
function unitInterval(high: number, low: number): number {
  return (high * TWO_32 + low + 1) / (TWO_32 * TWO_32);
}

/** round(2^49 g), below 2^53 in size. Written as words: a BigInt for each would cost more than the rest. */
function coarsePart(normal: Float64Array): BigInt64Array {
  const parts = new BigInt64Array(normal.length);
  const words = new Int32Array(parts.buffer); // little-endian, as WebAssembly is
  for (let i = 0; i < normal.length; i++) {
    const value = Math.round(SCALE * normal[i]!);
    words[2 * i] = value; // a typed array stores integers mod 2^32
    words[2 * i + 1] = Math.floor(value / TWO_32);
  }
  return parts;
}

/** Uniform in [-2^29, 2^29). */
function finePart(words: Uint32Array): BigInt64Array {
  const parts = new BigInt64Array(words.length);
  const halves = new Int32Array(parts.buffer);
  for (let i = 0; i < words.length; i++) {
    halves[2 * i] = words[i]! >> (32 - FILL_BITS); // keeps the sign
    halves[2 * i + 1] = halves[2 * i]! >> 31;
  }
  return parts;
}

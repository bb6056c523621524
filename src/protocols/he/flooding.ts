/**
 * Flooding noise: what hides the noise of a slot product from the owner of the secret key. Local steps.
 *
 * Every coefficient takes a fresh F = U_1 + U_2 + U_3, the U_j independent and uniform on the B = 2^82
 * integers of [-2^81, 2^81). F lies in [-3 2^81, 3 2^81 - 3], always, and has deviation 2^81. Nothing is
 * rounded and nothing is a floating-point number: given uniform bits the distribution is exactly this one.
 *
 * Claim. For fixed integers v_i let D be the total variation distance of (F_i) and (F_i + v_i). Then
 *
 *   D <= sqrt(I sum v_i^2) / 2B (1 + 2^-81),   I = 2 sqrt(3) ln(2 + sqrt(3)) = 4.562,
 *
 * I being the Fisher information of the sum of three uniforms on an interval of length 1. Proof, with f the
 * mass function of F and H^2(v) = 1/2 sum_x (sqrt f(x) - sqrt f(x - v))^2, the squared Hellinger distance:
 *   one step     Write B^3 f as n. From an end, n(x) = (x + 1)(x + 2)/2 for x = 0 ... B - 1, and the step from
 *                x - 1 to x adds (sqrt n(x) - sqrt n(x - 1))^2 = 1/(1 + sqrt(1 - 1/(x + 1)^2)), at most
 *                1/2 + 1/(2 (x + 1)^2): together, both ends, at most B + pi^2/6. This includes the point of one
 *                support that is outside the other. Between, n = (3 B^2 + 1)/4 - y^2 with |y| <= (B - 1)/2 the
 *                distance from the middle, and by Cauchy-Schwarz the steps add at most the integral of
 *                (d sqrt(n)/dy)^2 = y^2/n, below B (I/4 - 1). So H^2(1) <= I/8B^2 + pi^2/12B^3.
 *   many steps   H is the norm of a difference of shifts of one function: H(v) <= |v| H(1). No remainder.
 *   coordinates  1 - H^2 multiplies over independent coordinates, so H^2 adds up at most. Over answers too, a
 *                later one depending on earlier ones: its factor is at least the least over what came before.
 *   distance     D <= sqrt(2) H, [Tsy09] 2.4.1.
 * (Relative entropy would not do: the supports differ, so it is infinite.)
 *
 * What shifts the flood is the noise that depends on the evaluator's data. It is fixed before F is drawn,
 * so the claim holds given all else that the key owner sees; `floodDistanceBits` in parameters.ts puts in
 * its size. test/protocols/he/parameters.test.ts evaluates H and D exactly for small B.
 */
import { IRWIN_HALL_BYTES, type Polynomial, type RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { keystream } from './expand.ts';

/** x += flooding noise, a fresh draw; coefficients. Neither branches nor addresses depend on it. */
export function addFlood(kernel: RlweKernel, x: Polynomial, rng: Rng): void {
  kernel.addIrwinHall(x, keystream(rng(SEED_BYTES), 'flood', IRWIN_HALL_BYTES));
}

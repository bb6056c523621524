/**
 * The momentum schedule of accelerated descent, [Nes83] in the form beta_k = k / (k + 3), capped.
 * It is public: restarting when the objective rises would need the objective, which a joint training
 * never opens. The cap makes the method linearly convergent for condition numbers near 360
 * (beta = (1 - q) / (1 + q), q = 1/19), and damps the oscillation an uncapped schedule shows after
 * 50 iterations; below the cap the first 27 iterations are Nesterov's.
 */
const LARGEST_MOMENTUM = 0.9; // own choice, from the measurements in src/ml/README.md

/** beta of iteration k = 0, 1, ...: after step k, look ahead to v_{k+1} + beta (v_{k+1} - v_k). */
export function acceleration(iteration: number): number {
  return Math.min(iteration / (iteration + 3), LARGEST_MOMENTUM);
}

/** Iterations of solver `auto` when the caller names none; how they were chosen is in src/ml/README.md. */
export const DEFAULT_ITERATIONS = { logistic: 40, linear: 60 } as const;

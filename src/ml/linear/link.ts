/** Scalar functions of generalised linear models: z is the linear predictor, y the label, s = sigmoid(z). */

/** s(z) = 1 / (1 + e^-z), without overflow and to full relative precision for negative z. */
export function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

/** -y log s - (1 - y) log(1 - s) = log(1 + e^z) - y z, without overflow. */
export function logLoss(z: number, y: number): number {
  return Math.max(z, 0) - y * z + Math.log1p(Math.exp(-Math.abs(z)));
}

/** d/dz logLoss = s - y. */
export function logLossGradient(z: number, y: number): number {
  return sigmoid(z) - y;
}

/** (s - y)^2 / 2: squared error of a probability. Not convex in z. */
export function brierLoss(z: number, y: number): number {
  return (sigmoid(z) - y) ** 2 / 2;
}

/** d/dz brierLoss = (s - y) s (1 - s). */
export function brierLossGradient(z: number, y: number): number {
  const s = sigmoid(z);
  return (s - y) * s * sigmoid(-z);
}

/** (z - y)^2 / 2. */
export function squaredError(z: number, y: number): number {
  return (z - y) ** 2 / 2;
}

/** d/dz squaredError = z - y. */
export function squaredErrorGradient(z: number, y: number): number {
  return z - y;
}

/** Bounds on the absolute second derivative in z of the losses above: the `curvature` of whitening. */
export const CURVATURE = {
  logLoss: 1 / 4, // s (1 - s) at s = 1/2
  brierLoss: 0.0771, // |s (1 - s)^2 (3 s - 1)|, largest at s = .616
  squaredError: 1,
} as const;

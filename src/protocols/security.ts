/** Computational security parameter in bits: AES keys, IKNP columns, curve order. */
export const KAPPA = 128;

/** Statistical security parameter in bits: false positives, masks that are not uniform. */
export const SIGMA = 40;

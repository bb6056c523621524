import { ELEMENT_BYTES } from './vole.ts';

/** Element i of a vector, as a view. */
export function element(x: Uint8Array, i: number): Uint8Array {
  return x.subarray(i * ELEMENT_BYTES, (i + 1) * ELEMENT_BYTES);
}

/** x += y for short vectors of as many bytes. */
export function addInto(x: Uint8Array, y: Uint8Array): void {
  for (let i = 0; i < x.length; i++) x[i]! ^= y[i]!;
}

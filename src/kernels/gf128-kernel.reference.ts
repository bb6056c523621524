import { checkElement, checkElements, ELEMENT_BYTES, type Gf128Kernel } from './gf128-kernel.ts';

/** z^128 + z^7 + z^2 + z + 1 */
const MODULUS = (1n << 128n) | 0x87n;

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceGf128Kernel: Gf128Kernel = {
  name: 'reference',

  multiplier(element) {
    checkElement(element);
    const fixed = toInteger(element);
    return {
      multiplyAdd(dst, src) {
        checkElements(dst, src);
        for (let at = 0; at < dst.length; at += ELEMENT_BYTES) {
          const sum = toInteger(dst.subarray(at, at + ELEMENT_BYTES));
          const product = multiply(fixed, toInteger(src.subarray(at, at + ELEMENT_BYTES)));
          dst.set(toElement(sum ^ product), at);
        }
      },
    };
  },
};

/** The product of two polynomials of degree below 128, reduced. */
export function multiply(x: bigint, y: bigint): bigint {
  let product = 0n;
  for (let i = 0n; i < 128n; i++) if ((y >> i) & 1n) product ^= x << i;
  for (let i = 254n; i >= 128n; i--) if ((product >> i) & 1n) product ^= MODULUS << (i - 128n);
  return product;
}

export function toInteger(element: Uint8Array): bigint {
  return element.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function toElement(value: bigint): Uint8Array {
  return Uint8Array.from({ length: ELEMENT_BYTES }, (_, i) =>
    Number((value >> BigInt(8 * i)) & 255n),
  );
}

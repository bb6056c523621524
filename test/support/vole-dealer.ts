import { loadWasmGf128Kernel } from '../../src/kernels/gf128-kernel.wasm.ts';
import type { VoleSource } from '../../src/protocols/vole/vole.ts';
import { ELEMENT_BYTES } from '../../src/protocols/vole/vole.ts';
import { seededRng } from './seeded-rng.ts';

/**
 * The ideal functionality: a trusted dealer that sends nothing. Every pair of ends that is set up gets
 * the same Delta and the same vectors, all from the seed: one session a dealer.
 */
export function voleDealer(seed: string): VoleSource & { readonly delta: Uint8Array } {
  const delta = seededRng(`${seed} delta`)(ELEMENT_BYTES);
  const deal = (call: number, k: number) => {
    const rng = seededRng(`${seed} ${call}`);
    return { a: rng(ELEMENT_BYTES * k), c: rng(ELEMENT_BYTES * k) };
  };
  return {
    delta,

    async receiver() {
      let calls = 0;
      return {
        async extend(k) {
          const { a, c } = deal(calls++, k);
          return { a, c: async () => c };
        },
      };
    },

    async sender() {
      let calls = 0;
      const multiplier = loadWasmGf128Kernel().multiplier(delta);
      return {
        multiplyAdd: (dst, src) => multiplier.multiplyAdd(dst, src),
        async extend(k) {
          const { a, c } = deal(calls++, k);
          multiplier.multiplyAdd(c, a); // B = C + Delta A
          return c;
        },
      };
    },
  };
}

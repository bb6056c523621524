import { loadWasmRlweKernel } from '../../src/kernels/rlwe-kernel.wasm.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import { HeSession } from '../../src/protocols/he/session.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';
import { seededRng } from './seeded-rng.ts';

/** One kernel for both parties: their polynomials are apart all the same. */
export const heKernel = loadWasmRlweKernel();

/** Two parties that have exchanged keys, and a fresh channel between them. */
export async function hePair(
  options: MemoryChannelOptions = {},
  seed: string | number = 'he',
): Promise<{ alice: HeSession; bob: HeSession; chA: Channel; chB: Channel }> {
  const [keysA, keysB] = memoryChannelPair();
  const [alice, bob] = await Promise.all([
    HeSession.setup(keysA, heKernel, seededRng(`${seed}A`)),
    HeSession.setup(keysB, heKernel, seededRng(`${seed}B`)),
  ]);
  const [chA, chB] = memoryChannelPair(options);
  return { alice, bob, chA, chB };
}

/** The highest address that the next 64 polynomials have: grows when a protocol keeps what it took. */
export function highestPolynomial(): number {
  const taken = Array.from({ length: 64 }, () => heKernel.allocate());
  const highest = Math.max(...taken.map((x) => x.byteOffset));
  for (const x of taken) heKernel.release(x);
  return highest;
}

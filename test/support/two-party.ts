import type { Channel } from '../../src/protocols/channel.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';

/** Runs both roles against each other in memory and returns both outputs and both channels. */
export async function runTwoParty<A, B>(
  alice: (ch: Channel) => Promise<A>,
  bob: (ch: Channel) => Promise<B>,
  options: MemoryChannelOptions = {},
): Promise<{ a: A; b: B; chA: Channel; chB: Channel }> {
  const [chA, chB] = memoryChannelPair(options);
  const [a, b] = await Promise.all([alice(chA), bob(chB)]);
  return { a, b, chA, chB };
}

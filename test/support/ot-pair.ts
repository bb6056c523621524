import type { Channel } from '../../src/protocols/channel.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';
import { OtReceiver, OtSender } from '../../src/protocols/ot/ot-extension.ts';
import { seededRng } from './seeded-rng.ts';

export interface OtPair {
  readonly sender: OtSender;
  readonly receiver: OtReceiver;
  readonly chSender: Channel;
  readonly chReceiver: Channel;
}

/** Both roles of one OT extension, set up over a memory channel; the sender holds the first end. */
export async function otPair(seed: string, options: MemoryChannelOptions = {}): Promise<OtPair> {
  const [chSender, chReceiver] = memoryChannelPair(options);
  const [sender, receiver] = await Promise.all([
    OtSender.setup(chSender, seededRng(`${seed} sender`)),
    OtReceiver.setup(chReceiver, seededRng(`${seed} receiver`)),
  ]);
  return { sender, receiver, chSender, chReceiver };
}

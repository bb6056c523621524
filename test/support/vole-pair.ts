import type { Channel } from '../../src/protocols/channel.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';
import type { KeyPairs } from '../../src/protocols/ot/base-ot.ts';
import { bitAt } from '../../src/protocols/primitives/bits.ts';
import { SilentVoleReceiver, SilentVoleSender } from '../../src/protocols/vole/silent-vole.ts';
import type { VoleOptions } from '../../src/protocols/vole/vole.ts';
import { seededRng } from './seeded-rng.ts';

export interface VolePair {
  readonly receiver: SilentVoleReceiver;
  readonly sender: SilentVoleSender;
  readonly chReceiver: Channel;
  readonly chSender: Channel;
  readonly delta: Uint8Array;
}

export interface VolePairOptions extends MemoryChannelOptions {
  readonly delta?: Uint8Array;
  readonly wrapReceiver?: (ch: Channel) => Channel;
  readonly wrapSender?: (ch: Channel) => Channel;
  readonly receiverOptions?: VoleOptions;
  readonly senderOptions?: VoleOptions;
}

/** What 128 base OTs give for these choices, from a dealer. */
export function dealtBaseOts(seed: string, delta: Uint8Array): KeyPairs & { chosen: Uint8Array } {
  const rng = seededRng(`${seed} base`);
  const [k0, k1] = [rng(16 * 128), rng(16 * 128)];
  const chosen = k0.map((byte, at) => (bitAt(delta, at >> 4) ? k1[at]! : byte));
  return { k0, k1, chosen };
}

/** Both ends of one silent VOLE on dealt base OTs; the receiver holds the first end of the channel. */
export async function volePair(seed: string, options: VolePairOptions = {}): Promise<VolePair> {
  const same = (ch: Channel) => ch;
  const { wrapReceiver = same, wrapSender = same } = options;
  const { delta = seededRng(`${seed} delta`)(16) } = options;
  const { chosen, ...pairs } = dealtBaseOts(seed, delta);
  const [chReceiver, chSender] = memoryChannelPair(options);
  const rng = (role: string) => seededRng(`${seed} ${role}`);
  const [receiver, sender] = await Promise.all([
    SilentVoleReceiver.over(
      wrapReceiver(chReceiver),
      pairs,
      rng('receiver'),
      options.receiverOptions,
    ),
    SilentVoleSender.over(
      wrapSender(chSender),
      delta,
      chosen,
      rng('sender'),
      options.senderOptions,
    ),
  ]);
  return { receiver, sender, chReceiver, chSender, delta };
}

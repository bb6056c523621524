/**
 * Which run made the shares that two parties hold. Shares of different runs add up to noise, and no
 * later check would notice.
 */
import { createHash } from 'node:crypto';
import { SharesOrigin } from '../../../../proto/gen/linear.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { checkLength } from '../../../protocols/primitives/words.ts';
import type { PeerLink } from '../program.ts';

export const ORIGIN_BYTES = 32;

/** A name for the shares that are made over this link: the same at both ends, another every time. */
export function newOrigin(link: PeerLink): Promise<Uint8Array> {
  return link.deriveKey('shares origin', ORIGIN_BYTES);
}

/** Whether both parties hold shares of one run, after the same step of it. One message each way. */
export async function haveOneOrigin(
  channel: Channel,
  origin: Uint8Array,
  step: number,
): Promise<boolean> {
  const own = createHash('sha256')
    .update('entente/shares-origin/v1')
    .update(origin)
    .update(String(step))
    .digest();
  await channel.send(SharesOrigin, { digest: own });

  const { digest } = await channel.receive(SharesOrigin);
  checkLength(digest, own.length);
  return own.equals(digest);
}

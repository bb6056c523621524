/**
 * Which run made the shares that two parties hold, or the splits of one forest. Shares of different runs add up
 * to noise, splits of different runs send rows anywhere, and no later check would notice.
 */
import { createHash } from 'node:crypto';
import { SharesOrigin } from '../../../../proto/gen/linear.ts';
import { RunName } from '../../../../proto/gen/trees.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { checkLength } from '../../../protocols/primitives/words.ts';
import type { PeerLink, ProgramContext } from '../program.ts';
import { TaskError, type TaskErrorCode } from '../task-error.ts';
import type { DataHolders } from './data-holders.ts';

export const ORIGIN_BYTES = 32;

/** A name for the shares that are made over this link: the same at both ends, another every time. */
export function newOrigin(link: PeerLink): Promise<Uint8Array> {
  return link.deriveKey('shares origin', ORIGIN_BYTES);
}

/** A name for a run of several data holders: the label holder, who is the first, tells it to the others. */
export async function namedRun(
  { link, rng }: Pick<ProgramContext, 'link' | 'rng'>,
  { all, me, others }: DataHolders,
): Promise<Uint8Array> {
  if (me > 0) {
    const { origin } = await link(all[0]!.name).channel.fork('origin').receive(RunName);
    checkLength(origin, ORIGIN_BYTES);
    return new Uint8Array(origin);
  }
  const origin = rng(ORIGIN_BYTES);
  await Promise.all(
    others.map(({ name }) => link(name).channel.fork('origin').send(RunName, { origin })),
  );
  return origin;
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

/**
 * As `haveOneOrigin` between the label holder and each other data holder. Throws `TaskError` of the code where one
 * holds something else; `what` they hold stands in its message.
 */
export async function requireOneOrigin(
  { link }: Pick<ProgramContext, 'link'>,
  { all, me, others }: DataHolders,
  mine: { readonly origin: Uint8Array; readonly step: number; readonly label: string },
  failure: { readonly code: TaskErrorCode; readonly what: string },
): Promise<void> {
  const peers = me === 0 ? others : [all[0]!];
  const same = await Promise.all(
    peers.map(({ name }) =>
      haveOneOrigin(link(name).channel.fork(mine.label), mine.origin, mine.step),
    ),
  );
  if (!same.every(Boolean)) throw new TaskError(failure.code, failure.what);
}

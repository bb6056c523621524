import type { HintKernel } from '../../../kernels/hint-kernel.ts';
import type { RlweKernel } from '../../../kernels/rlwe-kernel.ts';
import type { Channel } from '../../../protocols/channel.ts';
import type { DisclosureLedger } from '../../../protocols/disclosure.ts';
import { HeSession } from '../../../protocols/he/session.ts';
import { OtReceiver, OtSender } from '../../../protocols/ot/ot-extension.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';

/** Arithmetic of ciphertexts and hints; the label holder needs no hints. */
export interface TreeKernels {
  readonly rlwe: RlweKernel;
  readonly hint: HintKernel;
}

/** The label holder's link to one feature holder. */
export interface HostLink {
  readonly name: string;
  readonly channel: Channel;
}

/** What both sides of a link use of it: sub-channels with an order of their own. */
interface Lanes {
  readonly trees: Channel;
  readonly buckets: Channel;
  readonly routing: Channel;
}

/** The label holder towards one feature holder, ready to use. */
export interface HostSession extends Lanes {
  readonly name: string;
  readonly he: HeSession;
  readonly ot: OtReceiver;
}

/** A feature holder towards the label holder. */
export interface OwnSession extends Lanes {
  readonly he: HeSession;
  readonly ot: OtSender;
}

/** Keys and oblivious transfers with every feature holder, fresh for this run. */
export function setupHosts(
  links: readonly HostLink[],
  kernel: RlweKernel,
  rng: Rng,
): Promise<HostSession[]> {
  return Promise.all(
    links.map(async ({ name, channel }) => {
      const [he, ot] = await Promise.all([
        HeSession.setup(channel.fork('he'), kernel, rng),
        OtReceiver.setup(channel, rng),
      ]);
      return { name, he, ot, ...lanesOf(channel) };
    }),
  );
}

/** The same at a feature holder: it sends the transfers. */
export async function setupHost(
  channel: Channel,
  kernel: RlweKernel,
  rng: Rng,
): Promise<OwnSession> {
  const [he, ot] = await Promise.all([
    HeSession.setup(channel.fork('he'), kernel, rng),
    OtSender.setup(channel, rng),
  ]);
  return { he, ot, ...lanesOf(channel) };
}

function lanesOf(channel: Channel): Lanes {
  return {
    trees: channel.fork('trees'),
    buckets: channel.fork('buckets'),
    routing: channel.fork('routing'),
  };
}

/** Whom a run's openings concern, and who records them. */
export interface Opening {
  readonly ledger: DisclosureLedger;
  /** Its name in the contract. */
  readonly labelHolder: string;
}

/** Called after every round; used for progress and cancellation. */
export type OnRound = (round: number, rounds: number) => Promise<void> | void;

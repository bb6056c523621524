import type { RingKernel } from '../../../kernels/ring-kernel.ts';
import type { RlweKernel } from '../../../kernels/rlwe-kernel.ts';
import type { Channel } from '../../../protocols/channel.ts';
import type { DisclosureLedger } from '../../../protocols/disclosure.ts';
import { HeSession } from '../../../protocols/he/session.ts';
import { OtReceiver, OtSender } from '../../../protocols/ot/ot-extension.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import type { LinkContext, VerticalRole } from './link.ts';
import type { ProductContext } from './products.ts';

/** Kernels chosen once, in the composition root. */
export interface LinearKernels {
  readonly ring: RingKernel;
  readonly rlwe: RlweKernel;
}

/** Everything that a joint linear model needs at one party, ready to use. */
export interface TrainingContext extends LinkContext, ProductContext {
  readonly ledger: DisclosureLedger;
  /** Names of both parties, label holder first, for the ledger. */
  readonly parties: readonly [labelHolder: string, featureHolder: string];
  /** Loss of a logistic model; null for linear regression. */
  readonly loss: 'logloss' | 'mse' | null;
}

export interface ContextOptions {
  readonly role: VerticalRole;
  readonly parties: readonly [labelHolder: string, featureHolder: string];
  readonly loss: 'logloss' | 'mse' | null;
  readonly kernels: LinearKernels;
  readonly ledger: DisclosureLedger;
}

/**
 * Sets up keys and oblivious transfers between the two parties, fresh for this run.
 *
 * The feature holder sends the oblivious transfers: the label holder's link answers are small and the
 * feature holder's waves are not, so this direction balances the traffic.
 */
export async function setupTraining(
  ch: Channel,
  options: ContextOptions,
  rng: Rng,
): Promise<TrainingContext> {
  const { role, kernels } = options;
  const labelHolder = role === 'label_holder';
  const he = await HeSession.setup(ch.fork('he'), kernels.rlwe, rng);
  const ot = labelHolder ? await OtReceiver.setup(ch, rng) : await OtSender.setup(ch, rng);
  const labelBlock = ch.fork('label-block');
  const featureBlock = ch.fork('feature-block');
  return {
    role,
    he,
    ot,
    ring: kernels.ring,
    channel: ch.fork('link'),
    ownBlock: labelHolder ? labelBlock : featureBlock,
    peerBlock: labelHolder ? featureBlock : labelBlock,
    ledger: options.ledger,
    parties: options.parties,
    loss: options.loss,
    rng,
  };
}

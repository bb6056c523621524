import type { Channel } from '../../../protocols/channel.ts';
import type { HeSession } from '../../../protocols/he/session.ts';
import type { OtReceiver, OtSender } from '../../../protocols/ot/ot-extension.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';

/** The two roles of a vertical model. The label holder evaluates the link: it alone knows y. */
export type VerticalRole = 'label_holder' | 'feature_holder';

/** What the step from logits to errors needs at either party. */
export interface LinkContext {
  readonly role: VerticalRole;
  readonly he: HeSession;
  readonly ot: OtSender | OtReceiver;
  readonly channel: Channel;
  readonly rng: Rng;
}

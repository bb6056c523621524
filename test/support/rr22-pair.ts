import type { Channel } from '../../src/protocols/channel.ts';
import { type Rr22Options, Rr22Receiver, Rr22Sender } from '../../src/protocols/psi/rr22-oprf.ts';
import { seededRng } from './seeded-rng.ts';
import { voleDealer } from './vole-dealer.ts';

export interface Rr22Session {
  readonly receiver: Rr22Receiver;
  readonly sender: Rr22Sender;
}

/** Both roles of a session, set up; correlations from a dealer of this seed unless `vole` makes them. */
export async function rr22Session(
  chR: Channel,
  chS: Channel,
  seed: string,
  options: Partial<Rr22Options> = {},
): Promise<Rr22Session> {
  const own = { vole: voleDealer(seed), ...options };
  const [receiver, sender] = await Promise.all([
    Rr22Receiver.setup(chR, seededRng(`${seed} R`), own),
    Rr22Sender.setup(chS, seededRng(`${seed} S`), own),
  ]);
  return { receiver, sender };
}

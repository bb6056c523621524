import type { Channel } from '../../src/protocols/channel.ts';
import { Rr22Receiver, Rr22Sender } from '../../src/protocols/psi/rr22-oprf.ts';
import type { VoleSource } from '../../src/protocols/vole/vole.ts';
import { seededRng } from './seeded-rng.ts';
import { voleDealer } from './vole-dealer.ts';

export interface Rr22Session {
  readonly receiver: Rr22Receiver;
  readonly sender: Rr22Sender;
}

/** Both roles of a session, set up; correlations from a dealer unless `vole` makes them. */
export async function rr22Session(
  chR: Channel,
  chS: Channel,
  seed: string,
  vole: VoleSource = voleDealer(seed),
): Promise<Rr22Session> {
  const [receiver, sender] = await Promise.all([
    Rr22Receiver.setup(chR, seededRng(`${seed} R`), { vole }),
    Rr22Sender.setup(chS, seededRng(`${seed} S`), { vole }),
  ]);
  return { receiver, sender };
}

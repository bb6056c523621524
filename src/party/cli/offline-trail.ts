import { systemRng } from '../../protocols/primitives/rng.ts';
import { openAudit } from '../audit/open-audit.ts';
import type { Trail } from '../audit/trail.ts';
import { systemClock } from '../clock.ts';
import type { NodeConfig } from '../config.ts';
import { identityOf, sealOf } from '../node-identity.ts';
import type { Store } from '../store.ts';

/** Lets a command on the store of a stopped node write into its audit log. */
export async function withTrail<T>(
  store: Store,
  config: NodeConfig,
  use: (trail: Trail) => Promise<T>,
): Promise<T> {
  const seal = await sealOf(config);
  const identity = await identityOf(config, seal);
  const now = (): number => systemClock.now();
  const { log, trail } = await openAudit(config, { identity, seal, store, now, rng: systemRng });
  try {
    return await use(trail);
  } finally {
    await log.close();
  }
}

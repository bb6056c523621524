import type { Rng } from '../../protocols/primitives/rng.ts';
import type { NodeConfig } from '../config.ts';
import type { Identity, SealOptions } from '../identity.ts';
import { auditFolder } from '../node-folders.ts';
import type { Store } from '../store.ts';
import { AuditLog, isSigned } from './audit-log.ts';
import { type LogKey, logKey } from './log-key.ts';
import { openLogKeyFile } from './log-key-file.ts';
import { type StoredSalts, storedSalts } from './stored-salts.ts';
import { type Trail, trailInto } from './trail.ts';

/** A node's audit log with what writes into it. */
export interface NodeAudit {
  readonly log: AuditLog;
  readonly key: LogKey;
  readonly trail: Trail;
  readonly salts: StoredSalts;
}

export interface NodeAuditDeps {
  readonly identity: Identity;
  readonly seal: SealOptions;
  readonly store: Store;
  /** Unix ms. */
  readonly now: () => number;
  readonly rng: Rng;
}

/** Opens the audit log of a node; its key is made at the first start. Close the log before the store. */
export async function openAudit(
  config: Pick<NodeConfig, 'dataDir'>,
  { identity, seal, store, now, rng }: NodeAuditDeps,
): Promise<NodeAudit> {
  const file = await openLogKeyFile(config.dataDir, seal, { isSigned: await isSigned(store) });
  const key = logKey(identity, file, now);
  const log = await AuditLog.open({ folder: auditFolder(config) }, { store, key });
  return { log, key, trail: trailInto(log, { now, rng }), salts: storedSalts(store, rng) };
}

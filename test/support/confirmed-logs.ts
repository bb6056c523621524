import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { AuditLog } from '../../src/party/audit/audit-log.ts';
import { type LogKey, logKey } from '../../src/party/audit/log-key.ts';
import {
  type LogWitness,
  logWitness,
  type WitnessRecord,
} from '../../src/party/audit/log-witness.ts';
import { type Trail, trailInto } from '../../src/party/audit/trail.ts';
import { Store } from '../../src/party/store.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { SAMPLE_BODIES } from './audit-entries.ts';
import { keyRing, NOW, type TestIdentity, testIdentity } from './contracts.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

/** A party with a log on the disk. */
export interface LogParty {
  readonly identity: TestIdentity;
  readonly key: LogKey;
  readonly store: Store;
  readonly log: AuditLog;
  readonly trail: Trail;
  readonly witness: LogWitness;
  /** Appends entries about nothing. */
  write(entries: number): Promise<void>;
}

/** What a store keeps of other parties' logs. */
export function witnessRecords({
  store,
}: Pick<LogParty, 'store'>): Promise<readonly (readonly [party: string, record: WitnessRecord])[]> {
  return store.table<WitnessRecord>('auditWitnesses').list();
}

/** A log of the same party with another history, as an older copy of its disk has; maybe another key. */
export type OtherLog = (of: LogParty, hasNewKey?: boolean) => Promise<LogParty>;

/** Parties with logs, whose key rings know all of them. */
export async function withLogParties(
  names: readonly string[],
  use: (parties: readonly LogParty[], other: OtherLog) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const opened: LogParty[] = [];
    const identities = names.map(testIdentity);
    const open = async (identity: TestIdentity, key: LogKey, path: string): Promise<LogParty> => {
      const store = await Store.open(join(directory, path, 'store'));
      const log = await AuditLog.open({ folder: join(directory, path, 'audit') }, { store, key });
      const trail = trailInto(log, { now: () => NOW, rng: systemRng });
      const witness = logWitness({ log, key, keys: keyRing(identities), store });
      const party: LogParty = {
        identity,
        key,
        store,
        log,
        trail,
        witness,
        async write(entries) {
          for (let i = 0; i < entries; i++) await trail.record('policy', {}, SAMPLE_BODIES.policy);
        },
      };
      opened.push(party);
      return party;
    };
    try {
      const parties: LogParty[] = [];
      for (const identity of identities) {
        parties.push(await open(identity, newKey(identity), identity.signer.name));
      }
      await use(parties, ({ identity, key }, hasNewKey = false) =>
        open(identity, hasNewKey ? newKey(identity) : key, `other-${opened.length}`),
      );
    } finally {
      for (const { log, store } of opened) {
        await log.close();
        await store.close();
      }
    }
  });
}

function newKey({ signer }: TestIdentity): LogKey {
  return logKey(signer, generateKeyPairSync('ed25519').privateKey, () => NOW);
}

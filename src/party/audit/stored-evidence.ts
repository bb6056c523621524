/** What a node's own store and log give to its evidence. */
import type { Offer } from '../consensus/offers.ts';
import type { ConsensusRecords } from '../consensus/records.ts';
import type { DisclosureRecord } from '../disclosure-ledger.ts';
import type { Identity } from '../identity.ts';
import type { Store } from '../store.ts';
import type { AuditLog } from './audit-log.ts';
import { decodeEntry } from './entry.ts';
import type { OpeningLine } from './evidence/bundle.ts';
import type { EvidenceSource } from './evidence/export.ts';
import { partyKey } from './evidence/keys.ts';
import type { LogKeyCertificate } from './log-key.ts';
import type { WitnessRecord } from './log-witness.ts';
import type { StoredSalts } from './stored-salts.ts';
import type { Trail } from './trail.ts';

export interface StoredEvidenceDeps {
  readonly identity: Pick<Identity, 'name' | 'certificatePem'>;
  /** The pinned peers. */
  readonly peers: () => readonly Pick<Identity, 'name' | 'certificatePem'>[];
  readonly store: Store;
  readonly records: Pick<ConsensusRecords, 'find' | 'certificate' | 'vote' | 'opening'>;
  readonly log: AuditLog;
  readonly logKey: LogKeyCertificate;
  readonly trail: Trail;
  readonly salts: Pick<StoredSalts, 'saltOf'>;
}

/** A node's evidence. */
export function storedEvidence(deps: StoredEvidenceDeps): EvidenceSource {
  const { identity, peers, store, records, log, logKey, trail } = deps;
  const witnesses = store.table<WitnessRecord>('auditWitnesses');
  const cosigners = store.table<StoredCosignature>('auditCosigners');
  return {
    party: identity.name,
    log,
    logKey,
    trail,
    identities: () =>
      [identity, ...peers()].map(({ name, certificatePem }) => partyKey(name, certificatePem)),
    logKeys: async () => (await witnesses.list()).map(([, record]) => record.logKey),
    async cosigned() {
      const byParty = (await witnesses.list()).flatMap(([witness, { own }]) =>
        own ? [{ witness, note: own.note }] : [],
      );
      const byOthers = (await cosigners.list()).map(([witness, { note }]) => ({ witness, note }));
      return [...byParty, ...byOthers];
    },
    contract: async (task) => (await records.find(task))?.contract ?? null,
    certificate: async (task) => (await records.certificate(task))?.certificate ?? null,
    isDecided: async (task) => (await records.find(task))?.state === 'finished',
    openings: (task) => openingsOf(deps, task),
  };
}

/** The last state of this log that a witness cosigned that has no log of its own. */
export interface StoredCosignature {
  readonly size: number;
  readonly note: string;
}

/** What opens this node's own commitments, of values only those that it may read itself. */
async function* openingsOf(
  { identity: { name }, store, records, log, salts: kept }: StoredEvidenceDeps,
  task: string,
): AsyncGenerator<OpeningLine> {
  const own = (await records.vote(task, name))?.opening;
  if (own) yield { line: 'opening', of: 'rule', rule: own.rule, salt: own.salt };

  const contract = (await records.find(task))?.contract;
  const dataset = contract?.parties.find((each) => each.name === name)?.dataset;
  const offer = dataset && (await store.table<Offer>('offers').get(dataset.commitment));
  if (offer) yield { line: 'opening', of: 'dataset', salt: offer.salt, digest: offer.digest };

  const salts = new Map<string, string>();
  for (const [, row] of await store.table<DisclosureRecord>('disclosures').list(task)) {
    if (row.value && row.to.includes(name)) salts.set(row.value.commitment, row.value.salt);
  }
  for (const index of await log.taskIndices(task)) {
    const entry = decodeEntry(await log.entry(index));
    if (entry.kind === 'disclosure' && entry.body.value !== null) {
      const salt = salts.get(entry.body.value);
      if (salt !== undefined) yield { line: 'opening', of: 'value', index, salt };
    }
    if (entry.kind === 'delivery' && entry.body.value !== null) {
      const salt = await kept.saltOf(entry.body.value);
      if (salt !== undefined) yield { line: 'opening', of: 'value', index, salt };
    }
    if (entry.kind !== 'result' || entry.body.receipt.body.signer !== name) continue;
    for (const field of ['model', 'metrics'] as const) {
      const opening = await records.opening(task, entry.attempt!, field);
      if (opening) {
        yield { line: 'opening', of: 'result', attempt: entry.attempt!, field, ...opening };
      }
    }
  }
}

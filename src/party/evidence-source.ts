/** Where a node's evidence comes from: its log, its store, what others confirmed. */
import { decodeEntry, type Entry } from './audit/entry.ts';
import type { OpeningLine } from './audit/evidence/bundle.ts';
import type { EvidenceSource } from './audit/evidence/export.ts';
import type { LogWitness } from './audit/log-witness.ts';
import type { NodeAudit } from './audit/open-audit.ts';
import type { ConsensusRecords } from './consensus/records.ts';
import { disclosuresOf } from './disclosure-ledger.ts';
import type { Store } from './store.ts';

export interface EvidenceDeps {
  /** This node's name. */
  readonly party: string;
  readonly audit: NodeAudit;
  readonly witness: Pick<LogWitness, 'records'>;
  readonly records: ConsensusRecords;
  readonly store: Store;
  /** This node's identity and its peers'. */
  readonly identities: EvidenceSource['identities'];
}

export function evidenceSource({
  party,
  audit,
  witness,
  records,
  store,
  identities,
}: EvidenceDeps): EvidenceSource {
  const { log, key, trail } = audit;
  return {
    party,
    log,
    logKey: key.certificate,
    trail,
    identities,
    logKeys: async () => (await witness.records()).map(([, { logKey }]) => logKey),
    cosigned: async () =>
      (await witness.records()).flatMap(([name, { own }]) =>
        own ? [{ witness: name, note: own.note }] : [],
      ),
    contract: async (task) => (await records.find(task))?.contract ?? null,
    certificate: async (task) => (await records.certificate(task))?.certificate ?? null,

    async *openings(task) {
      const values = (await disclosuresOf(store, task)).flatMap(({ value }) => value ?? []);
      const salts = new Map(values.map(({ commitment, salt }) => [commitment, salt]));
      for (const index of await log.taskIndices(task)) {
        const entry = decodeEntry(await log.entry(index));
        yield* resultOpenings(entry, task);
        const { body } = entry;
        if (!('value' in body) || body.value === null) continue;
        const salt = salts.get(body.value) ?? (await audit.salts.saltOf(body.value));
        if (salt !== undefined) yield { line: 'opening', of: 'value', index, salt };
      }
      const rule = (await records.vote(task, party))?.opening;
      if (rule) yield { line: 'opening', of: 'rule', rule: rule.rule, salt: rule.salt };
    },
  };

  /** What opens this node's own receipt. */
  async function* resultOpenings(entry: Entry, task: string): AsyncGenerator<OpeningLine, void> {
    if (entry.kind !== 'result' || entry.body.receipt.body.signer !== party) return;
    const attempt = entry.attempt!;
    for (const field of ['model', 'metrics'] as const) {
      const opening = await records.opening(task, attempt, field);
      if (opening) yield { line: 'opening', of: 'result', attempt, field, ...opening };
    }
  }
}

/**
 * The log of a stopped node in memory, with the node's own keys: for what a node could do that deviates.
 * Nothing of it is written back.
 */
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import { decodeEntry } from '../../src/party/audit/entry.ts';
import type { EvidenceSource } from '../../src/party/audit/evidence/export.ts';
import { partyKey } from '../../src/party/audit/evidence/keys.ts';
import { openAudit } from '../../src/party/audit/open-audit.ts';
import { storedEvidence } from '../../src/party/audit/stored-evidence.ts';
import { trailInto } from '../../src/party/audit/trail.ts';
import { loadConfig } from '../../src/party/config.ts';
import type { StartCertificate } from '../../src/party/consensus/certificate.ts';
import type { Contract } from '../../src/party/consensus/contract.ts';
import { consensusRecords } from '../../src/party/consensus/records.ts';
import { readPeers } from '../../src/party/live-peers.ts';
import { storeFolder } from '../../src/party/node-folders.ts';
import { identityOf, sealOf } from '../../src/party/node-identity.ts';
import { Store } from '../../src/party/store.ts';
import { type EvidenceParty, MemoryLog } from './evidence.ts';
import { seededRng } from './seeded-rng.ts';

/** What a node has of its log and of some tasks. */
export interface NodeEvidence {
  readonly party: EvidenceParty;
  /** Of a task; with another log, that of a node that rewrote its own. */
  source(task: string, log?: MemoryLog): EvidenceSource;
}

/** Reads the log of a stopped node, and what it has of these tasks. */
export async function nodeEvidence(
  node: Organisation,
  tasks: readonly string[],
): Promise<NodeEvidence> {
  const config = await loadConfig(join(node.directory, 'entente.yaml'), {});
  const seal = await sealOf(config);
  const identity = await identityOf(config, seal);
  const rng = seededRng(5);
  const clock = { now: Date.now() };
  const now = (): number => clock.now;
  const store = await Store.open(storeFolder(config));
  try {
    const audit = await openAudit(config, { identity, seal, store, now, rng });
    const records = consensusRecords(store, now);
    const { all: peers } = await readPeers(config.peers);
    const { certificate: logKey } = audit.key;
    const deps = { ...audit, identity, peers: () => peers, store, records, logKey };
    const stored = storedEvidence(deps);
    const log = new MemoryLog(() => audit.key);
    for await (const bytes of audit.log.entries(0, audit.log.size)) {
      log.rows.push({ task: decodeEntry(bytes).task, bytes: Uint8Array.from(bytes) });
    }
    log.signed.push(...(await audit.log.checkpoints(0, 1000)));
    const cosigned = new Map((await stored.cosigned()).map(({ witness, note }) => [witness, note]));
    const logKeys = await stored.logKeys();
    const agreed = new Map<string, [Contract | null, StartCertificate | null]>();
    for (const task of tasks) {
      agreed.set(task, [await stored.contract(task), await stored.certificate(task)]);
    }
    await audit.log.close();
    const { publicKey } = partyKey(identity.name, identity.certificatePem);
    const { name } = identity;
    const trailOf = (into: MemoryLog) => trailInto(into, { now: () => (clock.now += 1), rng });
    return {
      party: {
        ...{ name, signer: identity, publicKey, key: audit.key, clock, cosigned },
        ...{ log, trail: trailOf(log) },
      },
      source: (task, own = log) => ({
        ...stored,
        log: own,
        trail: trailOf(own),
        logKeys: async () => logKeys,
        cosigned: async () => [...cosigned].map(([witness, note]) => ({ witness, note })),
        contract: async () => agreed.get(task)![0],
        certificate: async () => agreed.get(task)![1],
        // A node that deviates need not wait for anybody's last word.
        isDecided: async () => false,
      }),
    };
  } finally {
    await store.close();
  }
}

/** A copy of a log, cut to a size or with rows changed. */
export function rewritten(
  { log, key }: Pick<EvidenceParty, 'log' | 'key'>,
  { size = log.size, change = (text: string): string => text } = {},
): MemoryLog {
  const copy = new MemoryLog(() => key);
  for (const { task, bytes } of log.rows.slice(0, size)) {
    const text = Buffer.from(bytes).toString();
    copy.rows.push({ task, bytes: Buffer.from(change(text)) });
  }
  copy.signed.push(...log.signed.filter((state) => state.size <= size));
  return copy;
}

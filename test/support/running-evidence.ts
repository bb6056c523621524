/** Evidence of organisations whose nodes are stopped: exported, verified, and compared by twos. */
import { equal } from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Organisation } from '../../examples/organisation.ts';
import type { Finding } from '../../src/party/audit/evidence/findings.ts';
import { type TrustedKeys, trustedKeys } from '../../src/party/audit/evidence/keys.ts';
import { reconcile } from '../../src/party/audit/evidence/reconcile.ts';
import { type EvidenceReport, verifyBundle } from '../../src/party/audit/evidence/verify.ts';
import { runInProcess } from './cli-run.ts';

/** Writes what a node has of a task. Returns the file, or null when it has nothing. */
export async function exportEvidence(
  node: Organisation,
  taskId: string,
  folder: string,
  ...flags: readonly string[]
): Promise<string | null> {
  const out = join(folder, `${node.name}-${taskId.slice(0, 16)}.jsonl`);
  const { code, err } = await runInProcess([
    ...['audit', 'export', '--task', taskId, '--out', out, '--force', ...flags],
    ...['--config', node.config],
  ]);
  if (code === 1 && err.includes('no such task')) return null;
  equal(code, 0, err);
  return out;
}

/** The keys of these organisations, as each of them gives its own. */
export async function trustInAll(nodes: readonly Organisation[]): Promise<TrustedKeys> {
  const texts = nodes.map(async (node) => {
    const { code, out, err } = await runInProcess(['audit', 'keys', '--config', node.config]);
    equal(code, 0, err);
    return out;
  });
  return trustedKeys(await Promise.all(texts));
}

export function verifyFile(path: string, trusted: TrustedKeys): Promise<EvidenceReport> {
  return verifyBundle(createReadStream(path), trusted);
}

/** What all parties' evidence of a task comes to. */
export interface Verdicts {
  readonly reports: readonly EvidenceReport[];
  /** In words, by whose evidence it is; empty when all is well. */
  readonly problems: readonly string[];
  /** Phase receipts that two parties have alike. */
  readonly receipts: number;
}

/** Exports what every node has of a task, verifies each, and reconciles every two. */
export async function verdictsOn(
  nodes: readonly Organisation[],
  taskId: string,
  folder: string,
): Promise<Verdicts> {
  const trusted = await trustInAll(nodes);
  const reports: EvidenceReport[] = [];
  for (const node of nodes) {
    const file = await exportEvidence(node, taskId, folder, '--openings');
    if (file) reports.push(await verifyFile(file, trusted));
  }
  const say = (whose: string, findings: readonly Finding[]): string[] =>
    findings.map(({ reason, where, detail }) => `${whose}: ${reason}, ${where}: ${detail}`);
  const problems = reports.flatMap(({ header, findings }) => say(header!.party, findings));
  let receipts = 0;
  for (const [i, first] of reports.entries()) {
    for (const second of reports.slice(i + 1)) {
      const compared = reconcile(first, second);
      receipts += compared.receipts;
      const names = `${first.header!.party} and ${second.header!.party}`;
      problems.push(...say(names, compared.findings));
    }
  }
  return { reports, problems, receipts };
}

/** What verification finds in bundles of orgA, honest or not. */
import type { Reason } from '../../src/party/audit/evidence/findings.ts';
import { type EvidenceReport, verifyBundle } from '../../src/party/audit/evidence/verify.ts';
import { type Trail, trailInto } from '../../src/party/audit/trail.ts';
import { auditedTask, type Deviations, newParties, sourceOf } from './audited-task.ts';
import {
  bytesOf,
  type EvidenceParty,
  MemoryLog,
  resealed,
  taskBundle,
  trustIn,
} from './evidence.ts';
import { seededRng } from './seeded-rng.ts';

export function verify(
  lines: readonly string[],
  trusted: readonly EvidenceParty[],
): Promise<EvidenceReport> {
  return verifyBundle(bytesOf(lines), trustIn(trusted));
}

/** Each reason once, in order of the alphabet. */
export function reasonsOf({ findings }: Pick<EvidenceReport, 'findings'>): readonly Reason[] {
  return [...new Set(findings.map(({ reason }) => reason))].sort();
}

/** A task, and orgA's bundle of it. */
export async function exported(deviations: Deviations = {}) {
  const task = await auditedTask(newParties(), deviations);
  const lines = await taskBundle(sourceOf(task, task.a), task.taskId);
  return { task, lines, trusted: [task.a, task.b] as const };
}

/** Why orgA's bundle of a task with these deviations fails. */
export async function reasonsWith(deviations: Deviations): Promise<readonly Reason[]> {
  const { lines, trusted } = await exported(deviations);
  return reasonsOf(await verify(lines, trusted));
}

/** Lines with every one of a kind changed, or dropped where `change` gives null, and closed again. */
export function changedLines(
  lines: readonly string[],
  kind: string,
  change: (line: string) => string | null,
): string[] {
  const isOf = (line: string): boolean =>
    line.includes(`"line":"${kind}"`) || line.includes(`"kind":"${kind}"`);
  return resealed(lines.flatMap((line) => (isOf(line) ? (change(line) ?? []) : [line])));
}

/** The log of a party up to a size, as if the rest had never been, and another future. */
export function rewoundLog({ log, key }: EvidenceParty, size: number): MemoryLog {
  const rewound = new MemoryLog(() => key);
  rewound.rows.push(...log.rows.slice(0, size));
  return rewound;
}

/** A trail into the log that a party has now. */
export function newTrail({ log, clock }: EvidenceParty): Trail {
  return trailInto(log, { now: () => (clock.now += 7), rng: seededRng(99) });
}

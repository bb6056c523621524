/** What verification and reconciliation found, as JSON. */
import type { DatasetTerms } from '../../consensus/contract.ts';
import { declaredClasses } from '../../declared-disclosures.ts';
import { type Finding, REASONS } from './findings.ts';
import type { ReconcileReport } from './reconcile.ts';
import type { TaskStory } from './story.ts';
import type { EvidenceReport } from './verify.ts';

/** The report of one bundle, for programs. */
export function reportJson(report: EvidenceReport): Readonly<Record<string, unknown>> {
  const { header, story } = report;
  return {
    ok: report.ok,
    party: header?.party ?? null,
    scope: header?.scope ?? null,
    task_id: header?.task ?? null,
    findings: findingsJson(report.findings),
    unlisted_findings: report.unlisted,
    entries: report.entries,
    log_size: report.logSize,
    unconfirmed_entries: report.unconfirmedEntries,
    confirmed: report.confirmed,
    openings: report.openings,
    file: report.file && { sha256: report.file.digest, same: report.file.same },
    exported_at: report.exportedAt,
    awaited: report.awaited,
    ...(story && { task: storyJson(story) }),
  };
}

/** The comparison of two bundles, for programs. */
export function reconcileJson(
  report: ReconcileReport,
  bundles: readonly EvidenceReport[],
): Readonly<Record<string, unknown>> {
  return {
    ok: report.ok,
    findings: findingsJson(report.findings),
    unlisted_findings: report.unlisted,
    matched_receipts: report.receipts,
    matched_states: report.states,
    bundles: bundles.map(reportJson),
  };
}

function findingsJson(findings: readonly Finding[]): readonly object[] {
  return findings.map(({ reason, where, detail }) => ({
    reason,
    meaning: REASONS[reason],
    where,
    detail,
  }));
}

function storyJson(story: TaskStory): object {
  const { contract, votes } = story;
  return {
    kind: contract?.kind ?? null,
    algorithm: contract?.algorithm.name ?? null,
    implementation: contract?.algorithm.implementation ?? null,
    purpose: contract?.purpose ?? null,
    parameters: contract?.parameters ?? null,
    agreed_at: story.agreedAt,
    certificate: story.certificate,
    parties: (contract?.parties ?? []).map(({ name, role, fingerprint, dataset }) => ({
      name,
      role,
      fingerprint,
      path: dataset?.path ?? null,
      rows: dataset?.rowCount ?? null,
      columns: dataset && columnsJson(dataset),
      commitment: dataset?.commitment ?? null,
      receives: contract!.receivers.includes(name),
      voted_at: votes.find(({ body }) => body.signer === name)?.body.votedAt ?? null,
    })),
    sessions: [...story.sessions.values()].map(({ id, attempt, opened, openedAt, ...rest }) => ({
      session: id,
      attempt,
      peer: opened.peer,
      opened_at: openedAt,
      ended: rest.closed ? (rest.closed.code ?? 'in_order') : null,
      sent: rest.closed?.sent ?? null,
      received: rest.closed?.received ?? null,
      phase_receipts: rest.receipts.length,
    })),
    disclosures: disclosureRows(story),
    results: [...story.results.values()].map(({ body }) => ({
      signer: body.signer,
      attempt: body.attempt,
      outcome: body.outcome,
      signed_at: body.signedAt,
      model: body.model,
      metrics: body.metrics,
    })),
    setbacks: story.setbacks,
    unconfirmed: story.unconfirmed,
  };
}

function columnsJson({ keyColumns, labelColumn, features, payload }: DatasetTerms): object {
  return {
    key: keyColumns ?? [],
    label: labelColumn,
    features: features.map(({ name }) => name),
    payload,
  };
}

/** Openings of one class to the same readers in one attempt, beside what the contract allows. */
export interface DisclosureRow {
  readonly attempt: number;
  readonly class: string;
  readonly to: readonly string[];
  readonly elements: number;
  /** Elements that one attempt may open of the class; null when the contract does not name it. */
  readonly most: number | null;
  /** What it tells its reader, in the words of the contract. */
  readonly meaning: string | null;
}

export function disclosureRows({ contract, disclosures }: TaskStory): readonly DisclosureRow[] {
  const declared = contract ? declaredClasses(contract) : new Map<string, never>();
  return disclosures.map(({ attempt, class: name, to, elements }) => ({
    attempt,
    class: name,
    to,
    elements,
    most: declared.get(name)?.most ?? null,
    meaning: contract?.leakage.opened.find((each) => each.name === name)?.meaning ?? null,
  }));
}

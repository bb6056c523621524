/** What verification and reconciliation found, for people. */
import { type Finding, REASONS } from '../audit/evidence/findings.ts';
import type { ReconcileReport } from '../audit/evidence/reconcile.ts';
import { disclosureRows } from '../audit/evidence/report.ts';
import type { TaskStory } from '../audit/evidence/story.ts';
import type { EvidenceReport } from '../audit/evidence/verify.ts';
import { bytes, facts, printable, table } from './tables.ts';

/** The report of one bundle. */
export function reportText(report: EvidenceReport): string {
  const { header, story } = report;
  if (!header) return `This is no evidence.\n${findingsText(report)}`;
  const title =
    header.scope === 'task'
      ? `Evidence of ${header.party} about task ${header.task}\n`
      : `The whole audit log of ${header.party}\n`;
  return [
    title,
    facts([
      ['entries', String(report.entries)],
      ['log', report.logSize === null ? null : `${report.logSize} entries at its checkpoint`],
      ['made', report.exportedAt],
      ['made while', closingText(report)],
      ['openings', report.openings > 0 ? String(report.openings) : null],
    ]),
    story ? storyText(story) : '',
    confirmedText(report),
    verdictText(report),
  ].join('');
}

/** The comparison of two bundles, after the report of each. */
export function reconcileText(report: ReconcileReport, bundles: readonly EvidenceReport[]): string {
  const names = bundles.map(({ header }) => header?.party ?? 'nobody');
  const each = bundles.map((bundle, i) => {
    const verdict = bundle.ok ? 'holds by itself' : 'does not hold by itself';
    return `  the evidence of ${names[i]} ${verdict}\n${bundle.ok ? '' : findingsText(bundle)}`;
  });
  const { receipts, states, ok } = report;
  return [
    `Evidence of ${names.join(' and ')}\n`,
    ...each,
    facts([
      ['phase receipts', `${receipts} alike in both`],
      ['log states', `${states} confirmed by the other party and still continued`],
    ]),
    findingsText(report),
    ok
      ? '\nRECONCILED: both parties tell the same story.\n'
      : '\nNOT RECONCILED: the parties do not tell the same story, or one bundle does not hold.\n',
  ].join('');
}

function closingText({ awaited }: EvidenceReport): string | null {
  return awaited.length > 0 ? `the task was still being closed by ${awaited.join(', ')}` : null;
}

function storyText(story: TaskStory): string {
  const { contract, votes, agreedAt } = story;
  const sections: string[] = [];
  if (contract) {
    sections.push(
      '\nWhat was agreed\n',
      facts([
        ['task', `${contract.kind} ${contract.algorithm.name}`],
        ['purpose', contract.purpose],
        ['code', contract.algorithm.implementation],
        ['receivers', contract.receivers.join(', ')],
        ['agreed', agreedAt ?? 'not agreed'],
        ['parameters', parametersText(contract.parameters)],
      ]),
      table(
        contract.parties.map(({ name, role, dataset }) => {
          const vote = votes.find(({ body }) => body.signer === name)?.body;
          return [
            `  ${name}`,
            role,
            dataset ? `${dataset.rowCount} rows` : 'no data',
            vote ? `voted ${vote.votedAt}` : 'did not vote',
          ];
        }),
      ),
    );
  } else sections.push('\nNo contract was agreed to here.\n');
  const sessions = [...story.sessions.values()];
  if (sessions.length > 0) {
    sections.push(
      '\nWhat ran\n',
      table(
        sessions.map(({ attempt, opened, closed, receipts }) => [
          `  attempt ${attempt}`,
          `with ${opened.peer}`,
          closed
            ? `${bytes(closed.sent.bytes)} sent, ${bytes(closed.received.bytes)} received`
            : 'its end is not recorded',
          `${receipts.length} receipts signed by both`,
          closed?.code ? `ended: ${closed.code}` : '',
        ]),
      ),
    );
  }
  const disclosures = disclosureRows(story);
  if (disclosures.length > 0) {
    sections.push(
      '\nWhat was opened\n',
      table(
        disclosures.map(({ attempt, class: name, to, elements, most, meaning }) => [
          `  attempt ${attempt}`,
          name,
          `to ${to.join(', ')}`,
          most === null ? `${elements}, not declared` : `${elements} of at most ${most}`,
          meaning ?? '',
        ]),
      ),
    );
  }
  if (story.results.size > 0) {
    sections.push(
      '\nHow it ended\n',
      table(
        [...story.results.values()].map(({ body }) => [
          `  attempt ${body.attempt}`,
          body.signer,
          body.outcome,
          `signed ${body.signedAt}`,
        ]),
      ),
    );
  }
  if (![...story.results.values()].some(({ body }) => body.signer === story.party)) {
    sections.push(`\nHow it ended at ${story.party} this evidence does not say.\n`);
  }
  const setbacks = [...story.setbacks, ...story.unconfirmed];
  if (setbacks.length > 0) {
    sections.push('\nWhat went wrong\n', table(setbacks.map((what) => [`  ${what}`])));
  }
  return sections.join('');
}

function parametersText(parameters: object): string {
  const entries = Object.entries(parameters) as [string, unknown][];
  return entries
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

function confirmedText({ confirmed }: EvidenceReport): string {
  if (confirmed.length === 0) return '';
  // Of each witness its last word; the earlier ones are contained in it.
  const last = new Map(confirmed.map((state) => [state.witness, state]));
  const rows = [...last.values()].map(({ witness, size, time }) => [
    `  ${witness}`,
    `${size} entries`,
    time,
  ]);
  return `\nWho has confirmed this log\n${table(rows)}`;
}

function verdictText(report: EvidenceReport): string {
  const { ok, unconfirmedEntries, header } = report;
  const beyond =
    unconfirmedEntries > 0
      ? `${unconfirmedEntries} entries came after the last state that somebody confirmed. If ${header!.party} rewrote them, only the evidence of the other parties can show it: entente audit reconcile.\n`
      : '';
  const inside =
    header!.scope === 'all'
      ? 'This shows that the log was not rewritten; what its entries say of a task is checked with the evidence of that task.\n'
      : `It ends when it was made, and says what ${header!.party} recorded. What a party leaves out, or records otherwise than it happened, shows only beside the evidence of another party: entente audit reconcile.\n`;
  const salts =
    report.openings > 0
      ? 'Openings of values are salts: whoever has a value compares HMAC-SHA256(salt, value) with the entry.\n'
      : '';
  const verdict = ok
    ? '\nVERIFIED: nothing is wrong with this evidence.\n'
    : '\nNOT VERIFIED: this evidence does not hold.\n';
  return `${findingsText(report)}${verdict}${ok ? beyond + inside + salts : ''}`;
}

function findingsText({
  findings,
  unlisted,
}: {
  readonly findings: readonly Finding[];
  readonly unlisted: number;
}): string {
  const lines = findings.map(
    ({ reason, where, detail }) =>
      `  ${reason}: ${REASONS[reason]}\n    ${printable(where)}: ${printable(detail)}\n`,
  );
  const more = unlisted > 0 ? `  and ${unlisted} more\n` : '';
  return lines.length === 0 ? '' : `\nWhat is wrong\n${lines.join('')}${more}`;
}

/** What verification and reconciliation found, for people. */
import { type Finding, REASONS, type Reason } from '../audit/evidence/findings.ts';
import type { ReconcileReport } from '../audit/evidence/reconcile.ts';
import { disclosureRows } from '../audit/evidence/report.ts';
import type { TaskStory } from '../audit/evidence/story.ts';
import type { EvidenceReport, OpenedFile } from '../audit/evidence/verify.ts';
import type { DatasetTerms } from '../consensus/contract.ts';
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
      ['data', report.file && fileText(report.file)],
    ]),
    story ? storyText(story) : '',
    confirmedText(report),
    verdictText(report),
  ].join('');
}

/** Whether two bundles are such that they can agree or not. */
export function isComparable({ findings }: ReconcileReport): boolean {
  return !findings.some(({ reason }) => reason === 'not_comparable');
}

/**
 * The comparison of two bundles, after the report of each.
 *
 * @param paths - Their files.
 */
export function reconcileText(
  report: ReconcileReport,
  bundles: readonly EvidenceReport[],
  paths: readonly string[],
): string {
  const names = bundles.map(({ header }, i) =>
    header ? `the evidence of ${header.party}` : `the file ${paths[i]}`,
  );
  const each = bundles.map((bundle, i) => {
    const verdict = bundle.ok ? 'holds by itself' : 'does not hold by itself';
    return `  ${names[i]} ${verdict}\n${bundle.ok ? '' : findingsText(bundle)}`;
  });
  const { receipts, states, ok } = report;
  if (!isComparable(report)) {
    return [
      `Two files: ${paths.join(' and ')}\n`,
      ...each,
      findingsText(report),
      '\nNOT RECONCILED: these are not two parties’ evidence of one task.\n',
    ].join('');
  }
  return [
    `Evidence of ${bundles.map(({ header }) => header!.party).join(' and ')}\n`,
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

function fileText({ digest, same }: OpenedFile): string {
  const held = { true: '; yours is this file', false: '; yours is another file', null: '' };
  return `agreed on as the file with SHA-256 ${digest}${held[`${same}`]}`;
}

function storyText(story: TaskStory): string {
  return [
    agreedText(story),
    ranText(story),
    openedText(story),
    endText(story),
    setbacksText(story),
  ].join('');
}

function agreedText({ contract, votes, agreedAt }: TaskStory): string {
  if (!contract) return '\nNo contract was agreed to here.\n';
  const { kind, algorithm, purpose, receivers, parameters, parties } = contract;
  return [
    '\nWhat was agreed\n',
    facts([
      ['task', `${kind} ${algorithm.name}`],
      ['purpose', purpose],
      ['code', algorithm.implementation],
      ['receivers', receivers.join(', ')],
      ['agreed', agreedAt ?? 'not agreed'],
      ['parameters', parametersText(parameters)],
    ]),
    table(
      parties.map(({ name, role, dataset }) => {
        const vote = votes.find(({ body }) => body.signer === name)?.body;
        const voted = vote ? `voted ${vote.votedAt}` : 'did not vote';
        return [`  ${name}`, role, dataset ? `${dataset.rowCount} rows` : 'no data', voted];
      }),
    ),
    '\nOn which data\n',
    ...parties.flatMap(({ name, dataset }) => (dataset ? [dataText(name, dataset)] : [])),
  ].join('');
}

/** Names of columns of one kind that a report lists; JSON has the contract's all. Own choice. */
const MAX_NAMES = 12;

function dataText(party: string, dataset: DatasetTerms): string {
  const { path, commitment, keyColumns, labelColumn, features, payload } = dataset;
  const columns = [
    ['key', keyColumns ?? []],
    ['label', labelColumn === null ? [] : [labelColumn]],
    ['features', features.map(({ name }) => name)],
    ['payload', payload],
  ] as const;
  return [
    `  ${printable(`${party}: ${path}`)}\n`,
    `    commitment ${commitment}\n`,
    ...columns.map(([kind, names]) => {
      if (names.length === 0) return '';
      const rest = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
      return `    ${kind} ${printable(names.slice(0, MAX_NAMES).join(', '))}${rest}\n`;
    }),
  ].join('');
}

function ranText({ party, contract, sessions }: TaskStory): string {
  if (sessions.size === 0) return '';
  const agreed = contract?.algorithm.implementation;
  const all = [...sessions.values()];
  const isAgreed = all.every(({ opened }) => opened.implementation === agreed);
  return [
    '\nWhat ran\n',
    facts([['code', isAgreed ? `what was agreed, as ${party} says` : 'not what was agreed']]),
    table(
      all.map(({ attempt, opened, closed, receipts }) => [
        `  attempt ${attempt}`,
        `with ${opened.peer}`,
        closed
          ? `${bytes(closed.sent.bytes)} sent, ${bytes(closed.received.bytes)} received`
          : 'its end is not recorded',
        `${receipts.length} receipts signed by both`,
        closed?.code ? `ended: ${closed.code}` : '',
      ]),
    ),
  ].join('');
}

/** Every opening, and below what a class tells whoever reads it. */
function openedText(story: TaskStory): string {
  const disclosures = disclosureRows(story);
  if (disclosures.length === 0) return '';
  const meanings = new Map(disclosures.map(({ class: name, meaning }) => [name, meaning]));
  return [
    '\nWhat was opened\n',
    table(
      disclosures.map(({ attempt, class: name, to, elements, most }) => [
        `  attempt ${attempt}`,
        name,
        `to ${to.join(', ')}`,
        most === null ? `${elements}, not declared` : `${elements} of at most ${most}`,
      ]),
    ),
    '\nWhat that tells, as the contract says\n',
    ...[...meanings].map(([name, meaning]) => `  ${name}: ${printable(meaning ?? 'nothing')}\n`),
  ].join('');
}

function endText({ party, results }: TaskStory): string {
  const all = [...results.values()];
  const rows = all.map(({ body }) => [
    `  attempt ${body.attempt}`,
    body.signer,
    body.outcome,
    `signed ${body.signedAt}`,
  ]);
  const isSigned = all.some(({ body }) => body.signer === party);
  return [
    '\nHow it ended\n',
    table(rows),
    isSigned ? '' : `  ${party} has signed no result up to this export.\n`,
  ].join('');
}

function setbacksText({ setbacks, unconfirmed }: TaskStory): string {
  const all = [...setbacks, ...unconfirmed];
  if (all.length === 0) return '';
  return `\nWhat went wrong\n${table(all.map((what) => [`  ${what}`]))}`;
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
  const { ok, unconfirmedEntries, header, confirmed } = report;
  const who =
    header!.scope === 'task' && report.story?.certificate ? 'the other parties' : 'somebody';
  const beyond =
    unconfirmedEntries > 0
      ? `${counted(unconfirmedEntries, 'entry', 'entries')} came after the last state that ${who} confirmed. If ${header!.party} rewrote ${unconfirmedEntries === 1 ? 'it' : 'them'}, only the evidence of the other parties can show it: entente audit reconcile.\n`
      : '';
  const whole =
    confirmed.length > 0
      ? 'This shows that what others confirmed of the log was not rewritten since'
      : `Nobody whose key you trust has confirmed this log: ${header!.party} may have written it anew, as a whole`;
  const inside =
    header!.scope === 'all'
      ? `${whole}; what its entries say of a task is checked with the evidence of that task.\n`
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

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Places of one reason that a report lists; JSON has more. Own choice. */
const MAX_PLACES = 10;

/** What is wrong, by reason. */
function findingsText({
  findings,
  unlisted,
}: {
  readonly findings: readonly Finding[];
  readonly unlisted: number;
}): string {
  const byReason = new Map<Reason, Finding[]>();
  for (const finding of findings) {
    byReason.set(finding.reason, [...(byReason.get(finding.reason) ?? []), finding]);
  }
  const lines = [...byReason].map(([reason, places]) => {
    const listed = places
      .slice(0, MAX_PLACES)
      .map(({ where, detail }) => `    ${printable(where)}: ${printable(detail)}\n`);
    const more = places.length - listed.length;
    const rest = more > 0 ? `    and ${counted(more, 'place', 'places')} more\n` : '';
    return `  ${reason}: ${REASONS[reason]}\n${listed.join('')}${rest}`;
  });
  const rest = unlisted > 0 ? `  and ${unlisted} more\n` : '';
  return lines.length === 0 ? '' : `\nWhat is wrong\n${lines.join('')}${rest}`;
}

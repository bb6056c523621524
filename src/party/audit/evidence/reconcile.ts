/**
 * Whether two parties' evidence of one task tells the same story: one agreement, the same messages by
 * count and hash, what one opened is what the other learned, the same results, and each log still the
 * one that the other party confirmed. Both bundles have been verified before.
 */
import { type Finding, Findings } from './findings.ts';
import { byAttempt, type DisclosureStory, type SessionStory, type TaskStory } from './story.ts';
import type { EvidenceReport } from './verify.ts';

/** What the comparison of two bundles found. */
export interface ReconcileReport {
  /** Whether both bundles hold by themselves and agree. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly unlisted: number;
  /** Phase receipts that both have alike. */
  readonly receipts: number;
  /** States of either log that the other party confirmed and that the log still continues. */
  readonly states: number;
}

/** Compares two bundles by what their verification found. */
export function reconcile(first: EvidenceReport, second: EvidenceReport): ReconcileReport {
  const findings = new Findings();
  const [a, b] = [first.story, second.story];
  let matched = { receipts: 0, states: 0 };
  if (!a || !b) {
    findings.add('not_comparable', 'the bundles', 'one of them is no evidence of a task');
  } else if (a.party === b.party) {
    findings.add('not_comparable', 'the bundles', `both are of ${a.party}`);
  } else if (a.task !== b.task) {
    findings.add('not_comparable', 'the bundles', `one is of task ${a.task}, one of ${b.task}`);
  } else matched = compare(a, b, findings);
  return {
    ok: findings.none && first.ok && second.ok,
    findings: findings.listed,
    unlisted: findings.unlisted,
    ...matched,
  };
}

function compare(
  a: TaskStory,
  b: TaskStory,
  findings: Findings,
): Pick<ReconcileReport, 'receipts' | 'states'> {
  if (a.certificate !== b.certificate) {
    const detail = `${a.party} and ${b.party} hold other start certificates`;
    findings.add('agreement_differs', 'the start certificate', detail);
  }
  const receipts = compareSessions(a, b, findings);
  compareDisclosures(a, b, findings);
  compareResults(a, b, findings);
  const states = compareStates(a, b, findings) + compareStates(b, a, findings);
  return { receipts, states };
}

/** Sessions between the two. Returns how many receipts both have alike. */
function compareSessions(a: TaskStory, b: TaskStory, findings: Findings): number {
  let matched = 0;
  const ids = new Set([...sessionsWith(a, b), ...sessionsWith(b, a)].map(({ id }) => id));
  for (const id of ids) {
    const [mine, theirs] = [a.sessions.get(id), b.sessions.get(id)];
    const where = `session ${id.slice(0, 16)}…`;
    if (mine && theirs) {
      compareSession({ a, b, mine, theirs, where }, findings);
      matched += compareReceipts({ a, b, mine, theirs, where }, findings);
      continue;
    }
    // A session that one end saw for a moment only leaves nothing that both ends signed.
    const [lacking, told] = mine ? [b, mine] : [a, theirs!];
    if (told.receipts.length === 0 && told.closed?.code !== null) continue;
    findings.add('session_differs', where, `the log of ${lacking.party} does not have it`);
  }
  return matched;
}

function sessionsWith(a: TaskStory, b: TaskStory): readonly SessionStory[] {
  return [...a.sessions.values()].filter(({ opened }) => opened.peer === b.party);
}

interface Pair {
  readonly a: TaskStory;
  readonly b: TaskStory;
  /** The session as `a` tells it. */
  readonly mine: SessionStory;
  readonly theirs: SessionStory;
  readonly where: string;
}

function compareSession({ a, b, mine, theirs, where }: Pair, findings: Findings): void {
  const fields = ['transcript', 'certificate', 'checkpoint', 'implementation'] as const;
  for (const field of fields) {
    if (mine.opened[field] === theirs.opened[field]) continue;
    const detail = `${a.party} and ${b.party} name another ${field}`;
    findings.add('session_differs', where, detail);
  }
  const isBetween = mine.opened.peer === b.party && theirs.opened.peer === a.party;
  if (mine.attempt !== theirs.attempt || !isBetween) {
    findings.add('session_differs', where, 'it is of another attempt, or with another party');
  }
  if (!endedInOrder(mine, theirs)) return;
  const directions = [
    [a.party, mine.closed!.sent, theirs.closed!.received],
    [b.party, theirs.closed!.sent, mine.closed!.received],
  ] as const;
  for (const [from, sent, received] of directions) {
    const same =
      sent.frames === received.frames &&
      sent.bytes === received.bytes &&
      sent.hash === received.hash;
    if (same) continue;
    const detail = `${from} sent ${sent.frames} messages of ${sent.bytes} bytes; the other end has ${received.frames} of ${received.bytes}, or others`;
    findings.add('bytes_differ', where, detail);
  }
}

function endedInOrder(mine: SessionStory, theirs: SessionStory): boolean {
  return mine.closed?.code === null && theirs.closed?.code === null;
}

/** Returns how many receipts are alike. */
function compareReceipts({ a, b, mine, theirs, where }: Pair, findings: Findings): number {
  let matched = 0;
  for (const from of [a.party, b.party]) {
    const ofA = mine.receipts.filter((receipt) => receipt.from === from);
    const ofB = theirs.receipts.filter((receipt) => receipt.from === from);
    for (const [party, own, others, its] of [
      [b.party, ofA, ofB, theirs],
      [a.party, ofB, ofA, mine],
    ] as const) {
      // A session ends in order where everything was signed by both, however the other end fared.
      const isWhole = its.closed?.code === null;
      const byPlace = new Map(others.map((receipt) => [placeOf(receipt), receipt]));
      const last = others.at(-1)?.frames ?? -1;
      for (const receipt of own) {
        const other = byPlace.get(placeOf(receipt));
        const name = `${receipt.phase}, step ${receipt.step}, of what ${from} sent`;
        if (other) {
          if (other.hash === receipt.hash && other.bytes === receipt.bytes) matched += 1;
          else {
            const detail = `${name}: the two signed for other bytes`;
            findings.add('bytes_differ', where, detail);
          }
        } else if (isWhole || receipt.frames < last) {
          const detail = `${name}: the log of ${party} does not have it`;
          findings.add('receipt_unmatched', where, detail);
        }
      }
    }
  }
  return matched / 2;
}

function placeOf(receipt: SessionStory['receipts'][number]): string {
  const { frames, phase, step, last } = receipt;
  return `${frames}/${phase}/${step}/${last}`;
}

/**
 * In attempts that one of the two ended in order: what one told the other, the other learned. A session
 * ends in order at one end only when the other's program is through as well, whatever came after.
 */
function compareDisclosures(a: TaskStory, b: TaskStory, findings: Findings): void {
  const holders = a.contract?.parties.filter(({ dataset }) => dataset !== null) ?? [];
  const names = holders.map(({ name }) => name);
  if (!names.includes(a.party) || !names.includes(b.party)) return;
  const grouped = [a, b].map(({ disclosures }) => byAttempt(disclosures));
  for (const attempt of attemptsInOrder(a, b)) {
    const [ofA, ofB] = grouped.map(
      (disclosures) => new Map((disclosures.get(attempt) ?? []).map((each) => [keyOf(each), each])),
    );
    for (const key of new Set([...ofA!.keys(), ...ofB!.keys()])) {
      const [mine, theirs] = [ofA!.get(key), ofB!.get(key)];
      if (agree(mine, theirs, { a: a.party, b: b.party, others: names.length - 2 })) continue;
      const { to, class: name } = (mine ?? theirs)!;
      const say = (story: TaskStory, told: DisclosureStory | undefined): string =>
        told
          ? `the log of ${story.party} has ${told.elements} in ${told.openings} openings`
          : `the log of ${story.party} has none`;
      const detail = `${name} to ${to.join(', ')}: ${say(a, mine)}, ${say(b, theirs)}`;
      findings.add('disclosure_unmatched', `attempt ${attempt}`, detail);
    }
  }
}

/**
 * Whether two parties' accounts of one class can both be true. Where one told and the other learned, they
 * name as many elements. Where both told, or both learned, each speaks of its own, and as often. A third
 * data holder may have told as well what one of the two learned, and be the one that learned it.
 */
function agree(
  mine: DisclosureStory | undefined,
  theirs: DisclosureStory | undefined,
  { a, b, others }: { readonly a: string; readonly b: string; readonly others: number },
): boolean {
  if (!mine || !theirs) {
    const [told, other, self] = mine ? [mine, b, a] : [theirs!, a, b];
    const isTold = told.told > 0 && told.to.includes(other);
    const isLearned = told.told < told.openings && told.to.includes(self) && others === 0;
    return !isTold && !isLearned;
  }
  const [teller, learner] = mine.told > 0 ? [mine, theirs] : [theirs, mine];
  if (teller.told === 0 || learner.told > 0) return others > 0 || mine.openings === theirs.openings;
  return others > 0 ? teller.elements <= learner.elements : teller.elements === learner.elements;
}

function keyOf({ class: name, to }: DisclosureStory): string {
  return `${name}/${to.join()}`;
}

function attemptsInOrder(a: TaskStory, b: TaskStory): ReadonlySet<number> {
  const attempts = new Set<number>();
  for (const mine of sessionsWith(a, b)) {
    const theirs = b.sessions.get(mine.id);
    const isThrough = mine.closed?.code === null || theirs?.closed?.code === null;
    if (theirs && isThrough) attempts.add(mine.attempt);
  }
  return attempts;
}

function compareResults(a: TaskStory, b: TaskStory, findings: Findings): void {
  for (const key of new Set([...a.results.keys(), ...b.results.keys()])) {
    const [ofA, ofB] = [a.results.get(key), b.results.get(key)];
    if (ofA && ofB) {
      if (ofA.signature === ofB.signature) continue;
      findings.add('result_differs', key, `${a.party} and ${b.party} hold other results`);
      continue;
    }
    // What a party signed and another holds must be in its own log.
    const [holder, lacking] = ofA ? [ofA, b] : [ofB!, a];
    if (holder.body.signer !== lacking.party) continue;
    findings.add('result_differs', key, `the log of ${lacking.party} does not have its own result`);
  }
}

/** Whether the log of `a` continues every state of it that `b` confirmed. Returns how many. */
function compareStates(a: TaskStory, b: TaskStory, findings: Findings): number {
  let continued = 0;
  for (const { party, size, root } of b.witnessed) {
    if (party !== a.party) continue;
    const where = `the log of ${a.party} at ${size} entries`;
    const known = a.states.get(size);
    if (known === root) continued += 1;
    else if (size > a.logSize) {
      const detail = `${b.party} confirmed it; the log of ${a.party} has ${a.logSize}`;
      findings.add('log_truncated', where, detail);
    } else if (known !== undefined) {
      findings.add('log_forked', where, `${b.party} confirmed another root than it has there`);
    } else {
      const detail = `${b.party} confirmed it; the bundle of ${a.party} does not prove to continue it`;
      findings.add('cosignature_missing', where, detail);
    }
  }
  return continued;
}

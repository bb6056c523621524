/** Whether what ran is what was agreed: data, code, sessions, phase receipts, openings. */

import { ProtocolError } from '../../../protocols/errors.ts';
import { checkDeclared, type DeclaredClass, declaredClasses } from '../../declared-disclosures.ts';
import type { Entry } from '../entry.ts';
import { encodeStatement, PHASE_COUNTER_DOMAIN, PHASE_DOMAIN } from '../phase-statement.ts';
import type { Findings } from './findings.ts';
import type { Ground } from './ground.ts';
import { type EntryCheck, entryName } from './log-check.ts';
import type { DisclosureStory, SessionStory } from './story.ts';

export interface RunCheck extends EntryCheck {
  readonly sessions: ReadonlyMap<string, SessionStory>;
  readonly disclosures: readonly DisclosureStory[];
}

/**
 * Sessions, and classes of openings by attempt and readers, that are kept of one task: far more than a
 * task has, and little memory where a stranger makes them up. Own choice.
 */
const MAX_KEPT = 1 << 14;

type Receipt = Entry<'phase_receipt'>['body'];

export function runCheck(ground: Ground, findings: Findings): RunCheck {
  const { contract, trusted } = ground;
  const { party, task } = ground.header;
  /** The start certificate, as the log has it. */
  let agreed: string | null = null;
  const ownData = contract?.parties.find(({ name }) => name === party)?.dataset;
  const sessions = new Map<string, SessionStory>();
  /** Attempts with a session. */
  const attempts = new Set<number>();
  /** Sessions with receipts that lack a signature, which is found already. */
  const unsigned = new Set<string>();
  const disclosures = new Map<string, DisclosureStory>();
  const declared: ReadonlyMap<string, DeclaredClass> | null = contract && declaredClasses(contract);
  /** Between data holders nothing is opened without a session. */
  const needsSession =
    ownData && contract?.parties.some(({ name, dataset }) => name !== party && dataset !== null);
  /** Elements by attempt and class. */
  const opened = new Map<string, number>();

  function dataAccess({ body }: Entry<'data_access'>, where: string): void {
    if (!contract || body.purpose === 'apply') return;
    const is = body.commitment === ownData?.commitment && body.rows === ownData.rowCount;
    if (!is) findings.add('dataset_differs', where, `${party} read other data than it brought`);
  }

  function sessionOpened(entry: Entry<'session_opened'>, where: string): void {
    const { body, attempt, time } = entry;
    const { peer, session } = body;
    if (sessions.has(session)) {
      findings.add('session_unbound', where, 'it was opened before');
      return;
    }
    if (isFull(sessions, 'sessions')) return;
    const terms = contract?.parties.find(({ name }) => name === peer);
    if (peer === party) {
      findings.add('session_unbound', where, `${party} has it with itself`);
    } else if (contract && !terms) {
      findings.add('session_unbound', where, `${peer} is no party of the contract`);
    } else if (terms && terms.fingerprint !== body.fingerprint) {
      findings.add('wrong_key', where, `the session was with another key than ${peer}’s`);
    }
    if (agreed !== null && body.certificate !== agreed) {
      findings.add('session_unbound', where, 'it was opened for another start certificate');
    }
    if (contract && body.implementation !== contract.algorithm.implementation) {
      findings.add('implementation_differs', where, `${party} ran other code than was agreed`);
    }
    if (peer !== party) attempts.add(attempt!);
    sessions.set(session, {
      id: session,
      attempt: attempt!,
      opened: body,
      openedAt: time,
      closed: null,
      receipts: [],
    });
  }

  function sessionClosed({ body, attempt }: Entry<'session_closed'>, where: string): void {
    const session = sessions.get(body.session);
    if (!session || session.attempt !== attempt || session.opened.peer !== body.peer) {
      findings.add('session_unbound', where, 'no such session was opened');
      return;
    }
    if (session.closed) findings.add('session_unbound', where, 'it was closed before');
    session.closed ??= body;
  }

  function phaseReceipt(body: Receipt, attempt: number | null, where: string): void {
    const { statement } = body;
    const session = sessions.get(statement.session);
    const peer = session?.opened.peer;
    const isOurs =
      (statement.from === party && statement.to === peer) ||
      (statement.from === peer && statement.to === party);
    if (!session || !isOurs || statement.taskId !== task || statement.attempt !== attempt) {
      findings.add('session_unbound', where, 'it is the receipt of no session that was opened');
      return;
    }
    if (statement.attempt !== session.attempt) {
      findings.add('session_unbound', where, 'it is the receipt of another attempt');
      return;
    }
    // What both have signed is kept, each number once: as much as there really was, and no more.
    if (!areSignatures(body, where)) {
      unsigned.add(session.id);
      return;
    }
    const earlier = session.receipts.findLast(({ from }) => from === statement.from);
    const due = earlier ? earlier.number + 1 : 0;
    if (statement.number > due) {
      const detail = `receipt ${due} of what ${statement.from} sent did not come before number ${statement.number}`;
      findings.add('receipt_missing', where, detail);
    }
    if (earlier) {
      const went =
        statement.number >= due &&
        statement.frames >= earlier.frames &&
        statement.bytes >= earlier.bytes &&
        !earlier.last;
      const same = statement.frames > earlier.frames || statement.hash === earlier.hash;
      if (!went || !same) {
        const detail = `it does not continue the receipt after ${earlier.frames} frames`;
        findings.add('receipt_broken', where, detail);
      }
    }
    if (statement.number >= due) session.receipts.push(statement);
  }

  function areSignatures(
    { statement, signature, countersignature }: Receipt,
    where: string,
  ): boolean {
    const bytes = encodeStatement(statement);
    const signatures = [
      [statement.from, PHASE_DOMAIN, signature],
      [statement.to, PHASE_COUNTER_DOMAIN, countersignature],
    ] as const;
    let all = true;
    for (const [signer, domain, hex] of signatures) {
      const key = trusted.find(signer);
      if (key?.verify(domain, bytes, Buffer.from(hex, 'hex'))) continue;
      if (key) findings.add('receipt_forged', where, `${signer} did not sign it`);
      all = false;
    }
    return all;
  }

  function isFull(kept: ReadonlyMap<string, unknown>, what: string): boolean {
    if (kept.size < MAX_KEPT) return false;
    findings.add('malformed_bundle', 'the entries', `more than ${MAX_KEPT} ${what} of one task`);
    return true;
  }

  function disclosure({ body, attempt }: Entry<'disclosure'>, where: string): void {
    const { class: name, elements } = body;
    if (needsSession && !attempts.has(attempt!)) {
      findings.add('session_missing', where, `attempt ${attempt} had no session before`);
    }
    const to = [...new Set(body.to)].sort();
    const storyKey = `${attempt}/${name}/${to.join()}`;
    const known = disclosures.get(storyKey);
    if (!known && isFull(disclosures, 'kinds of openings')) return;
    const story = known ?? {
      attempt: attempt!,
      class: name,
      to,
      openings: 0,
      elements: 0,
      told: 0,
    };
    disclosures.set(storyKey, story);
    story.openings += 1;
    story.elements += elements;
    if (body.value !== null) story.told += 1;
    if (!declared) return;
    try {
      const { most } = checkDeclared(body, declared);
      const total = (opened.get(`${attempt}/${name}`) ?? 0) + elements;
      opened.set(`${attempt}/${name}`, total);
      if (total > most) {
        const detail = `attempt ${attempt} opened ${total} ${name}; the contract opens at most ${most}`;
        findings.add('excess_disclosure', where, detail);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      findings.add('undeclared_disclosure', where, error.message);
    }
  }

  return {
    sessions,
    get disclosures() {
      return [...disclosures.values()];
    },
    entry({ index, entry }) {
      const where = entryName(entry, index);
      if (entry.kind === 'certificate') agreed ??= entry.body.certificate;
      else if (entry.kind === 'data_access') dataAccess(entry, where);
      else if (entry.kind === 'session_opened') sessionOpened(entry, where);
      else if (entry.kind === 'session_closed') sessionClosed(entry, where);
      else if (entry.kind === 'phase_receipt') phaseReceipt(entry.body, entry.attempt, where);
      else if (entry.kind === 'disclosure') disclosure(entry, where);
    },
    end() {
      for (const session of sessions.values()) {
        if (!unsigned.has(session.id)) checkEnd(session, party, findings);
      }
    },
  };
}

/** A session that ended in order has a last receipt of each direction, of no more than went over it. */
function checkEnd(
  { id, opened, closed, receipts }: SessionStory,
  party: string,
  findings: Findings,
): void {
  if (!closed || closed.code !== null) return;
  const where = `session ${id.slice(0, 16)}… with ${opened.peer}`;
  const directions = [
    [party, closed.sent],
    [opened.peer, closed.received],
  ] as const;
  for (const [from, { frames, bytes }] of directions) {
    const last = receipts.findLast((receipt) => receipt.from === from);
    if (!last?.last) {
      findings.add('receipt_missing', where, `the last receipt of what ${from} sent is missing`);
    } else if (last.frames > frames || last.bytes > bytes) {
      const detail = `what ${from} sent was less at the end of the session than in its last receipt`;
      findings.add('receipt_broken', where, detail);
    }
  }
}

/** Entries of the audit log in words, one line each. */
import type { Entry } from '../audit/entry.ts';
import { bytes, printable, printableJson, table } from './tables.ts';

/** Entries with what stands around them. */
export interface Timeline {
  /** A line before them; may be empty. */
  readonly title: string;
  /** What programs are told beside them. */
  readonly head: object;
  readonly entries: AsyncIterable<Entry>;
  /** Lines that could not be read, once the entries have come to an end. */
  readonly skipped: () => number;
}

/** Entries that are aligned, and kept in memory, together. Own choice. */
const PAGE = 1000;

/** A timeline for people, or as one JSON object, in pieces. */
export async function* timelinePieces(timeline: Timeline, json: boolean): AsyncGenerator<string> {
  const { title, head, entries, skipped } = timeline;
  yield json ? `${printableJson(head).slice(0, -1)},"entries":[` : title;
  let comma = '';
  for await (const page of pagesOf(entries)) {
    if (!json) yield timelineText(page);
    else {
      yield `${comma}${page.map((entry) => printableJson(entry)).join()}`;
      comma = ',';
    }
  }
  if (json) yield `],"skipped_lines":${skipped()}}\n`;
  else if (skipped() > 0) {
    yield `lines that cannot be read: ${skipped()}; "entente audit verify" says which\n`;
  }
}

/** Entries as a timeline, in the order in which they are given. */
export function timelineText(entries: readonly Entry[]): string {
  return table(entries.map((entry) => [entry.time, placeOf(entry), entryText(entry)]));
}

async function* pagesOf(entries: AsyncIterable<Entry>): AsyncGenerator<readonly Entry[]> {
  let page: Entry[] = [];
  for await (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function placeOf({ seq, attempt }: Entry): string {
  if (seq === null) return '';
  return attempt === null ? `#${seq}` : `#${seq} attempt ${attempt}`;
}

/** What an entry says, in a few words. */
export function entryText(entry: Entry): string {
  switch (entry.kind) {
    case 'contract': {
      const { kind, algorithm, initiator, parties } = entry.body;
      const names = parties.map(({ name }) => name).join(', ');
      return `contract: ${kind} ${algorithm} between ${names}, proposed by ${initiator}`;
    }
    case 'vote': {
      const { signer, decision, expiresAt } = entry.body.body;
      return `vote of ${signer}: ${decision}, until ${expiresAt}`;
    }
    case 'certificate': {
      const { votes } = entry.body;
      return `start certificate: votes of ${votes.map(({ signer }) => signer).join(', ')}`;
    }
    case 'refusal': {
      const { party, step, code } = entry.body;
      const what = step === 'run' ? 'ended the task' : `refused at ${step}`;
      return `${party} ${what}: ${code}`;
    }
    case 'policy': {
      const { policy, rules } = entry.body;
      return policy === null ? 'policy: unreadable, allows nothing' : `policy: ${rules} rules`;
    }
    case 'data_access': {
      const { purpose, peer, rows, columns } = entry.body;
      return `data read for ${peer} to ${purpose}: ${rows} rows, ${columns} columns`;
    }
    case 'session_opened':
      return `session with ${entry.body.peer} opened`;
    case 'session_closed': {
      const { peer, code, sent, received } = entry.body;
      const traffic = `${bytes(sent.bytes)} sent, ${bytes(received.bytes)} received`;
      return `session with ${peer} ended ${code === null ? 'in order' : `with ${code}`}: ${traffic}`;
    }
    case 'phase_receipt': {
      const { from, to, phase, step, frames, bytes: count, last } = entry.body.statement;
      const place = last ? 'end of session' : `${phase}, step ${step}`;
      return `receipt ${from} to ${to}, ${place}: ${frames} frames, ${bytes(count)}, signed by both`;
    }
    case 'disclosure': {
      const { class: name, to, elements } = entry.body;
      return `opened ${elements} ${name} to ${to.join(', ')}`;
    }
    case 'checkpoint_exchange': {
      const { witness, at, code, own, theirs } = entry.body;
      if (code !== null) return `log states of this party and ${witness} at ${at}: ${code}`;
      const said = [
        ...(own ? [`${witness} confirmed this log of ${own.size} entries`] : []),
        ...(theirs ? [`the log of ${witness} of ${theirs.size} entries confirmed`] : []),
      ];
      return `${said.join(', ')}, at ${at}`;
    }
    case 'result': {
      const { signer, outcome } = entry.body.receipt.body;
      return `result of ${signer}: ${outcome}`;
    }
    case 'delivery': {
      const { to, what, bytes: count } = entry.body;
      if (to.via === 'node') return `${what} of ${bytes(count)} in the results folder`;
      return `${what} of ${bytes(count)} taken by ${actorText(to)}`;
    }
    case 'cancellation': {
      const { party, actor } = entry.body;
      return `cancelled at ${party}${actor ? ` by ${actorText(actor)}` : ''}`;
    }
    case 'error': {
      const { source, code, party } = entry.body;
      return `error in ${source}: ${code}${party ? ` at ${party}` : ''}`;
    }
    case 'administration': {
      const { action, actor, subject } = entry.body;
      return `${action}${subject === null ? '' : ` ${printable(subject)}`} by ${actorText(actor)}`;
    }
    case 'export': {
      const { scope, actor, entries, awaited } = entry.body;
      const closing = awaited.length > 0 ? `, still to be closed by ${awaited.join(', ')}` : '';
      return `evidence of ${scope} exported by ${actorText(actor)}: ${entries} entries${closing}`;
    }
  }
}

function actorText({ via, id }: { readonly via: string; readonly id: string }): string {
  return `${via} ${id}`;
}

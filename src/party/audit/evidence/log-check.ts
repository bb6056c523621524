/** Whether the entries are those of the log, each in its place: of a task by proofs, of a log by its tree. */
import { CLOCK_SKEW_MS } from '../../consensus/contract-check.ts';
import type { Entry } from '../entry.ts';
import { Frontier, leafHash } from '../merkle.ts';
import { verifyInclusion } from '../merkle-proof.ts';
import type { EntryLine } from './bundle.ts';
import type { Findings } from './findings.ts';
import { type ConfirmedState, type Ground, hexOf } from './ground.ts';
import { gapText, Numbering } from './numbering.ts';

/** Something that looks at every entry in turn, then at the whole. */
export interface EntryCheck {
  entry(line: EntryLine): void;
  end(): void;
}

/** An entry of a task as findings name it: by its number among the task's. */
export function entryName({ seq, kind }: Pick<Entry, 'seq' | 'kind'>, index: number): string {
  return seq === null ? `log entry ${index} (${kind})` : `entry ${seq} (${kind})`;
}

/** Of a task: every entry is proven, and they are numbered without a gap up to the export's own. */
export function taskLogCheck(ground: Ground, findings: Findings): EntryCheck {
  const { task } = ground.header;
  const { final } = ground;
  const numbers = new Numbering();
  const time = timeCheck(findings);
  let lastIndex = -1;
  let last: Entry | null = null;
  let count = 0;
  return {
    entry({ index, entry, bytes, proof }) {
      const where = entryName(entry, index);
      if (entry.task !== task) {
        findings.add('entry_altered', where, 'it belongs to another task');
        return;
      }
      if (final && !verifyInclusion(index, final.size, leafHash(bytes), final.root, proof ?? [])) {
        const detail = `the log’s tree of ${final.size} entries does not have it as number ${index}`;
        findings.add('entry_altered', where, detail);
      }
      const turn = numbers.take(entry.seq!);
      if (turn === 'again') findings.add('entry_reordered', where, 'its number came before');
      else if (turn === 'late' || index <= lastIndex) {
        findings.add('entry_reordered', where, 'it stands after entries that follow it');
      }
      lastIndex = Math.max(lastIndex, index);
      time(entry, where);
      last = entry;
      count += 1;
    },
    end() {
      for (const gap of numbers.gaps) {
        findings.add('entry_dropped', `task ${task}`, `${gapText(gap)} of the task did not come`);
      }
      checkExport(last, numbers.next, findings);
      if (count === 0) findings.add('entry_dropped', `task ${task}`, 'no entry came');
    },
  };
}

/** Tasks of one log whose entries are counted; of further ones it is not known whether one is missing. */
const MAX_TASKS = 1 << 20;

/**
 * Of the whole log: its tree, made anew from its entries, is the one that was signed and confirmed.
 * Memory grows with the number of tasks, not with that of entries.
 */
export function wholeLogCheck(ground: Ground, findings: Findings): EntryCheck {
  const { final } = ground;
  const numbers = new Numbering();
  const ofTasks = new Map<string, number>();
  const time = timeCheck(findings);
  const due = ground.confirmed.toSorted((a, b) => a.size - b.size);
  const tree = Frontier.empty();
  let isWhole = true;
  const checkStates = (): void => {
    for (let state = due[0]; state && state.size === tree.size; state = due[0]) {
      if (isWhole) checkRoot(tree, state, findings);
      due.shift();
    }
  };
  checkStates();
  return {
    entry({ index, entry, bytes }) {
      const turn = numbers.take(index);
      if (turn !== 'next') isWhole = false;
      if (turn === 'late' || turn === 'again') {
        const where = entryName(entry, index);
        findings.add('entry_reordered', where, 'it stands after entries that follow it');
      }
      tree.append(leafHash(bytes));
      checkStates();
      time(entry, '');
      if (entry.task === null || entry.seq === null) return;
      if (ofTasks.size >= MAX_TASKS && !ofTasks.has(entry.task)) {
        findings.add('malformed_bundle', 'the log', `it has more than ${MAX_TASKS} tasks`);
        return;
      }
      const expected = ofTasks.get(entry.task) ?? 0;
      if (entry.seq !== expected && turn === 'next') {
        const detail = `number ${expected} of task ${entry.task} should stand there`;
        findings.add('entry_dropped', `log entry ${index}`, detail);
      }
      ofTasks.set(entry.task, entry.seq + 1);
    },
    end() {
      for (const gap of numbers.gaps) {
        findings.add('entry_dropped', 'the log', `${gapText(gap)} of the log did not come`);
      }
      if (final && numbers.next < final.size) {
        const rest = gapText({ from: numbers.next, to: final.size });
        findings.add('entry_dropped', 'the log', `${rest} of the log did not come`);
      } else if (final && isWhole && hexOf(tree.root()) !== hexOf(final.root)) {
        const detail = 'the tree of these entries is not the one that the log signed';
        findings.add('entry_altered', 'the log', detail);
      }
    },
  };
}

function checkRoot(
  tree: Frontier,
  { witness, size, root }: ConfirmedState,
  findings: Findings,
): void {
  if (hexOf(tree.root()) === root) return;
  const detail = `its first ${size} entries are others than those that ${witness} confirmed`;
  findings.add('log_forked', `the state that ${witness} confirmed`, detail);
}

/** The last entry is the export's own, and knows how many there are. */
function checkExport(last: Entry | null, entries: number, findings: Findings): void {
  if (last?.kind !== 'export' || last.body.scope !== 'task') {
    findings.add('entry_dropped', 'the last entry', 'it is not the one of this export');
  } else if (last.body.entries !== entries) {
    const detail = `it was made with ${last.body.entries} entries; there are ${entries}`;
    findings.add('entry_dropped', 'the last entry', detail);
  }
}

/** Entries are in the order of their times, but for what clocks are set back. */
function timeCheck(findings: Findings): (entry: Entry, where: string) => void {
  let latest = 0;
  return (entry, where) => {
    const at = Date.parse(entry.time);
    if (at < latest - CLOCK_SKEW_MS) {
      const detail = `${entry.time} comes after ${new Date(latest).toISOString()}`;
      findings.add('time_reversed', where || `the log at ${entry.time}`, detail);
    }
    latest = Math.max(latest, at);
  };
}

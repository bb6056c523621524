/** Whether counterparties confirmed the log's states, and this party confirmed theirs. */
import { CLOCK_SKEW_MS } from '../../consensus/contract-check.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Entry } from '../entry.ts';
import type { Findings } from './findings.ts';
import { type ConfirmedState, cosignedAt, type Ground, hexOf, openSigned } from './ground.ts';
import { type EntryCheck, entryName } from './log-check.ts';
import type { WitnessedState } from './story.ts';

export interface ExchangeCheck extends EntryCheck {
  /** Every state of this log that a trusted witness confirmed, smallest first. */
  readonly confirmed: readonly ConfirmedState[];
  readonly witnessed: readonly WitnessedState[];
  /** Codes with which one side would not confirm what the other showed. */
  readonly unconfirmed: readonly string[];
}

type Shown = NonNullable<Entry<'checkpoint_exchange'>['body']['own']>;

export function exchangeCheck(ground: Ground, findings: Findings): ExchangeCheck {
  const { own, contract, certificate } = ground;
  const { party } = ground.header;
  const confirmed = [...ground.confirmed];
  const witnessed: WitnessedState[] = [];
  const unconfirmed: string[] = [];
  const times: EntryTime[] = [];

  function ownShown(shown: Shown, witness: string, index: number, where: string): void {
    if (!own) return;
    const state = openSigned(shown.note, own, where, findings);
    const verifier = ground.witness(witness);
    if (!state || !verifier || !isAsSaid(shown, state, where, findings)) return;
    if (state.size > index) {
      const detail = `it is of ${state.size} entries, which there were not yet`;
      findings.add('entry_reordered', where, detail);
    }
    const time = cosignedAt(shown.note, own, verifier, where, findings);
    if (time === null || !ground.checkContinued(state, where)) return;
    confirmed.push({ witness, size: state.size, root: shown.root, time });
  }

  function theirsShown(shown: Shown, other: string, where: string): void {
    const log = ground.logOf(other);
    if (!log || !own) return;
    const state = openSigned(shown.note, log, where, findings);
    if (!state || !isAsSaid(shown, state, where, findings)) return;
    if (cosignedAt(shown.note, log, own.cosignatures, where, findings) === null) return;
    witnessed.push({ party: other, size: state.size, root: shown.root });
  }

  return {
    get confirmed() {
      return confirmed.toSorted((a, b) => a.size - b.size);
    },
    witnessed,
    unconfirmed,
    entry({ index, entry }) {
      times.push({ index, at: Date.parse(entry.time), seq: entry.seq, kind: entry.kind });
      if (entry.kind !== 'checkpoint_exchange') return;
      const { witness, code, own: ours, theirs } = entry.body;
      if (code !== null) {
        unconfirmed.push(`${witness}: ${code}`);
        return;
      }
      const where = `${entryName(entry, index)} with ${witness}`;
      if (witness === party) {
        findings.add('self_confirmed', where, `${party} is the log’s own party`);
        return;
      }
      if (ours) ownShown(ours, witness, index, where);
      if (theirs) theirsShown(theirs, witness, where);
    },
    end() {
      // Without a state of the log that holds, nothing can be said of what others confirmed.
      if (!contract || !certificate || !ground.final) return;
      const parties = new Set(contract.parties.map(({ name }) => name));
      checkTimes(
        times,
        confirmed.filter(({ witness }) => parties.has(witness)),
        findings,
      );
      for (const name of parties) {
        if (name === party || confirmed.some(({ witness }) => witness === name)) continue;
        findings.add('not_cosigned', name, `${name} has confirmed no state of the log of ${party}`);
      }
    },
  };
}

interface EntryTime extends Pick<Entry, 'seq' | 'kind'> {
  readonly index: number;
  /** Unix ms, by the party's own clock. */
  readonly at: number;
}

/**
 * Counterparties dated the states that they confirmed: what stands before one was not written later, nor
 * what stands after it earlier. So a party cannot set its own clock to when a vote still held.
 */
function checkTimes(
  entries: readonly EntryTime[],
  states: readonly ConfirmedState[],
  findings: Findings,
): void {
  const bounds = states
    .map(({ witness, size, time }) => ({ witness, size, at: Date.parse(time) }))
    .sort((a, b) => a.size - b.size);
  const inOrder = entries.toSorted((a, b) => a.index - b.index);
  const told = (entry: EntryTime, side: string): void => {
    const detail = `its time, ${new Date(entry.at).toISOString()}, is long ${side}`;
    findings.add('time_reversed', entryName(entry, entry.index), detail);
  };
  let next = 0;
  let latest = { witness: '', at: -Infinity };
  for (const entry of inOrder) {
    for (; next < bounds.length && bounds[next]!.size <= entry.index; next++) {
      if (bounds[next]!.at > latest.at) latest = bounds[next]!;
    }
    if (entry.at < latest.at - CLOCK_SKEW_MS)
      told(entry, `before ${latest.witness} confirmed what it follows`);
  }
  next = bounds.length - 1;
  let earliest = { witness: '', at: Infinity };
  for (const entry of inOrder.reverse()) {
    for (; next >= 0 && bounds[next]!.size > entry.index; next--) {
      if (bounds[next]!.at < earliest.at) earliest = bounds[next]!;
    }
    if (entry.at > earliest.at + CLOCK_SKEW_MS)
      told(entry, `after ${earliest.witness} confirmed it`);
  }
}

/** Whether the entry's own words are those of the note. */
function isAsSaid(
  { size, root }: Shown,
  state: Checkpoint,
  where: string,
  findings: Findings,
): boolean {
  if (state.size === size && hexOf(state.root) === root) return true;
  findings.add('checkpoint_forged', where, 'the note is of another state than the entry says');
  return false;
}

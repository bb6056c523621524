/** Whether counterparties confirmed the log's states, and this party confirmed theirs. */
import { CLOCK_SKEW_MS } from '../../consensus/contract-check.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { Entry } from '../entry.ts';
import type { Findings } from './findings.ts';
import { type ConfirmedState, cosignedAt, type Ground, hexOf, openSigned } from './ground.ts';
import { type EntryCheck, entryName } from './log-check.ts';
import { remark, type WitnessedState } from './story.ts';

export interface ExchangeCheck extends EntryCheck {
  /** Every state of this log that a trusted witness confirmed, smallest first. */
  readonly confirmed: readonly ConfirmedState[];
  /**
   * Entries from the log's first that every other party of the task has confirmed; what one of them has
   * not seen, it may have seen otherwise. Without an agreement, those that anybody has.
   */
  readonly covered: number;
  readonly witnessed: readonly WitnessedState[];
  /** Codes with which one side would not confirm what the other showed. */
  readonly unconfirmed: readonly string[];
}

type Shown = NonNullable<Entry<'checkpoint_exchange'>['body']['own']>;

export function exchangeCheck(ground: Ground, findings: Findings): ExchangeCheck {
  const { own, contract, certificate } = ground;
  const { party } = ground.header;
  const others = (contract?.parties ?? []).map(({ name }) => name).filter((name) => name !== party);
  const ownVote = certificate?.votes.find(({ body }) => body.signer === party)?.signature;
  // By what they say, so that what stands there a million times is kept once.
  const confirmed = new Map(ground.confirmed.map((state) => [stateKey(state), state]));
  const witnessed = new Map<string, WitnessedState>();
  const unconfirmed = new Set<string>();
  const times: EntryTimes = { indices: [], at: [] };
  /** The log's index of this party's vote. */
  let votedAt = -1;

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
    const now = { witness, size: state.size, root: shown.root, time };
    confirmed.set(stateKey(now), now);
  }

  function theirsShown(shown: Shown, other: string, where: string): void {
    const log = ground.logOf(other);
    if (!log || !own) return;
    const state = openSigned(shown.note, log, where, findings);
    if (!state || !isAsSaid(shown, state, where, findings)) return;
    if (cosignedAt(shown.note, log, own.cosignatures, where, findings) === null) return;
    witnessed.set(`${other}/${shown.root}`, { party: other, size: state.size, root: shown.root });
  }

  function sizeConfirmedBy(name: string): number {
    const of = [...confirmed.values()].filter(({ witness }) => witness === name);
    return Math.max(0, ...of.map(({ size }) => size));
  }

  return {
    get confirmed() {
      return [...confirmed.values()].sort((a, b) => a.size - b.size);
    },
    get covered() {
      if (!certificate) return Math.max(0, ...[...confirmed.values()].map(({ size }) => size));
      return Math.min(...others.map(sizeConfirmedBy));
    },
    get witnessed() {
      return [...witnessed.values()];
    },
    get unconfirmed() {
      return [...unconfirmed];
    },
    entry({ index, entry }) {
      times.indices.push(index);
      times.at.push(Date.parse(entry.time));
      if (entry.kind === 'vote' && entry.body.signature === ownVote) votedAt = index;
      if (entry.kind !== 'checkpoint_exchange') return;
      const { witness, code, own: ours, theirs } = entry.body;
      if (code !== null) {
        remark(unconfirmed, `${witness}: ${code}`);
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
      const states = [...confirmed.values()].filter(({ witness }) => others.includes(witness));
      checkTimes(times, states, findings);
      for (const name of others) {
        // Every party confirms the others' logs before it agrees, once they hold their votes.
        if (sizeConfirmedBy(name) > votedAt) continue;
        const detail = `${name} has confirmed no state of the log of ${party} with its vote`;
        findings.add('not_cosigned', name, detail);
      }
    },
  };
}

function stateKey({ witness, root, time }: ConfirmedState): string {
  return `${witness}/${root}/${time}`;
}

/** Of all entries: their numbers in the log, and their times by the party's own clock, Unix ms. */
interface EntryTimes {
  readonly indices: number[];
  readonly at: number[];
}

/**
 * Counterparties dated the states that they confirmed: what stands before one was not written later, nor
 * what stands after it earlier. So a party cannot set its own clock to when a vote still held.
 */
function checkTimes(
  { indices, at }: EntryTimes,
  states: readonly ConfirmedState[],
  findings: Findings,
): void {
  const bounds = states
    .map(({ witness, size, time }) => ({ witness, size, at: Date.parse(time) }))
    .sort((a, b) => a.size - b.size);
  // In the order in which they came: others are out of their place, and found to be.
  const told = (i: number, side: string): void => {
    const detail = `its time, ${new Date(at[i]!).toISOString()}, is long ${side}`;
    findings.add('time_reversed', `log entry ${indices[i]!}`, detail);
  };
  let next = 0;
  let latest = { witness: '', at: -Infinity };
  for (const [i, index] of indices.entries()) {
    for (; next < bounds.length && bounds[next]!.size <= index; next++) {
      if (bounds[next]!.at > latest.at) latest = bounds[next]!;
    }
    if (at[i]! < latest.at - CLOCK_SKEW_MS)
      told(i, `before ${latest.witness} confirmed what it follows`);
  }
  next = bounds.length - 1;
  let earliest = { witness: '', at: Infinity };
  for (let i = indices.length - 1; i >= 0; i--) {
    for (; next >= 0 && bounds[next]!.size > indices[i]!; next--) {
      if (bounds[next]!.at < earliest.at) earliest = bounds[next]!;
    }
    if (at[i]! > earliest.at + CLOCK_SKEW_MS) told(i, `after ${earliest.witness} confirmed it`);
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

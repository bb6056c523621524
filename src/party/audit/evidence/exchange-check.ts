/** Whether counterparties confirmed the log's states, and this party confirmed theirs. */
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
      if (entry.kind !== 'checkpoint_exchange') return;
      const { witness, code, own: ours, theirs } = entry.body;
      if (code !== null) {
        unconfirmed.push(`${witness}: ${code}`);
        return;
      }
      const where = `${entryName(entry, index)} with ${witness}`;
      if (ours) ownShown(ours, witness, index, where);
      if (theirs) theirsShown(theirs, witness, where);
    },
    end() {
      // Without a state of the log that holds, nothing can be said of what others confirmed.
      if (!contract || !certificate || !ground.final) return;
      for (const { name } of contract.parties) {
        if (name === party || confirmed.some(({ witness }) => witness === name)) continue;
        findings.add('not_cosigned', name, `${name} has confirmed no state of the log of ${party}`);
      }
    },
  };
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

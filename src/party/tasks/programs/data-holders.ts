import type { Parties } from '../../../protocols/channel.ts';
import type { Contract, ContractParty, DatasetTerms } from '../../consensus/contract.ts';
import type { ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';

/** A party that brings records. */
export interface DataHolder extends ContractParty {
  readonly dataset: DatasetTerms;
}

/** The data holders as one of them sees them. */
export interface DataHolders {
  /** In the contract's order. */
  readonly all: readonly DataHolder[];
  /** This party's place among them. */
  readonly me: number;
  readonly own: DataHolder;
  /** The others, in the contract's order. */
  readonly others: readonly DataHolder[];
}

/** Throws `TaskError` unless there are two or more, this party among them. */
export function dataHolders(contract: Contract, self: string): DataHolders {
  const all = contract.parties.filter((party): party is DataHolder => party.dataset !== null);
  const me = all.findIndex(({ name }) => name === self);
  if (me < 0 || all.length < 2) {
    throw new TaskError('NOT_AVAILABLE', 'the task needs this party and others to hold data');
  }
  return { all, me, own: all[me]!, others: all.filter((_, i) => i !== me) };
}

/** This party and the other data holder. Throws `TaskError` unless there are exactly these two. */
export function twoDataHolders(
  contract: Contract,
  self: string,
): { readonly own: DataHolder; readonly peer: DataHolder } {
  const { own, others } = dataHolders(contract, self);
  if (others.length !== 1) {
    throw new TaskError('NOT_AVAILABLE', 'the task needs exactly two data holders');
  }
  return { own, peer: others[0]! };
}

/**
 * Who learns first. Of two who learn it is the one with fewer records, for its part is the dearer by the
 * record; of more it is the one that stands first in the contract, as its statement says.
 */
export function leaderOf({ all }: DataHolders, learners: readonly string[]): number {
  const rows = all.map(({ name, dataset }) =>
    learners.includes(name) ? dataset.rowCount : Infinity,
  );
  return all.length > 2 ? rows.findIndex(Number.isFinite) : rows.indexOf(Math.min(...rows));
}

/** The data holders as the parties of a protocol, each with a channel for it alone. */
export function partiesOf(
  { link }: Pick<ProgramContext, 'link'>,
  { all, me }: DataHolders,
  label: string,
): Parties {
  const channels = all.map(({ name }, i) => (i === me ? null : link(name).channel.fork(label)));
  return {
    me,
    n: all.length,
    channel(peer) {
      const channel = channels[peer];
      if (!channel) throw new RangeError(`"peer" expected another data holder, got ${peer}`);
      return channel;
    },
  };
}

/** Local steps and the message at the label holder that end a training: of all splits that were found, the model's. */
import { KeptSplits } from '../../../../proto/gen/trees.ts';
import { packBits } from '../../../protocols/primitives/bits.ts';
import type { HostSession, Opening } from './context.ts';
import type { JointTree, SplitRule } from './joint-tree.ts';

/** What the label holder has of a model that several parties hold. */
export interface KeptModel {
  readonly rounds: readonly (readonly JointTree[])[];
  readonly rules: readonly SplitRule[];
}

/**
 * Tells every host which of its splits the model has, and its rounds. Returns the model with splits numbered anew.
 *
 * @param rounds - of the model.
 * @param rules - the label holder's own splits, those that were dropped included.
 * @param told - how many splits each host was told of.
 */
export async function keepSplits(
  hosts: readonly HostSession[],
  { rounds, rules }: KeptModel,
  told: readonly number[],
  { ledger }: Opening,
): Promise<KeptModel> {
  const kept = [rules.length, ...told].map((count) => new Uint8Array(count));
  for (const { split } of rounds.flat(2)) if (split) kept[split.owner]![split.rule] = 1;
  await Promise.all(
    hosts.map(async ({ trees, name }, h) => {
      const value = packBits(kept[h + 1]!);
      await ledger.record({ class: 'kept_splits', to: [name], elements: told[h]!, value });
      await trees.send(KeptSplits, { kept: value, rounds: rounds.length });
    }),
  );
  const numbers = kept.map(numbersOf);
  return {
    rounds: rounds.map((trees) => trees.map((tree) => renumber(tree, numbers))),
    rules: rules.filter((_, rule) => kept[0]![rule] === 1),
  };
}

/** The place of each rule among those that are kept. */
function numbersOf(flags: Uint8Array): Int32Array {
  let next = 0;
  return Int32Array.from(flags, (flag) => (flag === 1 ? next++ : -1));
}

/** numbers: by owner. */
function renumber(tree: JointTree, numbers: readonly Int32Array[]): JointTree {
  return tree.map((node) => {
    const { split } = node;
    if (!split) return node;
    return { ...node, split: { ...split, rule: numbers[split.owner]![split.rule]! } };
  });
}

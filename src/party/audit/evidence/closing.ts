/** Whether a task is closed at a party: until then its evidence lacks what the others are about to send. */
import type { Contract } from '../../consensus/contract.ts';
import type { Entry } from '../entry.ts';

/**
 * Parties by which a task with a result is still to be closed: that have not signed how it ended, or that
 * this party has not shown its log to since.
 *
 * @param entries - Of the task, in their order.
 */
export async function awaitedParties(
  party: string,
  contract: Contract,
  entries: AsyncIterable<Entry>,
): Promise<readonly string[]> {
  /** By signer, of the last attempt with one. */
  const signed = new Map<string, number>();
  const shown = new Set<string>();
  for await (const { kind, attempt, body } of entries) {
    if (kind === 'result') signed.set(body.receipt.body.signer, attempt!);
    if (kind !== 'checkpoint_exchange' || body.at !== 'end') continue;
    // Tried is enough: a party that is away is shown the log at the next task.
    if (body.own || (body.code !== null && !body.theirs)) shown.add(body.witness);
  }
  const own = signed.get(party);
  if (own === undefined) return [party];
  const others = contract.parties.map(({ name }) => name).filter((name) => name !== party);
  return others.filter((name) => signed.get(name) !== own || !shown.has(name));
}

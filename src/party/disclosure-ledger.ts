import type { Disclosure, DisclosureLedger } from '../protocols/disclosure.ts';
import { ProtocolError } from '../protocols/errors.ts';
import type { Contract } from './consensus/contract.ts';
import { type Store, storeKey } from './store.ts';

/** One opening, as it is kept. Values are never stored. */
export interface DisclosureRecord extends Disclosure {
  readonly taskId: string;
  /** Position among the task's openings at this node, over all attempts, from 0. */
  readonly seq: number;
  /** ISO 8601 UTC. */
  readonly time: string;
}

/** The parties that a class of the leakage statement means by its role; none for an unknown role. */
export function partiesOfRole(contract: Contract, role: string): readonly string[] {
  switch (role) {
    case 'all':
      return contract.parties.map((party) => party.name);
    case 'data_holders':
      return contract.parties.filter((party) => party.dataset !== null).map((party) => party.name);
    case 'receivers':
      return contract.receivers;
    case 'label_holder':
    case 'feature_holder':
    case 'receiver':
      return contract.parties.filter((party) => party.role === role).map((party) => party.name);
    default:
      return [];
  }
}

/**
 * The ledger of one task at this node. It goes on where the last attempt stopped: what was opened in
 * an attempt that broke stays opened.
 *
 * @param now - Unix ms.
 */
export async function openDisclosureLedger(
  store: Store,
  contract: Contract,
  taskId: string,
  now: () => number,
): Promise<DisclosureLedger> {
  const table = store.table<DisclosureRecord>('disclosures');
  const receivers = receiversByClass(contract);
  const last = await table.last(taskId);
  let nextSeq = last ? last[1].seq + 1 : 0;

  return {
    async record(disclosure) {
      checkDeclared(disclosure, receivers);
      const seq = nextSeq++;
      const { class: name, to, elements } = disclosure;
      const time = new Date(now()).toISOString();
      const record: DisclosureRecord = { taskId, seq, class: name, to, elements, time };
      await store.write(table.put(storeKey(taskId, seq), record));
    },
  };
}

/** Every opening of a task that this node recorded, in order. */
export async function disclosuresOf(
  store: Store,
  taskId: string,
): Promise<readonly DisclosureRecord[]> {
  const entries = await store.table<DisclosureRecord>('disclosures').list(taskId);
  return entries.map(([, record]) => record);
}

/** Who may learn each class. A class that stands twice may go to the readers of both. */
function receiversByClass(contract: Contract): ReadonlyMap<string, ReadonlySet<string>> {
  const receivers = new Map<string, Set<string>>();
  for (const { name, to } of contract.leakage.opened) {
    const known = receivers.get(name) ?? new Set();
    for (const party of partiesOfRole(contract, to)) known.add(party);
    receivers.set(name, known);
  }
  return receivers;
}

function checkDeclared(
  { class: name, to, elements }: Disclosure,
  receivers: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  if (!Number.isSafeInteger(elements) || elements < 0) {
    throw new RangeError(`"elements" expected an integer >= 0, got ${elements}`);
  }
  if (to.length === 0) throw new RangeError('"to" expected at least one party');
  const declared = receivers.get(name);
  if (!declared) throw new ProtocolError('NOT_DECLARED', `the contract opens no ${name}`);
  const stranger = to.find((party) => !declared.has(party));
  if (stranger !== undefined) {
    throw new ProtocolError('NOT_DECLARED', `the contract opens no ${name} to ${stranger}`);
  }
}

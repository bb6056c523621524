/** What a contract lets be opened, to whom, and how much of it. */
import type { DisclosureTerms } from '../protocols/disclosure.ts';
import { ProtocolError } from '../protocols/errors.ts';
import type { Contract } from './consensus/contract.ts';

/** The parties that a class of the leakage statement means by its role; none for an unknown role. */
export function partiesOfRole(contract: Contract, role: string): readonly string[] {
  switch (role) {
    case 'all':
      return contract.parties.map((party) => party.name);
    case 'data_holders':
      return contract.parties.filter((party) => party.dataset !== null).map((party) => party.name);
    case 'receivers':
      return contract.receivers;
    case 'payload_receivers':
      return contract.parties
        .filter(
          ({ name, dataset }) => contract.receivers.includes(name) && !dataset?.payload.length,
        )
        .map((party) => party.name);
    case 'label_holder':
    case 'feature_holder':
    case 'receiver':
      return contract.parties.filter((party) => party.role === role).map((party) => party.name);
    default:
      return [];
  }
}

/** What the contract says of a class. One that stands twice may go to the readers of both. */
export interface DeclaredClass {
  readonly readers: ReadonlySet<string>;
  /** Elements in one attempt. */
  readonly most: number;
}

/** By the class's name. */
export function declaredClasses(contract: Contract): ReadonlyMap<string, DeclaredClass> {
  const classes = new Map<string, DeclaredClass>();
  for (const { name, to, most } of contract.leakage.opened) {
    const known = classes.get(name) ?? { readers: [], most: 0 };
    const readers = new Set([...known.readers, ...partiesOfRole(contract, to)]);
    classes.set(name, { readers, most: known.most + most });
  }
  return classes;
}

/** The class of an opening. Throws `NOT_DECLARED` for one that the contract does not have, or a reader. */
export function checkDeclared(
  { class: name, to, elements }: DisclosureTerms,
  classes: ReadonlyMap<string, DeclaredClass>,
): DeclaredClass {
  if (!Number.isSafeInteger(elements) || elements < 0) {
    throw new RangeError(`"elements" expected an integer >= 0, got ${elements}`);
  }
  if (to.length === 0) throw new RangeError('"to" expected at least one party');
  const declared = classes.get(name);
  if (!declared) throw new ProtocolError('NOT_DECLARED', `the contract opens no ${name}`);
  const stranger = to.find((party) => !declared.readers.has(party));
  if (stranger !== undefined) {
    throw new ProtocolError('NOT_DECLARED', `the contract opens no ${name} to ${stranger}`);
  }
  return declared;
}

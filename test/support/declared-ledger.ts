import type {
  DisclosureLedger,
  DisclosureTerms,
  LeakageStatement,
} from '../../src/protocols/disclosure.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';
import { PARTIES } from './vertical-run.ts';

export interface DeclaredLedger extends DisclosureLedger {
  readonly recorded: readonly DisclosureTerms[];
}

/**
 * A ledger that knows a statement: refuses a class that is not in it, readers other than the statement's, and
 * more elements than it bounds. `refused` classes are refused although they are declared.
 */
export function declaredLedger(
  statement: LeakageStatement,
  receivers: readonly string[],
  refused: readonly string[] = [],
): DeclaredLedger {
  const readers: Readonly<Record<string, readonly string[]>> = {
    label_holder: [PARTIES[0]],
    feature_holder: [PARTIES[1]],
    data_holders: PARTIES,
    receivers,
  };
  const recorded: DisclosureTerms[] = [];
  const refuse = (reason: string): never => {
    throw new ProtocolError('NOT_DECLARED', reason);
  };
  return {
    recorded,
    async record({ value: _value, ...disclosure }) {
      const { class: name, to, elements } = disclosure;
      const declared = statement.opened.find((each) => each.name === name);
      if (!declared || refused.includes(name)) return refuse(`class ${name}`);
      if ([...to].sort().join() !== [...readers[declared.to]!].sort().join()) {
        refuse(`${name} to ${to.join()}`);
      }
      const before = recorded.filter((each) => each.class === name);
      const total = before.reduce((sum, each) => sum + each.elements, elements);
      if (total > declared.most) refuse(`${total} elements of ${name}`);
      recorded.push(disclosure);
    },
  };
}

/** Which set intersections there are: how result, join, duplicates, engine and parties go together. */
import type { Alignment, ContractParty, PsiContract } from './contract.ts';
import { checkRules, malformedContract } from './errors.ts';

/** What an intersection is for. */
export interface IntersectionResult {
  readonly labelled: boolean;
  readonly duplicates: Alignment['duplicates'];
  readonly join: PsiContract['parameters']['join'];
  readonly receivers: readonly string[];
}

/**
 * Whether one of two tells something with each key that the other reads of common keys alone: its
 * payload, or how many records it has where it does not receive itself.
 */
export function tellsWithKeys(result: IntersectionResult): boolean {
  const { labelled, duplicates, join, receivers } = result;
  return labelled || (duplicates === 'expand' && join !== 'difference' && receivers.length === 1);
}

/** Refuses an intersection whose fields do not fit together: `malformed_contract` with the path. */
export function checkIntersection(contract: PsiContract): void {
  const { algorithm, alignment, parameters, parties, receivers } = contract;
  const { engine, duplicates } = alignment;
  const { join } = parameters;
  const labelled = algorithm.name === 'labelled_intersection';
  const holders = parties.filter(({ dataset }) => dataset !== null);
  const two = holders.length === 2;
  const rows = parameters.output === 'rows';
  const plain = two && rows && !labelled;
  const unless = 'unless two data holders match rows without payload';
  checkRules([
    ['algorithm/name', two || !labelled, 'must be intersection for three or more data holders'],
    ['parameters/output', rows || (two && !labelled), 'must be rows unless two count keys alone'],
    ['parameters/join', join === 'inner' || plain, `must be inner ${unless}`],
    ['alignment/duplicates', duplicates !== 'expand' || plain, `must not be expand ${unless}`],
    [
      'alignment/engine',
      rows || engine === 'ecdh',
      'must be ecdh where common records are counted',
    ],
    [
      'alignment/engine',
      engine === 'rr22' || !tellsWithKeys({ labelled, duplicates, join, receivers }),
      'must be rr22 where one data holder tells of its records and the other alone receives',
    ],
    [
      'receivers',
      rows || holders.every(({ name }) => receivers.includes(name)),
      'must have both data holders: each learns the size',
    ],
  ]);
  if (labelled) checkProvider(contract);
}

/** One data holder provides payload, and the other receives it. */
function checkProvider({ parties, receivers }: PsiContract): void {
  const provides = ({ dataset }: ContractParty): boolean => (dataset?.payload.length ?? 0) > 0;
  const provider = parties.findIndex(provides);
  if (provider < 0) malformedContract('parties', 'must have one with payload');
  const second = parties.findLastIndex(provides);
  if (second > provider) {
    malformedContract(`parties/${second}/dataset/payload`, 'must be empty: another party provides');
  }
  const told = parties.find((party) => party.dataset !== null && !provides(party))!;
  if (!receivers.includes(told.name)) {
    malformedContract('receivers', `must have ${told.name}, whom the payload is for`);
  }
}

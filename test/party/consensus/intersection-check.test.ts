import { deepEqual } from 'node:assert/strict';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import type { PsiContract } from '../../../src/party/consensus/contract.ts';
import { checkContract, decodeContract } from '../../../src/party/consensus/contract-check.ts';
import { changed, type Json } from '../../support/changed-contract.ts';
import { sampleIntersection, sampleLabelled, testIdentity } from '../../support/contracts.ts';
import { refuses } from '../../support/refusals.ts';

const [a, b, c] = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);
const TWO = sampleIntersection([a!, b!]);
const BOTH = changed('receivers', ['orgA', 'orgB'], TWO);
const THREE = sampleIntersection([a!, b!, c!]);
const LABELLED = sampleLabelled([a!, b!]);
const SIZE = changed('parameters/output', 'size', BOTH);
const EXPANDED = changed('alignment/duplicates', 'expand', BOTH);

type Change = readonly [path: string, value: Json];

const RR22: Change = ['alignment/engine', 'rr22'];
const MINIMUM: Change = ['alignment/minimumIntersection', 3];

function of(base: PsiContract, changes: readonly Change[]): PsiContract {
  return changes.reduce((contract, [path, value]) => changed(path, value, contract), base);
}

describe('check of a set intersection', () => {
  it('accepts what there is, and reads it back', () => {
    const contracts: readonly (readonly [PsiContract, ...Change[]])[] = [
      [TWO],
      [TWO, RR22],
      [TWO, RR22, MINIMUM],
      [TWO, ['receivers', ['orgB']]],
      ...['left', 'right', 'full', 'difference'].map(
        (join) => [TWO, ['parameters/join', join]] as const,
      ),
      [SIZE],
      [SIZE, MINIMUM],
      [EXPANDED, RR22],
      [EXPANDED, ['parameters/join', 'full']],
      [EXPANDED, RR22, ['receivers', ['orgB']]],
      [EXPANDED, ['receivers', ['orgB']], ['parameters/join', 'difference']],
      [LABELLED],
      [LABELLED, ['receivers', ['orgA', 'orgB']]],
      [LABELLED, MINIMUM, ['alignment/duplicates', 'first']],
      [
        LABELLED,
        ['parties/0/dataset/payload', ['z']],
        ['parties/1/dataset/payload', []],
        ['receivers', ['orgB']],
      ],
      [THREE],
      [THREE, ['alignment/duplicates', 'first'], ['receivers', ['orgB', 'orgC']]],
    ];
    for (const [base, ...changes] of contracts) {
      const contract = of(base, changes);
      checkContract(contract);
      deepEqual(decodeContract(canonicalBytes(contract)), contract);
    }
  });

  it('names the field that does not fit the others', () => {
    const cases: readonly (readonly [at: string, PsiContract, ...Change[]])[] = [
      // of three: rows of an inner join, by the engine that hides who else has them
      ['alignment/engine', THREE, ['alignment/engine', 'ecdh']],
      ['alignment/minimumIntersection', THREE, MINIMUM],
      ['parameters/output', THREE, ['parameters/output', 'size']],
      ['parameters/join', THREE, ['parameters/join', 'left']],
      ['alignment/duplicates', THREE, ['alignment/duplicates', 'expand']],
      ['algorithm/name', THREE, ['algorithm/name', 'labelled_intersection']],
      // counted: both learn the number, and nothing else
      ['receivers', SIZE, ['receivers', ['orgA']]],
      ['alignment/engine', SIZE, RR22],
      ['parameters/join', SIZE, ['parameters/join', 'difference']],
      ['alignment/duplicates', SIZE, ['alignment/duplicates', 'expand']],
      // expanded for one: the other tells how many records it has
      ['alignment/engine', EXPANDED, ['receivers', ['orgB']]],
      // labelled: one hands over, the other receives
      ['alignment/engine', LABELLED, ['alignment/engine', 'ecdh']],
      ['alignment/duplicates', LABELLED, ['alignment/duplicates', 'expand']],
      ['parameters/output', LABELLED, ['parameters/output', 'size']],
      ['parameters/join', LABELLED, ['parameters/join', 'left']],
      ['receivers', LABELLED, ['receivers', ['orgB']]],
      ['parties', LABELLED, ['parties/1/dataset/payload', []]],
      ['parties/1/dataset/payload', LABELLED, ['parties/0/dataset/payload', ['z']]],
      ['parties/1/dataset/payload/1', LABELLED, ['parties/1/dataset/payload', ['z', 'z']]],
      ['parties/1/dataset/payload/0', LABELLED, ['parties/1/dataset/payload', ['id']]],
      ['parties/1/dataset/payload', LABELLED, ['algorithm/name', 'intersection']],
      ['parties', TWO, RR22, ['algorithm/name', 'labelled_intersection']],
      [
        'parties/1/dataset/payload',
        LABELLED,
        ['parties/1/dataset/payload', Array.from({ length: 257 }, (_, i) => `p${i}`)],
      ],
    ];
    for (const [at, base, ...changes] of cases) {
      refuses(() => checkContract(of(base, changes)), 'malformed_contract', at);
    }
  });
});

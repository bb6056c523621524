import type { EntryBody } from './audit/entry.ts';
import { onceAMinute } from './audit/once-a-minute.ts';
import type { EntryScope, Trail } from './audit/trail.ts';
import { datasetCounts } from './consensus/consensus-trail.ts';
import type { Contract, DatasetTerms } from './consensus/contract.ts';
import { taskIdOf } from './consensus/contract-check.ts';
import type { OfferedDatasets } from './consensus/offered-datasets.ts';
import type { DataTerms } from './datasets/datasets.ts';

/** Who reads a dataset, and why. */
interface Access extends Pick<EntryBody<'data_access'>, 'purpose' | 'peer'> {
  readonly scope: EntryScope;
}

/** Records that this node read the dataset of these terms. */
export async function recordAccess(
  trail: Trail,
  terms: DataTerms,
  { purpose, peer, scope }: Access,
): Promise<void> {
  const body = { purpose, peer, commitment: terms.commitment, ...datasetCounts(terms) };
  await trail.record('data_access', scope, body);
}

/**
 * The node's datasets, each reading of which has an entry: of a description once it is known what was
 * read, of everything else before. No contract bounds how often a peer has data described: of one
 * file's descriptions for one peer one a minute has an entry.
 *
 * @param now - Unix ms.
 */
export function auditedDatasets(
  datasets: OfferedDatasets,
  trail: Trail,
  now: () => number,
): OfferedDatasets {
  const seldom = onceAMinute(now);
  return {
    ...datasets,

    async describe(draft, conditions, peer) {
      const described = await datasets.describe(draft, conditions, peer);
      // A path has many spellings.
      const file = await datasets.identity(described.terms);
      await seldom(`${peer} ${file}`, () =>
        recordAccess(trail, described.terms, { purpose: 'describe', peer, scope: {} }),
      );
      return described;
    },

    async verify(contract, owner) {
      const scope = { task: taskIdOf(contract) };
      const access = { purpose: 'verify', peer: contract.initiator, scope } as const;
      await recordAccess(trail, termsOf(contract, owner), access);
      return datasets.verify(contract, owner);
    },
  };
}

/** What `owner` brings to a contract. */
export function termsOf(contract: Contract, owner: string): DatasetTerms {
  const terms = contract.parties.find(({ name }) => name === owner)?.dataset;
  if (!terms) throw new TypeError(`"owner" expected a data holder, got ${owner}`);
  return terms;
}

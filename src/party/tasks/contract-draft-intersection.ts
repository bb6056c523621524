/** From a request to the contract of a set intersection. */
import type { PsiContract } from '../consensus/contract.ts';
import { MAX_PARTIES } from '../consensus/contract-limits.ts';
import { tellsWithKeys } from '../consensus/intersection-check.ts';
import type { TaskDraft } from '../consensus/task-draft.ts';
import { ApiError } from '../http/api-error.ts';
import type { PsiProvider, PsiRequest } from '../http/psi-request.ts';
import {
  agreedAlignment,
  alignmentOf,
  askTerms,
  type CommonDraft,
  checkDrafted,
  checkParticipants,
  commonTerms,
  contractParties,
  type DraftedContract,
  type DraftingNode,
} from './contract-draft.ts';
import { intersectionLeakageOf } from './declaration.ts';

/** Composes the contract that the request means. Throws `ApiError`. */
export async function draftIntersection(
  node: DraftingNode,
  request: PsiRequest,
): Promise<DraftedContract<PsiContract>> {
  const { providers, receivers, purpose, engine, output, join } = request;
  const { duplicates, minimumIntersection } = request;
  const names = providers.map(({ name }) => name);
  if (names.length < 2 || new Set(names).size < names.length) {
    throw new ApiError('INVALID_REQUEST', 'requester and providers must be different parties');
  }
  const field = 'requester and providers';
  const beyond = `${field} must be at most ${MAX_PARTIES} parties`;
  checkParticipants(node, { providers: names, receivers }, { field, most: MAX_PARTIES, beyond });
  const asked = alignmentOf(
    { duplicates, minimumIntersection },
    providers.map(({ keyColumns }) => keyColumns),
  );
  const labelled = providers.some(({ payload }) => payload.length > 0);
  const name = labelled ? 'labelled_intersection' : 'intersection';
  const algorithm = { name, partition: 'psi' } as const;
  const draft: CommonDraft = {
    version: 1,
    kind: 'psi',
    algorithm,
    alignment: asked,
    purpose,
    parties: names,
    receivers,
    modelRelease: null,
    model: null,
  };
  const terms = await askTerms(node, draft, providers, keysOf);
  const roles = names.map((each) => ({ name: each, role: 'data_holder' }) as const);
  const agreed = {
    algorithm: { ...algorithm, implementation: node.implementation },
    alignment: agreedAlignment(asked, terms, {
      engine,
      output,
      tells: tellsWithKeys({ labelled, duplicates, join, receivers }),
    }),
    parameters: { output, join },
    parties: contractParties(node, roles, terms),
  };
  const contract: PsiContract = {
    ...commonTerms(node, request),
    ...agreed,
    kind: 'psi',
    leakage: intersectionLeakageOf(agreed),
  };
  checkDrafted(node, contract, 'sets of this size cannot be intersected');
  return { contract, warnings: request.warnings, reason: 'request' };
}

/** The key columns, those whose values are handed over, and nothing else. */
function keysOf({ path, type, keyColumns, payload }: PsiProvider): TaskDraft['dataset'] {
  return {
    path,
    type,
    keyColumns,
    labelColumn: null,
    labelKind: null,
    selectColumns: [],
    notFeatures: [],
    discreteColumns: [],
    payload,
  };
}

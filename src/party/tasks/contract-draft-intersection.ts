/** From a request to the contract of a set intersection. */
import type { PsiContract } from '../consensus/contract.ts';
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

const ALGORITHM = { name: 'intersection', partition: 'psi' } as const;

/** Composes the contract that the request means. Throws `ApiError`. */
export async function draftIntersection(
  node: DraftingNode,
  request: PsiRequest,
): Promise<DraftedContract<PsiContract>> {
  const { requester, provider, receivers, purpose, duplicates, minimumIntersection } = request;
  const sides = [requester, provider];
  const names = sides.map(({ name }) => name);
  if (requester.name === provider.name) {
    throw new ApiError('INVALID_REQUEST', 'requester and provider must be two parties');
  }
  checkParticipants(node, { providers: names, receivers }, 'requester and provider');
  const asked = alignmentOf(
    { duplicates, minimumIntersection },
    sides.map(({ keyColumns }) => keyColumns),
  );
  const draft: CommonDraft = {
    version: 1,
    kind: 'psi',
    algorithm: ALGORITHM,
    alignment: asked,
    purpose,
    parties: names,
    receivers,
    modelRelease: null,
    model: null,
  };
  const terms = await askTerms(node, draft, sides, keysOf);
  const roles = names.map((name) => ({ name, role: 'data_holder' }) as const);
  const agreed = {
    alignment: agreedAlignment(asked, terms),
    parties: contractParties(node, roles, terms),
  };
  const contract: PsiContract = {
    ...commonTerms(node, request),
    ...agreed,
    kind: 'psi',
    algorithm: { ...ALGORITHM, implementation: node.implementation },
    parameters: { output: 'rows', join: 'inner' },
    leakage: intersectionLeakageOf(agreed),
  };
  checkDrafted(node, contract, 'sets of this size cannot be intersected');
  return { contract, warnings: request.warnings, reason: 'request' };
}

/** The key column and nothing else. */
function keysOf({ path, type, keyColumns }: PsiProvider): TaskDraft['dataset'] {
  return {
    path,
    type,
    keyColumns,
    labelColumn: null,
    selectColumns: [],
    notFeatures: [],
    discreteColumns: [],
    payload: [],
  };
}

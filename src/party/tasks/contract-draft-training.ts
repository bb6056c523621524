/**
 * From a request to the contract of a training: who holds the label, what each party brings, every
 * default resolved.
 */
import { type DatasetTerms, isTreeTraining, type TrainContract } from '../consensus/contract.ts';
import { ConsensusError } from '../consensus/errors.ts';
import { labelKindOf } from '../consensus/model-data.ts';
import type { TaskDraft } from '../consensus/task-draft.ts';
import type { LabelKind } from '../datasets/read-table.ts';
import { ApiError } from '../http/api-error.ts';
import { resolvePartition } from '../http/partition.ts';
import type { DataProvider, TrainRequest } from '../http/train-request.ts';
import { type TrainingModel, trainingModels } from '../http/training-models.ts';
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
  type ParticipantRule,
  PROVIDERS,
} from './contract-draft.ts';
import { leakageOf } from './declaration.ts';
import { apiErrorOf } from './task-failure.ts';
import { composeTraining } from './training-terms.ts';

type Drafted = DraftedContract<TrainContract>;

/** Composes the contract that the request means. Throws `ApiError`. */
export async function draftTraining(node: DraftingNode, request: TrainRequest): Promise<Drafted> {
  const [model, ...others] = trainingModels(request);
  const providers = request.providers.map(({ name }) => name);
  checkParticipants(node, { providers, receivers: request.receivers }, providersOf(model!));
  // Where nothing in the request tells, two classes are tried first: the label holder knows.
  try {
    return await draftFor(node, request, model!);
  } catch (error) {
    const [next] = others;
    if (!next || !isNotBinary(error)) throw error;
    return draftFor(node, request, next);
  }
}

/** Linear models are of two; trees grow around the label holder, however many the others are. */
function providersOf({ terms }: TrainingModel): ParticipantRule {
  if (isTreeTraining(terms)) return PROVIDERS;
  const beyond = `${terms.algorithm.name} with more than two data providers is not available yet; xgboost takes more`;
  return { ...PROVIDERS, most: 2, beyond };
}

/** The contract of one model. Throws the owner's refusal when the label does not suit it. */
async function draftFor(
  node: DraftingNode,
  request: TrainRequest,
  model: TrainingModel,
): Promise<Drafted> {
  const { terms: modelTerms, warnings, reason } = model;
  const { duplicates, minimumIntersection } = request.privacy;
  const asked = alignmentOf(
    { duplicates, minimumIntersection },
    request.providers.map(({ keyColumns }) => keyColumns),
  );
  const draft: CommonDraft = {
    version: 1,
    kind: 'train',
    algorithm: modelTerms.algorithm,
    alignment: asked,
    purpose: request.purpose,
    parties: [...new Set([...request.providers.map(({ name }) => name), ...request.receivers])],
    receivers: request.receivers,
    modelRelease: modelTerms.parameters.model_release,
    model: null,
  };
  const labelKind = labelKindOf(modelTerms);
  const { holder, terms: known } = await findLabelHolder(node, request, { draft, labelKind });
  const others = request.providers.filter(({ name }) => !known.has(name));
  const told = await askTerms(node, draft, others, (provider) => {
    const column = provider.name === holder ? labelOf(request, provider) : null;
    return datasetOf(provider, column, labelKind);
  });
  const terms = new Map([...known, ...told]);
  const layout = resolvePartition(
    { ...request, labelOwner: holder },
    columnsOf(terms, request, holder),
  );
  const agreed = {
    alignment: agreedAlignment(asked, terms, { engine: request.privacy.engine }),
    metrics: request.metrics,
    parties: contractParties(node, layout.parties, terms),
  };
  const drafted = composeTraining(modelTerms, agreed, node.implementation);
  const contract: TrainContract = {
    ...commonTerms(node, request),
    ...drafted.terms,
    kind: 'train',
    leakage: leakageOf(drafted.terms),
  };
  checkDrafted(node, contract, drafted.otherwise);
  return {
    contract,
    warnings: [...request.warnings, ...warnings, ...layout.warnings, ...drafted.warnings],
    reason,
  };
}

function isNotBinary(error: unknown): boolean {
  const cause = error instanceof ApiError ? error.cause : undefined;
  return cause instanceof ConsensusError && cause.code === 'dataset/not_binary';
}

/** Whose label counts, as far as it is decided, and the terms that were asked for to find out. */
interface LabelSearch {
  /** Null when several have it: the partition rules decide by the feature columns. */
  readonly holder: string | null;
  readonly terms: ReadonlyMap<string, DatasetTerms>;
}

/**
 * The provider whose label counts. When several name a label column, each is asked for its terms as
 * if it were the label holder; one whose file lacks a column, or whose policy refuses, is not it.
 */
async function findLabelHolder(
  node: DraftingNode,
  request: TrainRequest,
  { draft, labelKind }: { readonly draft: CommonDraft; readonly labelKind: LabelKind },
): Promise<LabelSearch> {
  const terms = new Map<string, DatasetTerms>();
  if (request.labelOwner !== null) return { holder: request.labelOwner, terms };
  const candidates = request.providers.filter((provider) => provider.labelColumn !== null);
  if (candidates.length <= 1) return { holder: candidates[0]?.name ?? null, terms };
  const without: ApiError[] = [];
  for (const provider of candidates) {
    const dataset = datasetOf(provider, provider.labelColumn, labelKind);
    try {
      terms.set(provider.name, await node.requestTerms(provider.name, { ...draft, dataset }));
    } catch (error) {
      const failure = apiErrorOf(error, provider.name);
      const code = error instanceof ConsensusError ? error.code : '';
      if (code !== 'dataset/missing_column' && code !== 'refused_by_policy') throw failure;
      without.push(failure);
    }
  }
  const [only, second] = terms.keys();
  if (only !== undefined) return { holder: second === undefined ? only : null, terms };
  const refused = without.find(({ code }) => code === 'REFUSED');
  if (refused) throw refused;
  const reasons = without.map(({ message }) => message).join('; ');
  throw new ApiError(
    'LABEL_NOT_FOUND',
    `no provider names a label_column that its file has: ${reasons}`,
  );
}

function labelOf(request: TrainRequest, holder: DataProvider): string | null {
  if (holder.labelColumn !== null) return holder.labelColumn;
  const [only, ...more] = new Set(
    request.providers.flatMap(({ labelColumn }) => labelColumn ?? []),
  );
  return more.length === 0 ? (only ?? null) : null;
}

/** What a provider is asked to bring: its selection without key and label. */
function datasetOf(
  provider: DataProvider,
  labelColumn: string | null,
  labelKind: LabelKind,
): TaskDraft['dataset'] {
  const { keyColumns, selectColumns, discreteColumns } = provider;
  const taken = new Set([...(keyColumns ?? []), provider.labelColumn, labelColumn]);
  const selected = selectColumns?.filter((name) => !taken.has(name)) ?? null;
  const discrete = discreteColumns.filter((name) => !taken.has(name));
  return {
    path: provider.path,
    type: provider.type,
    keyColumns,
    labelColumn,
    labelKind: labelColumn === null ? null : labelKind,
    selectColumns: selected && selected.length > 0 ? selected : null,
    notFeatures:
      provider.labelColumn === null || labelColumn !== null ? [] : [provider.labelColumn],
    discreteColumns: selected ? discrete.filter((name) => selected.includes(name)) : discrete,
    payload: [],
  };
}

/**
 * The columns of each file, as far as the terms tell: every column that the request names is there,
 * or there would be no terms, but for a label that nobody asked for.
 */
function columnsOf(
  terms: ReadonlyMap<string, DatasetTerms>,
  request: TrainRequest,
  holder: string | null,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    request.providers.map((provider) => {
      const { keyColumns, labelColumn, features } = terms.get(provider.name)!;
      const columns = new Set([
        ...(keyColumns ?? []),
        ...(labelColumn === null ? [] : [labelColumn]),
        ...features.map(({ name }) => name),
        ...(provider.selectColumns ?? []),
        ...provider.discreteColumns,
      ]);
      if (holder === null && labelColumn === null) columns.delete(provider.labelColumn ?? '');
      return [provider.name, [...columns]];
    }),
  );
}

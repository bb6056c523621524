/**
 * From a request to the contract of a training: who holds the label, what each party brings, every
 * default resolved.
 */
import type { LinearParameters } from '../../ml/vertical/linear/parameters.ts';
import type { Alignment, DatasetTerms, TrainContract } from '../consensus/contract.ts';
import { ConsensusError } from '../consensus/errors.ts';
import type { TaskDraft } from '../consensus/task-draft.ts';
import { type AlgorithmChoice, algorithmOfLabels, chooseAlgorithm } from '../http/algorithm.ts';
import { ApiError } from '../http/api-error.ts';
import { type LinearAlgorithm, resolveLinearParameters } from '../http/linear-parameters.ts';
import { resolvePartition, type VerticalLayout } from '../http/partition.ts';
import type { DataProvider, TrainRequest } from '../http/train-request.ts';
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
import { leakageOf } from './declaration.ts';
import { hidesTooLittle } from './linear-declaration.ts';
import { apiErrorOf } from './task-failure.ts';

type Drafted = DraftedContract<TrainContract>;

/** Composes the contract that the request means. Throws `ApiError`. */
export async function draftTraining(node: DraftingNode, request: TrainRequest): Promise<Drafted> {
  const providers = request.providers.map(({ name }) => name);
  checkParticipants(node, { providers, receivers: request.receivers });
  const chosen = chooseAlgorithm(request);
  if (chosen) return draftFor(node, request, chosen);
  // Nothing in the request tells: try two classes first, the label holder knows.
  try {
    return await draftFor(node, request, algorithmOfLabels(2));
  } catch (error) {
    if (!isNotBinary(error)) throw error;
    return draftFor(node, request, algorithmOfLabels(3));
  }
}

/** The contract for one algorithm. Throws the owner's refusal when the label does not suit it. */
async function draftFor(
  node: DraftingNode,
  request: TrainRequest,
  { algorithm: algorithmName, reason }: AlgorithmChoice,
): Promise<Drafted> {
  const { parameters, warnings } = resolveLinearParameters(algorithmName, request);
  const algorithm = algorithmName as LinearAlgorithm;
  const { duplicates, minimumIntersection } = request.privacy;
  const asked = alignmentOf(
    { duplicates, minimumIntersection },
    request.providers.map(({ keyColumns }) => keyColumns),
  );
  const draft: CommonDraft = {
    version: 1,
    kind: 'train',
    algorithm: { name: algorithm, partition: 'vertical' },
    alignment: asked,
    purpose: request.purpose,
    parties: [...new Set([...request.providers.map(({ name }) => name), ...request.receivers])],
    receivers: request.receivers,
    modelRelease: parameters.model_release,
    model: null,
  };
  const { holder, terms: known } = await findLabelHolder(node, request, draft);
  const others = request.providers.filter(({ name }) => !known.has(name));
  const told = await askTerms(node, draft, others, (provider) =>
    datasetOf(provider, provider.name === holder ? labelOf(request, provider) : null),
  );
  const terms = new Map([...known, ...told]);
  const layout = resolvePartition(
    { ...request, labelOwner: holder },
    columnsOf(terms, request, holder),
  );
  const alignment = agreedAlignment(asked, terms, { engine: request.privacy.engine });
  const contract = compose(node, request, { algorithm, parameters, alignment, layout, terms });
  checkDrafted(
    node,
    contract,
    'steps of this length cannot be taken on tables of this size: change learning_rate, batch_size, l2 or class_weight, or use solver auto',
  );
  return {
    contract,
    warnings: [...request.warnings, ...warnings, ...layout.warnings],
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
  draft: CommonDraft,
): Promise<LabelSearch> {
  const terms = new Map<string, DatasetTerms>();
  if (request.labelOwner !== null) return { holder: request.labelOwner, terms };
  const candidates = request.providers.filter((provider) => provider.labelColumn !== null);
  if (candidates.length <= 1) return { holder: candidates[0]?.name ?? null, terms };
  const without: ApiError[] = [];
  for (const provider of candidates) {
    const dataset = datasetOf(provider, provider.labelColumn);
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
function datasetOf(provider: DataProvider, labelColumn: string | null): TaskDraft['dataset'] {
  const { keyColumns, selectColumns, discreteColumns } = provider;
  const taken = new Set([...(keyColumns ?? []), provider.labelColumn, labelColumn]);
  const selected = selectColumns?.filter((name) => !taken.has(name)) ?? null;
  const discrete = discreteColumns.filter((name) => !taken.has(name));
  return {
    path: provider.path,
    type: provider.type,
    keyColumns,
    labelColumn,
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

function compose(
  node: DraftingNode,
  request: TrainRequest,
  resolved: {
    readonly algorithm: LinearAlgorithm;
    readonly parameters: LinearParameters;
    readonly alignment: Alignment;
    readonly layout: VerticalLayout;
    readonly terms: ReadonlyMap<string, DatasetTerms>;
  },
): TrainContract {
  const { algorithm, parameters, alignment, layout, terms } = resolved;
  const rows = Math.min(...[...terms.values()].map(({ rowCount }) => rowCount));
  const fitted = { ...parameters, batch_size: Math.min(parameters.batch_size, rows) };
  const agreed = {
    algorithm: { name: algorithm, partition: 'vertical', implementation: node.implementation },
    parameters: fitted,
    alignment,
    metrics: request.metrics,
    parties: contractParties(node, layout.parties, terms),
  } as const;
  if (hidesTooLittle(agreed)) {
    throw new ApiError(
      'INVALID_REQUEST',
      'hyper_params.epochs: so many steps on so many rows would wear out the statistical hiding',
    );
  }
  return {
    ...commonTerms(node, request),
    ...agreed,
    kind: 'train',
    leakage: leakageOf(agreed),
  };
}

/**
 * From a request to a contract, what is common to all kinds: who takes part, what each party says that
 * it would bring, what the contract says of every task. Nothing is agreed yet.
 */
import type { Rng } from '../../protocols/primitives/rng.ts';
import type { Alignment, Contract, ContractParty, DatasetTerms } from '../consensus/contract.ts';
import { checkContract } from '../consensus/contract-check.ts';
import { MAX_PARTIES } from '../consensus/contract-limits.ts';
import type { AskedAlignment, TaskDraft } from '../consensus/task-draft.ts';
import { ApiError } from '../http/api-error.ts';
import type { Warning } from '../http/warning.ts';
import { declareAlgorithms } from './declaration.ts';
import { chooseEngine, type EngineWish, type MatchingTask } from './psi-engine.ts';
import { apiErrorOf } from './task-failure.ts';
import type { FindTrained } from './trained-models.ts';

/** What drafting needs of the node. */
export interface DraftingNode {
  readonly name: string;
  /** Fingerprint of a party, this node's own included; undefined for a stranger. */
  fingerprintOf(party: string): string | undefined;
  /** A party's terms; throws `ConsensusError` with the owner's refusal. */
  requestTerms(party: string, draft: TaskDraft): Promise<DatasetTerms>;
  readonly findTrained: FindTrained;
  readonly implementation: string;
  readonly contractLifetimeSec: number;
  /** Unix ms. */
  now(): number;
  readonly rng: Rng;
}

export interface DraftedContract<C extends Contract = Contract> {
  readonly contract: C;
  readonly warnings: readonly Warning[];
  /** What decided the algorithm. */
  readonly reason: string;
}

/** What a request of any kind says of the parties. */
export interface Participants {
  /** Names of those that bring data. */
  readonly providers: readonly string[];
  readonly receivers: readonly string[];
}

/** How many parties may bring data. */
export interface ParticipantRule {
  /** What the request calls them. */
  readonly field: string;
  readonly most: number;
  /** Said where there are more. */
  readonly beyond: string;
}

/** What a request for a model calls those who bring data, and how many there may be at all. */
export const PROVIDERS: ParticipantRule = {
  field: 'data_providers',
  most: MAX_PARTIES,
  beyond: `data_providers must be at most ${MAX_PARTIES} parties`,
};

/** Every name is this node or a pinned peer; this node takes part; no party only receives. */
export function checkParticipants(
  node: DraftingNode,
  { providers, receivers }: Participants,
  { field, most, beyond }: ParticipantRule,
): void {
  for (const name of new Set([...providers, ...receivers])) {
    if (node.fingerprintOf(name) === undefined) {
      throw new ApiError(
        'UNKNOWN_PARTY',
        `${name} is no party that ${node.name} knows; "entente peer add" pins one`,
      );
    }
  }
  if (!providers.includes(node.name)) {
    throw new ApiError(
      'INVALID_REQUEST',
      `${node.name} is not among ${field}: send the task to a node of one of them`,
    );
  }
  const stranger = receivers.find((name) => !providers.includes(name));
  if (stranger !== undefined) {
    throw new ApiError(
      'NOT_AVAILABLE',
      `result_receivers names ${stranger}, which provides no data; that is not available yet`,
    );
  }
  if (providers.length > most) throw new ApiError('NOT_AVAILABLE', beyond);
}

/** What every party is asked about: a draft without the party's own part. */
export type CommonDraft = Omit<TaskDraft, 'dataset'>;

/**
 * What each provider would bring, asked one after another. Throws the first refusal as an `ApiError`
 * that names the party.
 */
export async function askTerms<P extends { readonly name: string }>(
  node: DraftingNode,
  draft: CommonDraft,
  providers: readonly P[],
  datasetOf: (provider: P) => TaskDraft['dataset'],
): Promise<ReadonlyMap<string, DatasetTerms>> {
  const terms = new Map<string, DatasetTerms>();
  for (const provider of providers) {
    const { name } = provider;
    const task = { ...draft, dataset: datasetOf(provider) };
    try {
      terms.set(name, await node.requestTerms(name, task));
    } catch (error) {
      throw apiErrorOf(error, name);
    }
  }
  return terms;
}

/** Rows are matched by keys unless no provider names a key column. */
export function alignmentOf(
  request: Omit<AskedAlignment, 'method'>,
  keyColumns: readonly (readonly string[] | null)[],
): AskedAlignment {
  const [first, ...others] = keyColumns.filter((columns) => columns !== null);
  if (others.some(({ length }) => length !== first!.length)) {
    throw new ApiError(
      'INVALID_REQUEST',
      'key_column must name as many columns of every party: those that make the key, in one order',
    );
  }
  return {
    method: keyColumns.every((columns) => columns === null) ? 'row_order' : 'psi',
    ...request,
  };
}

/** How a request wants common records found, and what for. */
export interface MatchingWish {
  readonly engine: EngineWish;
  /** Rows unless told otherwise. */
  readonly output?: MatchingTask['output'];
  readonly tells?: boolean;
}

/**
 * The alignment with the highest minimum that the request or any party asks for, and the engine for
 * so many parties and rows. Throws `ApiError` where the minimum cannot be met, where there is no run
 * that could tell, or where the engine that was asked for cannot do it.
 */
export function agreedAlignment(
  alignment: AskedAlignment,
  terms: ReadonlyMap<string, DatasetTerms>,
  { engine: wish, output = 'rows', tells = false }: MatchingWish,
): Alignment {
  let minimumIntersection = alignment.minimumIntersection;
  for (const each of terms.values()) {
    minimumIntersection = Math.max(minimumIntersection, each.minimumIntersection);
  }
  if (terms.size > 2 && minimumIntersection > 0) {
    const [asks] = [...terms].find(([, each]) => each.minimumIntersection > 0) ?? ['the request'];
    throw new ApiError(
      'NOT_AVAILABLE',
      `${asks} asks for at least ${minimumIntersection} common records, and of three or more parties nothing counts them before one learns which they are; that is not available yet`,
    );
  }
  if (alignment.method === 'row_order') {
    checkRowCounts(terms);
    if (minimumIntersection > 0) {
      throw new ApiError(
        'INVALID_REQUEST',
        `at least ${minimumIntersection} common records are asked for, and without key_column nothing tells which records are common`,
      );
    }
  }
  for (const [name, { rowCount }] of terms) {
    if (rowCount < minimumIntersection) {
      throw new ApiError(
        'DATASET_UNUSABLE',
        `at least ${minimumIntersection} common records are asked for, and ${name} has ${rowCount} rows`,
      );
    }
  }
  const rows = Math.max(...[...terms.values()].map(({ rowCount }) => rowCount));
  const engine =
    alignment.method === 'row_order'
      ? 'ecdh' // none is needed
      : chooseEngine(wish, { holders: terms.size, rows, output, tells });
  return { ...alignment, engine, minimumIntersection };
}

/** Without keys, row i is the same record everywhere: there must be as many. */
function checkRowCounts(terms: ReadonlyMap<string, DatasetTerms>): void {
  const counts = [...terms].map(([name, { rowCount }]) => `${name} has ${rowCount}`);
  if (new Set([...terms.values()].map(({ rowCount }) => rowCount)).size > 1) {
    throw new ApiError(
      'DATASET_UNUSABLE',
      `without key_column the parties need the same number of rows: ${counts.join(', ')}`,
    );
  }
}

/** Parties of a contract in their order. */
export function contractParties(
  node: DraftingNode,
  roles: readonly Pick<ContractParty, 'name' | 'role'>[],
  terms: ReadonlyMap<string, DatasetTerms>,
): ContractParty[] {
  return roles.map(({ name, role }) => ({
    name,
    fingerprint: node.fingerprintOf(name)!,
    role,
    dataset: terms.get(name)!,
  }));
}

/** What contracts of every kind say, but for parties, alignment and leakage. */
export function commonTerms(
  node: DraftingNode,
  { receivers, purpose }: Pick<Contract, 'receivers' | 'purpose'>,
): Pick<
  Contract,
  | 'version'
  | 'security'
  | 'receivers'
  | 'initiator'
  | 'purpose'
  | 'createdAt'
  | 'expiresAt'
  | 'nonce'
> {
  const now = node.now();
  return {
    version: 1,
    security: { model: 'semi-honest', kappa: 128, sigma: 40 },
    receivers,
    initiator: node.name,
    purpose,
    createdAt: new Date(now).toISOString(),
    expiresAt: new Date(now + node.contractLifetimeSec * 1000).toISOString(),
    nonce: Buffer.from(node.rng(32)).toString('hex'),
  };
}

/** Throws `ApiError` unless the contract is well formed and this node's code runs it. */
export function checkDrafted(node: DraftingNode, contract: Contract, otherwise: string): void {
  try {
    checkContract(contract);
  } catch (cause) {
    throw new ApiError('INVALID_REQUEST', `the task: ${(cause as Error).message}`, { cause });
  }
  if (!declareAlgorithms(node.implementation)(contract)) {
    throw new ApiError('INVALID_REQUEST', otherwise);
  }
}

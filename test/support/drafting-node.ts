/** A node that drafts contracts, and its peers: what they would describe, or their refusals. */
import { equal, match, ok, rejects } from 'node:assert/strict';
import type { DatasetTerms, FeatureTerms } from '../../src/party/consensus/contract.ts';
import { ConsensusError } from '../../src/party/consensus/errors.ts';
import type { TaskDraft } from '../../src/party/consensus/task-draft.ts';
import { ApiError, type ApiErrorCode } from '../../src/party/http/api-error.ts';
import type { DraftingNode } from '../../src/party/tasks/contract-draft.ts';
import { NOW } from './contracts.ts';
import { seededRng } from './seeded-rng.ts';

/** What a party's one file has, and what its policy says. */
export interface FakeParty {
  readonly columns: readonly string[];
  readonly rows?: number;
  /** Its terms' condition. */
  readonly minimumIntersection?: number;
  /** Columns with two values, as a label needs them for classes. */
  readonly binary?: readonly string[];
  readonly refuses?: (draft: TaskDraft) => ConsensusError | Error | undefined;
}

export const IMPLEMENTATION = 'ab'.repeat(32);
export const LABELLED: FakeParty = { columns: ['id', 'x', 'y'], binary: ['y'] };
export const OTHER: FakeParty = { columns: ['id', 'u', 'v'] };

/** A node and its peer; every draft that a party is asked about is kept. */
export function fakeNode(parties: Readonly<Record<string, FakeParty>>): {
  readonly node: DraftingNode;
  readonly asked: (readonly [party: string, draft: TaskDraft])[];
} {
  const asked: (readonly [string, TaskDraft])[] = [];
  return {
    asked,
    node: {
      name: 'orgA',
      fingerprintOf: (party) =>
        parties[party] && Buffer.from(party.padEnd(32)).toString('hex').slice(0, 64),
      requestTerms: async (party, draft) => {
        asked.push([party, draft]);
        return termsOf(parties[party]!, draft);
      },
      findTrained: async () => null,
      implementation: IMPLEMENTATION,
      contractLifetimeSec: 600,
      now: () => NOW,
      rng: seededRng('draft'),
    },
  };
}

/** What a real node would describe, or its refusal. */
function termsOf(party: FakeParty, draft: TaskDraft): DatasetTerms {
  const refusal = party.refuses?.(draft);
  if (refusal) throw refusal;
  const { path, type, keyColumns, labelColumn, selectColumns, payload, ...rest } = draft.dataset;
  const taken = [...(keyColumns ?? []), labelColumn, ...rest.notFeatures];
  const names = selectColumns ?? party.columns.filter((name) => !taken.includes(name));
  const named = [...(keyColumns ?? []), labelColumn, ...names, ...rest.discreteColumns, ...payload];
  for (const name of named) {
    if (name !== null && !party.columns.includes(name)) {
      throw new ConsensusError('dataset/missing_column', `${path}: no column ${name}`);
    }
  }
  if (labelColumn !== null && rest.labelKind === 'binary' && !party.binary?.includes(labelColumn)) {
    throw new ConsensusError('dataset/not_binary', `${path}: ${labelColumn} has three values`);
  }
  return {
    path,
    type,
    rowCount: party.rows ?? 1000,
    keyColumns,
    labelColumn,
    features: names.map(
      (name): FeatureTerms =>
        rest.discreteColumns.includes(name)
          ? { name, kind: 'categorical', categories: 2 }
          : { name, kind: 'numeric' },
    ),
    payload,
    minimumIntersection: party.minimumIntersection ?? 0,
    commitment: 'cd'.repeat(32),
  };
}

/** The drafting fails with this error for the caller. */
export async function refusesDraft(
  drafting: Promise<unknown>,
  code: ApiErrorCode,
  message: RegExp,
): Promise<void> {
  await rejects(drafting, (error) => {
    ok(error instanceof ApiError, String(error));
    match(error.message, message);
    equal(error.code, code);
    return true;
  });
}

/** Data holders of one contract of any kind, each pair joined by a memory channel: nothing of a node. */
import { hkdfSync } from 'node:crypto';
import type { Contract, ContractParty, PsiContract } from '../../src/party/consensus/contract.ts';
import type { LoadedDataset } from '../../src/party/datasets/datasets.ts';
import { partiesOfRole } from '../../src/party/declared-disclosures.ts';
import type { ModelPart } from '../../src/party/models/model-part.ts';
import { intersectionLeakageOf } from '../../src/party/tasks/declaration.ts';
import type { Checkpoint, ProgramContext } from '../../src/party/tasks/program.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import type { DisclosureLedger, DisclosureTerms } from '../../src/protocols/disclosure.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';
import { textColumn } from '../../src/protocols/psi/text-column.ts';
import { sampleIntersection, testIdentity } from './contracts.ts';
import { memoryParties, type PartyFrame } from './memory-parties.ts';
import { seededRng } from './seeded-rng.ts';
import { toyCurveEngine } from './toy-curve-engine.ts';
import { kernels, TASK_ID, treeKernels } from './training-pair.ts';

/** A set intersection of parties with so many rows each, in this order. */
export function psiContract(
  rows: Readonly<Record<string, number>>,
  changes: Partial<Pick<PsiContract, 'algorithm' | 'alignment' | 'parameters' | 'receivers'>> & {
    readonly keyColumns?: Readonly<Record<string, readonly string[]>>;
    readonly payload?: Readonly<Record<string, readonly string[]>>;
  } = {},
): PsiContract {
  const { keyColumns, payload, ...terms } = changes;
  const base = sampleIntersection(Object.keys(rows).map((name) => testIdentity(name).signer));
  const contract = {
    ...base,
    parties: base.parties.map(
      (party): ContractParty => ({
        ...party,
        dataset: {
          ...party.dataset!,
          rowCount: rows[party.name]!,
          keyColumns: keyColumns?.[party.name] ?? ['id'],
          payload: payload?.[party.name] ?? [],
        },
      }),
    ),
    ...terms,
  };
  return { ...contract, leakage: intersectionLeakageOf(contract) };
}

/** A dataset of keys alone, as it is loaded: each a text, or one in each column. */
export function keysAlone(
  keys: readonly (string | readonly string[])[],
  columns = 1,
): LoadedDataset {
  const texts = keys.map((key) => (typeof key === 'string' ? [key] : key));
  return {
    rowCount: keys.length,
    keys: Array.from({ length: columns }, (_, c) => textColumn(texts.map((key) => key[c]!))),
    payload: [],
    label: null,
    features: new Float64Array(0),
    columnNames: [],
    encoding: [],
    missing: [],
  };
}

/** What one party notes of its run. */
export interface ProgramNotes<C extends Contract> {
  readonly context: ProgramContext<C>;
  /** To the first other party. */
  readonly channel: Channel;
  readonly phases: string[];
  readonly steps: (readonly [step: number, of: number])[];
  readonly saved: Checkpoint[];
  readonly disclosures: DisclosureTerms[];
}

export interface ProgramRunOptions {
  /** Sees every message. */
  readonly observe?: (frame: PartyFrame) => void;
  /** What stands between a party and its end of a channel: for parties that deviate. */
  readonly wrap?: (channel: Channel, me: number, peer: number) => Channel;
  /** What each party resumes from. */
  readonly resume?: Readonly<Record<string, Checkpoint>>;
  readonly spill?: ProgramContext['spill'];
  /** What each party has of the model that predicts. */
  readonly parts?: Readonly<Record<string, ModelPart>>;
  /** Called when a party saves. */
  readonly onSave?: (self: string, checkpoint: Checkpoint) => void;
  /** Sessions have keys, and all parties randomness, of their own. */
  readonly session?: string;
  readonly signal?: AbortSignal;
}

/** All data holders' contexts; their ledgers hold them to the contract's statement. */
export function programRuns<C extends Contract, P extends string>(
  contract: C,
  data: Readonly<Record<P, LoadedDataset>>,
  options: ProgramRunOptions = {},
): Readonly<Record<P, ProgramNotes<C>>> {
  const { session = 'test', resume, parts, ...rest } = options;
  const { spill = () => null, onSave = () => {}, ...links } = rest;
  const names = contract.parties.flatMap(({ name, dataset }) => (dataset ? [name as P] : []));
  const parties = memoryParties(names.length, links);
  const notes = (self: P, me: number): ProgramNotes<C> => {
    const phases: string[] = [];
    const steps: (readonly [number, number])[] = [];
    const saved: Checkpoint[] = [];
    const disclosures: DisclosureTerms[] = [];
    const channelTo = (peer: string): Channel => parties[me]!.channel(names.indexOf(peer as P));
    const context: ProgramContext<C> = {
      contract,
      taskId: TASK_ID,
      self,
      link: (peer) => ({
        channel: channelTo(peer),
        deriveKey: async (purpose, length) => {
          const pair = `${session} ${[self, peer].sort().join()}`;
          return new Uint8Array(hkdfSync('sha256', pair, '', purpose, length));
        },
      }),
      loadDataset: async () => data[self],
      loadModel: async () => {
        const part = parts?.[self];
        if (!part) throw new Error('there is no model');
        return { part, document: null };
      },
      ledger: ledgerOf(contract, disclosures),
      checkpoints: {
        resume: resume?.[self] ?? null,
        save: (checkpoint) => {
          saved.push({ ...checkpoint, bytes: new Uint8Array(checkpoint.bytes) });
          onSave(self, checkpoint);
        },
      },
      progress: {
        phase: (phase) => void phases.push(phase),
        step: (step, of) => void steps.push([step, of]),
      },
      kernels,
      treeKernels,
      curve: toyCurveEngine,
      spill,
      budget: { reserve: () => {} },
      rng: seededRng(`${session} ${self}`),
    };
    const channel = channelTo(names.find((name) => name !== self)!);
    return { context, channel, phases, steps, saved, disclosures };
  };
  const entries = names.map((name, me) => [name, notes(name, me)] as const);
  return Object.fromEntries(entries) as Record<P, ProgramNotes<C>>;
}

/**
 * Runs every party's program. When one fails, the others' channels are closed, as a node does, and the
 * first failure is thrown once all have ended.
 */
export async function runPrograms<C extends Contract, P extends string, T>(
  contract: C,
  data: Readonly<Record<P, LoadedDataset>>,
  program: (context: ProgramContext<C>) => Promise<T>,
  options: Omit<ProgramRunOptions, 'signal'> = {},
): Promise<{
  readonly results: Readonly<Record<P, T>>;
  readonly notes: Readonly<Record<P, ProgramNotes<C>>>;
}> {
  const abort = new AbortController();
  const notes = programRuns(contract, data, { ...options, signal: abort.signal });
  let failure: { readonly error: unknown } | undefined;
  const results: Partial<Record<P, T>> = {};
  const run = async (name: P): Promise<void> => {
    try {
      results[name] = await program(notes[name].context);
    } catch (error) {
      failure ??= { error };
      abort.abort();
    }
  };
  await Promise.all((Object.keys(notes) as P[]).map(run));
  if (failure) throw failure.error;
  return { results: results as Record<P, T>, notes };
}

function ledgerOf({ ...contract }: Contract, recorded: DisclosureTerms[]): DisclosureLedger {
  return {
    record: async ({ value: _value, ...disclosure }) => {
      const { class: name, to, elements } = disclosure;
      const declared = contract.leakage.opened.find((each) => each.name === name);
      const readers = declared ? partiesOfRole(contract, declared.to) : [];
      const before = recorded.filter((each) => each.class === name);
      const total = before.reduce((sum, each) => sum + each.elements, elements);
      if (total > (declared?.most ?? -1) || to.some((party) => !readers.includes(party))) {
        throw new ProtocolError('NOT_DECLARED', name);
      }
      recorded.push(disclosure);
    },
  };
}

/** Two data holders of one contract of any kind, joined by memory channels: nothing of a node. */
import { hkdfSync } from 'node:crypto';
import type { Contract, ContractParty, PsiContract } from '../../src/party/consensus/contract.ts';
import type { LoadedDataset } from '../../src/party/datasets/datasets.ts';
import { partiesOfRole } from '../../src/party/disclosure-ledger.ts';
import { intersectionLeakageOf } from '../../src/party/tasks/declaration.ts';
import type { ProgramContext } from '../../src/party/tasks/program.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import type { Disclosure, DisclosureLedger } from '../../src/protocols/disclosure.ts';
import { ProtocolError } from '../../src/protocols/errors.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../src/protocols/memory-channel.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { textColumn } from '../../src/protocols/psi/text-column.ts';
import { sampleContract, testIdentity } from './contracts.ts';
import { toyCurveEngine } from './toy-curve-engine.ts';
import { kernels, TASK_ID } from './training-pair.ts';

export type Party = 'orgA' | 'orgB';

/** A set intersection of orgA and orgB, of so many rows. */
export function psiContract(
  rows: Readonly<Record<Party, number>>,
  changes: Partial<Pick<PsiContract, 'alignment' | 'receivers'>> = {},
): PsiContract {
  const [a, b] = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
  const { metrics: _, parameters: __, ...terms } = sampleContract([a!, b!]);
  const contract = {
    ...terms,
    kind: 'psi',
    algorithm: { ...terms.algorithm, name: 'intersection', partition: 'psi' },
    parameters: { output: 'rows', join: 'inner' },
    parties: terms.parties.map(
      (party): ContractParty => ({
        ...party,
        role: 'data_holder',
        dataset: {
          ...party.dataset!,
          rowCount: rows[party.name as Party],
          labelColumn: null,
          features: [],
        },
      }),
    ),
    ...changes,
  } as const;
  return { ...contract, leakage: intersectionLeakageOf(contract) };
}

/** A dataset of keys alone, as it is loaded. */
export function keysAlone(keys: readonly string[]): LoadedDataset {
  return {
    rowCount: keys.length,
    keys: [textColumn(keys)],
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
  /** To the other party. */
  readonly channel: Channel;
  readonly phases: string[];
  readonly disclosures: Disclosure[];
}

/** Both parties' contexts; their ledgers hold them to the contract's statement. */
export function programRuns<C extends Contract>(
  contract: C,
  data: Readonly<Record<Party, LoadedDataset>>,
  options: MemoryChannelOptions = {},
): Readonly<Record<Party, ProgramNotes<C>>> {
  const notes = (self: Party, channel: Channel): ProgramNotes<C> => {
    const phases: string[] = [];
    const disclosures: Disclosure[] = [];
    const context: ProgramContext<C> = {
      contract,
      taskId: TASK_ID,
      self,
      link: () => ({
        channel,
        deriveKey: async (purpose, length) =>
          new Uint8Array(hkdfSync('sha256', 'test', '', purpose, length)),
      }),
      loadDataset: async () => data[self],
      loadModel: () => Promise.reject(new Error('there is no model')),
      ledger: ledgerOf(contract, disclosures),
      checkpoints: { resume: null, save: () => {} },
      progress: { phase: (phase) => void phases.push(phase), step: () => {} },
      kernels,
      curve: toyCurveEngine,
      spill: () => null,
      budget: { reserve: () => {} },
      rng: systemRng,
    };
    return { context, channel, phases, disclosures };
  };
  const [a, b] = memoryChannelPair(options);
  return { orgA: notes('orgA', a), orgB: notes('orgB', b) };
}

function ledgerOf({ ...contract }: Contract, recorded: Disclosure[]): DisclosureLedger {
  return {
    record: async (disclosure) => {
      const declared = contract.leakage.opened.find(({ name }) => name === disclosure.class);
      const readers = declared ? partiesOfRole(contract, declared.to) : [];
      const fits = disclosure.elements <= (declared?.most ?? 0);
      if (!fits || disclosure.to.some((party) => !readers.includes(party))) {
        throw new ProtocolError('NOT_DECLARED', disclosure.class);
      }
      recorded.push(disclosure);
    },
  };
}

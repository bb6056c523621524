/** One party of `psi.ts`: what a node's thread does with such a contract, in a process of its own. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { curvePool } from '../src/kernels/curve25519-pool.ts';
import type { PsiContract } from '../src/party/consensus/contract.ts';
import type { DatasetOffer } from '../src/party/datasets/datasets.ts';
import { intersectionLeakageOf } from '../src/party/tasks/declaration.ts';
import type { ProgramContext } from '../src/party/tasks/program.ts';
import { intersect } from '../src/party/tasks/programs/intersect.ts';
import type { Session } from '../src/party/transport/session.ts';
import { systemRng } from '../src/protocols/primitives/rng.ts';
import { type Connect, serveParty } from './party-process.ts';
import { datasetsOf, RESULT_FILE } from './psi-files.ts';

export interface PsiJob {
  readonly self: string;
  readonly contract: PsiContract;
  /** Of the offer that the contract's terms are from. */
  readonly salt: Uint8Array;
  readonly folder: string;
  readonly threads: number;
}

export interface Intersected {
  readonly common: number;
  /** From the file to keys in memory. */
  readonly loadSeconds: number;
  /** From keys in memory to the rows of the result: digests, matching, order. */
  readonly protocolSeconds: number;
  /** From there to the result's file. */
  readonly writeSeconds: number;
}

const ANY = '0'.repeat(64);

/** What these parties would sign. */
export function psiContract(
  engine: 'ecdh' | 'rr22',
  names: readonly string[],
  offers: readonly DatasetOffer[],
): PsiContract {
  const parties = names.map((name, i) => ({
    ...{ name, fingerprint: ANY, role: 'data_holder' as const },
    dataset: { ...offers[i]!.terms, minimumIntersection: 0 },
  }));
  const agreed = {
    alignment: { method: 'psi', engine, duplicates: 'reject', minimumIntersection: 0 },
    algorithm: { name: 'intersection', partition: 'psi', implementation: ANY },
    parameters: { output: 'rows', join: 'inner' },
    receivers: names,
    parties,
  } as const;
  return {
    ...{ version: 1, kind: 'psi', ...agreed, leakage: intersectionLeakageOf(agreed) },
    security: { model: 'semi-honest', kappa: 128, sigma: 40 },
    ...{ initiator: names[0]!, purpose: 'bench', nonce: ANY },
    ...{ createdAt: '2000-01-01T00:00:00.000Z', expiresAt: '2000-01-01T01:00:00.000Z' },
  };
}

async function work(job: PsiJob, connect: Connect): Promise<Intersected> {
  const { self, contract, threads } = job;
  const others = contract.parties.flatMap(({ name }) => (name === self ? [] : [name]));
  const start = performance.now();
  const terms = contract.parties.find(({ name }) => name === self)!.dataset!;
  const [dataset, ...links] = await Promise.all([
    datasetsOf(job.folder).load(terms, job.salt),
    ...others.map(async (name) => [name, await connect(name)] as const),
  ]);
  const sessions = new Map<string, Session>(links);
  const loaded = performance.now();

  let matched = loaded;
  const curve = curvePool({ threads });
  const context: ProgramContext<PsiContract> = {
    ...{ contract, self, taskId: ANY },
    link: (peer) => {
      const session = sessions.get(peer)!;
      return {
        channel: session.channel,
        deriveKey: async (purpose, length) => session.deriveKey(purpose, length),
      };
    },
    loadDataset: async () => dataset,
    loadModel: () => Promise.reject(new Error('there is no model')),
    ledger: { record: async () => {} },
    checkpoints: { resume: null, save: () => {} },
    progress: {
      phase: (phase) => {
        if (phase === 'publishing') matched = performance.now();
      },
      step: () => {},
    },
    kernels: () => {
      throw new Error('nothing is trained');
    },
    treeKernels: () => {
      throw new Error('nothing is trained');
    },
    curve: () => curve,
    spill: () => null,
    budget: { reserve: () => {} },
    rng: systemRng,
  };
  const { file, extra } = await intersect(context);
  await curve.close();

  const target = await open(join(job.folder, RESULT_FILE), 'w');
  for (const chunk of file!.chunks) await target.writeFile(chunk);
  await target.close();
  const end = performance.now();
  return {
    common: extra.intersection_size as number,
    loadSeconds: (loaded - start) / 1000,
    protocolSeconds: (matched - loaded) / 1000,
    writeSeconds: (end - matched) / 1000,
  };
}

serveParty(import.meta.url, work);

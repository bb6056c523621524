import { deepEqual, equal, rejects } from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import {
  type CurveEngine,
  inThreadCurveEngine,
} from '../../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../../src/kernels/curve25519-kernel.wasm.ts';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import type { LoadedDataset } from '../../../../src/party/datasets/datasets.ts';
import type { LinearDocument } from '../../../../src/party/models/model-document.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { trainLinear } from '../../../../src/party/tasks/programs/train-linear.ts';
import { runInThread } from '../../../../src/party/tasks/thread/task-thread.ts';
import type { DisclosureTerms } from '../../../../src/protocols/disclosure.ts';
import { memoryLinkPair } from '../../../../src/protocols/memory-channel.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import {
  NO_SPILL,
  TASK_ID,
  tables,
  trainingContract,
  trainingRuns,
} from '../../../support/training-pair.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

/** What does not depend on time. */
function lasting({ extra, ...result }: ProgramResult): unknown {
  const { seconds: _, seconds_per_iteration: __, ...rest } = extra;
  return { ...result, extra: rest };
}

const worker = new URL('../../../support/seeded-task-process.js', import.meta.url);

describe('training in threads', () => {
  it('ends like the same training without', async () => {
    const contract = trainingContract({ receivers: ['orgA', 'orgB'] });
    const data = tables();
    const links = memoryLinkPair();
    const disclosures: DisclosureTerms[][] = [];
    const phases: string[][] = [];
    const threads = (['orgA', 'orgB'] as const).map((self, i) => {
      const ledger = recordingLedger();
      const noted: string[] = [];
      disclosures.push(ledger.entries);
      phases.push(noted);
      const host = {
        link: () => ({
          link: links[i]!,
          deriveKey: (purpose: string, length: number) =>
            new Uint8Array(hkdfSync('sha256', 'test', '', purpose, length)),
        }),
        loadDataset: async (): Promise<LoadedDataset> => structuredClone(data[self]),
        loadModel: () => Promise.reject(new Error('a training has no model')),
        ledger,
        saveCheckpoint: () => {},
        progress: {
          phase: (phase: string) => void noted.push(phase),
          step: (step: number, of: number) => void noted.push(`${step}/${of}`),
        },
      };
      const job = { contract, taskId: TASK_ID, self, resume: null, psiWorkers: 1, spill: NO_SPILL };
      const limited = { ...job, memoryLimitBytes: 2 ** 28 };
      return runInThread(limited, host, new AbortController().signal, { worker });
    });
    const { a, b } = trainingRuns(contract, data);
    const curve = (): CurveEngine => inThreadCurveEngine(loadCurve25519Kernel());
    const [threaded, plain] = await Promise.all([
      Promise.all(threads),
      Promise.all(
        [a, b].map(({ context }) =>
          trainLinear({ ...context, curve, rng: seededRng(context.self) }),
        ),
      ),
    ]);
    deepEqual(threaded.map(lasting), plain.map(lasting));
    deepEqual(disclosures, [a.disclosures, b.disclosures]);
    for (const noted of phases) {
      deepEqual(noted, ['aligning', 'training', '1/2', '2/2', 'evaluating', 'publishing']);
    }
    equal((threaded[0]!.model as LinearDocument).features.length, 5);
  });

  it('is what the production worker runs', async () => {
    const refusal = new DatasetError('changed', 'a.csv: is not the file that was described');
    const phases: string[] = [];
    const [link] = memoryLinkPair();
    const host = {
      link: () => ({ link, deriveKey: () => new Uint8Array(0) }),
      loadDataset: () => Promise.reject(refusal),
      loadModel: () => Promise.reject(new Error('a training has no model')),
      ledger: recordingLedger(),
      saveCheckpoint: () => {},
      progress: { phase: (phase: string) => void phases.push(phase), step: () => {} },
    };
    const contract = trainingContract();
    const job = {
      contract,
      taskId: TASK_ID,
      self: 'orgB',
      resume: null,
      psiWorkers: 1,
      spill: NO_SPILL,
    };
    await rejects(
      runInThread({ ...job, memoryLimitBytes: 2 ** 28 }, host, new AbortController().signal),
      (error) => error instanceof DatasetError && error.code === 'changed',
    );
    deepEqual(phases, ['aligning']);
  });
});

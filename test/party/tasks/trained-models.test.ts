import { deepEqual, equal } from 'node:assert/strict';
import type { Contract } from '../../../src/party/consensus/contract.ts';
import type { CertificateRecord } from '../../../src/party/consensus/records.ts';
import type { ModelManifest } from '../../../src/party/models/model-registry.ts';
import { ownParts, trainedModels } from '../../../src/party/tasks/trained-models.ts';
import { sampleContract, testIdentity } from '../../support/contracts.ts';
import { psiContract } from '../../support/program-parties.ts';
import { PART } from '../models/sample.ts';

const [a, b, c] = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);
const TASK = 'ab'.repeat(32);

/** A node with one part, whose training is this contract. */
function node(contract: Contract | null) {
  const manifest = { modelId: PART.model_id, kind: 'part', taskId: TASK } as ModelManifest;
  const certificate = { certificate: { contract, votes: [] } } as unknown as CertificateRecord;
  const models = {
    get: async (id: string, kind = 'model') =>
      id === PART.model_id && kind === 'part' ? manifest : null,
    loadPart: async () => PART,
  };
  const records = {
    certificate: async (taskId: string) => (taskId === TASK && contract ? certificate : undefined),
  };
  const find = trainedModels(models, records);
  return { find, part: ownParts(find, models) };
}

describe('trained models', () => {
  const training = sampleContract([a!, b!], { receiver: c! });

  it('are found by this node’s part, with the contract of their training', async () => {
    const { find, part } = node(training);
    deepEqual(await find(PART.model_id), { taskId: TASK, training });
    deepEqual(await part(PART.model_id), {
      taskId: TASK,
      training,
      encoding: PART.encoding,
    });
  });

  it('are none without a part or without the contract of a training', async () => {
    equal(await node(training).find('model-00000000000000000000000000'), null);
    equal(await node(training).part('model-00000000000000000000000000'), null);
    for (const contract of [null, psiContract({ orgA: 1, orgB: 1 })]) {
      equal(await node(contract).find(PART.model_id), null);
      equal(await node(contract).part(PART.model_id), null);
    }
  });
});

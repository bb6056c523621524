import { deepEqual, equal, ok } from 'node:assert/strict';
import { parseModelDocument } from '../../../../src/party/models/model-document.ts';
import { modelId } from '../../../../src/party/models/model-id.ts';
import { parseModelPart } from '../../../../src/party/models/model-part.ts';
import { decodeShareWords } from '../../../../src/party/models/share-words.ts';
import { trainLinear } from '../../../../src/party/tasks/programs/train-linear.ts';
import { TASK_ID, tables, trainingContract, trainingRuns } from '../../../support/training-pair.ts';

/** What the two parties would store. */
async function documents(change: Parameters<typeof trainingContract>[0] = {}) {
  const contract = trainingContract(change);
  const { a, b } = trainingRuns(contract);
  const results = await Promise.all([a, b].map(({ context }) => trainLinear(context)));
  return {
    contract,
    models: results.map(({ model }) => model),
    parts: results.map(({ part }) => part!),
  };
}

describe('model documents', () => {
  it('of a released model: weights at the receiver, shares and coordinates in the parts', async () => {
    const { contract, models, parts } = await documents();
    const [model, none] = models;
    equal(none, null);
    deepEqual(parseModelDocument(JSON.stringify(model)), model);
    const { model_id: id, task_id, algorithm, label, threshold, open_bits, metrics } = model!;
    deepEqual([id, task_id], [modelId(TASK_ID, contract.createdAt), TASK_ID]);
    deepEqual([algorithm, threshold, open_bits], ['logistic_regression', 0.5, 10]);
    deepEqual(label, { party: 'orgA', column: 'y' });
    deepEqual(Object.keys(metrics), ['loss', 'accuracy']);
    equal(model!.features.length, 5);

    for (const [i, part] of parts.entries()) {
      deepEqual(parseModelPart(JSON.stringify(part)), part);
      deepEqual([part.model_id, part.party], [id, ['orgA', 'orgB'][i]]);
      equal(part.origin, parts[0]!.origin);
      deepEqual(
        part.shares.map(({ owner, length }) => [owner, length]),
        i === 0
          ? [
              ['orgA', 2],
              ['orgB', 4],
            ]
          : [
              ['orgB', 4],
              ['orgA', 2],
            ],
      );
    }
    deepEqual(parts[1]!.encoding, tables().orgB.encoding);
    deepEqual(parts[1]!.metrics, {}, 'metrics are the receivers’');
  });

  it('of a split model: nobody has weights, each has shares and its own coordinates', async () => {
    const base = trainingContract().parameters;
    const parameters = { ...base, model_release: 'split' } as const;
    const { models, parts } = await documents({ parameters });
    deepEqual(models, [null, null]);
    for (const part of parts) {
      deepEqual(parseModelPart(JSON.stringify(part)), part);
      ok(part.transformation.map.length > 0);
    }
    const shares = parts.map((part) =>
      Object.fromEntries(part.shares.map(({ owner, words }) => [owner, decodeShareWords(words)])),
    );
    // Own columns; the label holder's also has the intercept.
    for (const [owner, length] of [
      ['orgA', 2],
      ['orgB', 4],
    ] as const) {
      const [one, other] = shares.map((each) => each[owner]!);
      deepEqual([one!.length, other!.length], [length, length], owner);
      const sum = one!.map((word, j) => word + other![j]!);
      // Weights in whitened coordinates are small, their shares are not.
      ok(
        sum.every((word) => Math.abs(Number(BigInt.asIntN(64, word))) < 2 ** 40),
        owner,
      );
      ok(
        one!.some((word) => Math.abs(Number(BigInt.asIntN(64, word))) > 2 ** 50),
        owner,
      );
    }
  });

  it('of a regression have no threshold, and at the label holder the label’s unit', async () => {
    const base = trainingContract();
    const { models, parts } = await documents({
      algorithm: { ...base.algorithm, name: 'linear_regression' },
      parameters: { ...base.parameters, loss: 'mse' },
      metrics: ['rmse'],
    });
    equal(models[0]!.threshold, null);
    equal(models[0]!.algorithm, 'linear_regression');
    ok(parts[0]!.target, 'only the label holder knows the label’s unit');
    equal(parts[1]!.target, null);
  });
});

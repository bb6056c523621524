import { deepEqual, equal } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chooseAlgorithm } from '../../src/party/http/algorithm.ts';
import { resolveLinearParameters } from '../../src/party/http/linear-parameters.ts';
import { resolvePartition } from '../../src/party/http/partition.ts';
import { parseTrainRequest } from '../../src/party/http/train-request.ts';
import { decide } from '../../src/party/policy.ts';
import { parsePolicy } from '../../src/party/policy-file.ts';

const read = (name: string): string => readFileSync(`deploy/samples/${name}`, 'utf8');

const header = (path: string): string[] =>
  readFileSync(`examples/data/${path}`, 'utf8').split(/\r?\n/, 1)[0]!.split(',');

describe('deploy samples', () => {
  const request = parseTrainRequest({ ...JSON.parse(read('train-request.json')), strict: true });
  const layout = resolvePartition(
    request,
    new Map(request.providers.map(({ name, path }) => [name, header(path)])),
  );

  it('are a request without warnings', () => {
    deepEqual(request.warnings, []);
    deepEqual(layout.warnings, []);
    equal(layout.labelHolder, 'bank');
    const { algorithm } = chooseAlgorithm(request)!;
    deepEqual(resolveLinearParameters(algorithm, request).warnings, []);
  });

  it('are policies that allow it, and nothing for another purpose', () => {
    for (const { name, keyColumn, labelColumn, features } of layout.parties) {
      const policy = parsePolicy(read(`policy.${name}.yaml`));
      const { path } = request.providers.find((each) => each.name === name)!;
      const ask = (purpose: string): boolean =>
        decide(
          policy,
          {
            peers: request.providers.map((each) => each.name).filter((each) => each !== name),
            purpose,
            algorithm: 'vertical/logistic_regression',
            dataset: { path, key: keyColumn, label: labelColumn, features },
            receivers: request.receivers.filter((each) => each !== name),
            modelRelease: 'full',
            terms: null,
          },
          { now: 0, usage: null },
        ).allow;
      equal(ask(request.purpose), true, name);
      equal(ask('marketing'), false, name);
    }
  });
});

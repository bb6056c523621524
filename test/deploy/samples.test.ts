import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { linearLeakage } from '../../src/ml/vertical/linear/leakage.ts';
import { reconstructionMargin, treeLeakage } from '../../src/ml/vertical/trees/leakage.ts';
import { isTreeTraining } from '../../src/party/consensus/contract.ts';
import { resolveLinearParameters } from '../../src/party/http/linear-parameters.ts';
import { OPERATION_IDS, operationOf, pathsOf } from '../../src/party/http/operations.ts';
import { resolvePartition } from '../../src/party/http/partition.ts';
import { parsePredictRequest } from '../../src/party/http/predict-request.ts';
import { parseLabeledPsiRequest, parsePsiRequest } from '../../src/party/http/psi-request.ts';
import { parseTrainRequest } from '../../src/party/http/train-request.ts';
import { trainingModels } from '../../src/party/http/training-models.ts';
import { decide } from '../../src/party/policy.ts';
import { parsePolicy } from '../../src/party/policy-file.ts';
import { intersectionLeakage } from '../../src/protocols/psi/leakage.ts';

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
    deepEqual(trainingModels(request)[0]!.warnings, []);
  });

  const parameters = resolveLinearParameters('logistic_regression', request).parameters;
  const rows = readFileSync(`examples/data/${request.providers[0]!.path}`, 'utf8').split(
    '\n',
  ).length;
  const leakage = linearLeakage({
    algorithm: 'logistic_regression',
    parameters,
    alignment: 'psi',
    engine: 'rr22',
    counted: true,
    rows,
    keys: rows,
    columns: layout.parties.flatMap((each) => each.features).length,
    metrics: request.metrics.length,
  });

  const trees = parseTrainRequest({ ...JSON.parse(read('trees-request.json')), strict: true });
  const [forest, ...others] = trainingModels(trees);
  if (!forest || !isTreeTraining(forest.terms)) throw new TypeError('the request is of no trees');
  const treeParameters = forest.terms.parameters;
  const [own, shop] = layout.parties.map(({ features }) => features.length);
  const treesOpen = treeLeakage({
    parameters: treeParameters,
    alignment: 'psi',
    engine: 'rr22',
    counted: true,
    rows,
    keys: rows,
    labelHolderColumns: own!,
    featureHolders: [{ numeric: shop!, indicators: 0 }],
    metrics: trees.metrics.length,
  });

  it('are trees of the same data, without warnings', () => {
    deepEqual([trees.warnings, forest.warnings, others], [[], [], []]);
    const { providers, receivers, purpose, metrics } = request;
    deepEqual(
      [trees.providers, trees.receivers, trees.purpose, trees.metrics],
      [providers, receivers, purpose, metrics],
    );
  });

  type Training = (typeof trainings)[number];
  const trainings = [
    { algorithm: 'vertical/logistic_regression', opened: leakage.opened, margin: null },
    {
      algorithm: 'vertical/xgboost',
      // What the shop's own part is, it is not told of itself.
      opened: treesOpen.opened.filter(({ to }) => to !== 'feature_holder'),
      margin: reconstructionMargin({ parameters: treeParameters, rows }),
    },
  ];

  it('are policies that allow it, and nothing for another purpose', () => {
    for (const { name, keyColumns, labelColumn, features } of layout.parties) {
      const policy = parsePolicy(read(`policy.${name}.yaml`));
      const rule = policy.rules[0]!;
      const { path } = request.providers.find((each) => each.name === name)!;
      const ask = (purpose: string, { algorithm, opened, margin }: Training): boolean =>
        decide(
          policy,
          {
            peers: request.providers.map((each) => each.name).filter((each) => each !== name),
            purpose,
            algorithm,
            dataset: { path, keys: keyColumns, label: labelColumn, features },
            receivers: request.receivers.filter((each) => each !== name),
            modelRelease: 'full',
            terms: {
              security: { kappa: 128, sigma: 40 },
              fewestFeatures: Math.min(...layout.parties.map((each) => each.features.length)),
              margin,
              minimumIntersection: rule.minimum_intersection ?? 0, // drafted as the owner asks for it
              openBits: parameters.open_bits,
              metrics: request.metrics,
              heldOut: parameters.use_validation_set,
              openings: opened.map((each) => ({ ...each, class: each.name, peer: 'bank' })),
            },
          },
          { now: 0, usage: { voted: [], opened: () => 0 } },
        ).allow;
      for (const training of trainings) {
        equal(ask(request.purpose, training), true, `${name} ${training.algorithm}`);
        equal(ask('marketing', training), false, `${name} ${training.algorithm}`);
      }
    }
  });

  it('are columns of the shop for the bank, for a purpose of their own', () => {
    const labelled = parseLabeledPsiRequest({
      ...JSON.parse(read('labelled-psi-request.json')),
      strict: true,
    });
    deepEqual([labelled.warnings, labelled.receivers], [[], ['bank']]);
    const { opened } = intersectionLeakage({
      engine: 'rr22',
      counted: true,
      parties: 2,
      keys: rows,
      rows,
      output: labelled.output,
      join: labelled.join,
      expanded: false,
      payload: 1,
    });
    for (const { name, path, keyColumns, payload } of labelled.providers) {
      const policy = parsePolicy(read(`policy.${name}.yaml`));
      const ask = (purpose: string, features: readonly string[]): boolean =>
        decide(
          policy,
          {
            peers: labelled.providers.map((each) => each.name).filter((each) => each !== name),
            purpose,
            algorithm: 'psi/labelled_intersection',
            dataset: { path, keys: keyColumns, label: null, features },
            receivers: labelled.receivers.filter((each) => each !== name),
            modelRelease: null,
            terms: {
              security: { kappa: 128, sigma: 40 },
              fewestFeatures: null,
              margin: null,
              minimumIntersection: policy.rules[1]!.minimum_intersection ?? 0,
              openBits: null,
              metrics: [],
              heldOut: null,
              openings: opened.map((each) => ({ ...each, class: each.name, peer: 'bank' })),
            },
          },
          { now: 0, usage: { voted: [], opened: () => 0 } },
        ).allow;
      equal(ask(labelled.purpose, payload), true, name);
      equal(ask(request.purpose, payload), false, name);
      equal(ask(labelled.purpose, ['x1']), false, name);
    }
  });

  it('are predictions and intersections of the same data for the same purpose', () => {
    const predict = parsePredictRequest({
      ...JSON.parse(read('predict-request.json')),
      strict: true,
    });
    const psi = parsePsiRequest({ ...JSON.parse(read('psi-request.json')), strict: true });
    const pathsIn = (providers: readonly { name: string; path: string }[]): object =>
      Object.fromEntries(providers.map(({ name, path }) => [name, path]));
    deepEqual(pathsIn(predict.providers), pathsIn(request.providers));
    deepEqual(pathsIn(psi.providers), pathsIn(request.providers));
    deepEqual([predict.warnings, psi.warnings], [[], []]);
    deepEqual([predict.receivers, psi.receivers], [request.receivers, request.receivers]);
    deepEqual([predict.purpose, psi.purpose], [request.purpose, request.purpose]);
    for (const name of ['bank', 'shop']) {
      const [rule] = parsePolicy(read(`policy.${name}.yaml`)).rules;
      ok(rule!.algorithms.includes('predict/logistic_regression'), name);
      ok(rule!.algorithms.includes('predict/xgboost'), name);
      ok(rule!.algorithms.includes('psi/intersection'), name);
    }
  });

  it('are sent by the README to operations that there are', () => {
    const paths = OPERATION_IDS.flatMap((id) => pathsOf(operationOf(id)));
    const readme = readFileSync('deploy/README.md', 'utf8');
    const called = [...readme.matchAll(/\$URL(\/[\w/$]+)/g)].map(([, path]) => path!);
    ok(called.length >= 8, `${called.length} calls`);
    for (const path of called) ok(paths.includes(path.replace('$TASK', ':id')), path);
  });
});

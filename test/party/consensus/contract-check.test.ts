import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { METRIC_NAMES } from '../../../src/ml/metrics/evaluate.ts';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import type { Contract, TrainContract } from '../../../src/party/consensus/contract.ts';
import {
  CLOCK_SKEW_MS,
  checkContract,
  checkDeclaration,
  checkValidity,
  decodeContract,
  MAX_LIFETIME_MS,
  taskIdOf,
} from '../../../src/party/consensus/contract-check.ts';
import { MAX_CONTRACT_BYTES } from '../../../src/party/consensus/contract-limits.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import { changed, type Json } from '../../support/changed-contract.ts';
import {
  DECLARATION,
  NOW,
  sampleContract,
  sampleIntersection,
  samplePrediction,
  sampleTreePrediction,
  sampleTrees,
  testIdentity,
} from '../../support/contracts.ts';
import { refuses } from '../../support/refusals.ts';

const [a, b, c, auditor] = ['orgA', 'orgB', 'orgC', 'auditor'].map((n) => testIdentity(n).signer);

describe('contract check', () => {
  it('accepts contracts for two, three and receiver-only parties', () => {
    checkContract(sampleContract([a!, b!]));
    checkContract(sampleTrees([a!, b!, c!]));
    const contract = sampleContract([a!, b!], { receiver: auditor! });
    deepEqual(decodeContract(canonicalBytes(contract)), contract);
  });

  it('accepts every metric that can be computed, and none', () => {
    checkContract(changed('metrics', [...METRIC_NAMES]));
    checkContract(changed('metrics', []));
  });

  it('names a task by the SHA-256 of the canonical contract', () => {
    const contract = sampleContract([a!, b!]);
    const expected = createHash('sha256').update(canonicalBytes(contract)).digest('hex');
    equal(taskIdOf(contract), expected);
    notEqual(taskIdOf(changed('parameters/seed', 43)), expected);
  });

  it('refuses every missing field and every unknown one, by path', () => {
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, member] of Object.entries(node)) {
        const at = path ? `${path}/${key}` : key;
        if (!Array.isArray(node)) {
          refuses(() => checkContract(changed(at, undefined)), 'malformed_contract', path);
          refuses(() => checkContract(changed(`${at}_x`, 1)), 'malformed_contract', `${at}_x`);
        }
        visit(member, at);
      }
    };
    visit(sampleContract([a!, b!]), '');
  });

  it('refuses values of another type or out of range, by path', () => {
    const cases: readonly (readonly [path: string, value: Json])[] = [
      ['version', 2],
      ['kind', 'guess'],
      ['algorithm/name', 'dnn'],
      ['algorithm/partition', 'horizontal'],
      ['algorithm/implementation', 'AB'.repeat(32)],
      ['parameters/solver', 'adam'],
      ['parameters/epochs', 0],
      ['parameters/epochs', 10_001],
      ['parameters/epochs', 1.5],
      ['parameters/epochs', '20'],
      ['parameters/batch_size', 0],
      ['parameters/learning_rate', 0],
      ['parameters/momentum', 1],
      ['parameters/momentum', -0.1],
      ['parameters/l2', -1],
      ['parameters/use_intercept', 1],
      ['parameters/class_weight', 'heavy'],
      ['parameters/class_weight/0', 0],
      ['parameters/validation_set_rate', 0],
      ['parameters/validation_set_rate', 1],
      ['parameters/seed', -1],
      ['parameters/seed', 2 ** 53],
      ['parameters/predict_threshold', 1.01],
      ['parameters/open_bits', 3],
      ['parameters/open_bits', 21],
      ['parameters/model_release', 'none'],
      ['metrics/0', ''],
      ['metrics/0', 'AUC'],
      ['metrics/0', 'foo'],
      ['metrics', [...METRIC_NAMES, 'auc']],
      ['security/model', 'malicious'],
      ['security/kappa', 80],
      ['security/sigma', 0],
      ['leakage/opened/0/phase', 'later'],
      ['leakage/opened/0/most', -1],
      ['leakage/opened/0/most', 0.5],
      ['leakage/opened/0/most', 2 ** 53],
      ['alignment/method', 'guess'],
      ['alignment/engine', 'he'],
      ['alignment/duplicates', 'last'],
      ['parties', []],
      ['parties/0/name', ''],
      ['parties/0/name', '../orgA'],
      ['parties/0/name', 'a'.repeat(65)],
      ['parties/0/fingerprint', 'ab'],
      ['parties/0/role', 'dealer'],
      ['parties/0/dataset/path', ''],
      ['parties/0/dataset/path', 'a\nb'],
      ['parties/0/dataset/path', 'a'.repeat(1025)],
      ['parties/0/dataset/type', 'xlsx'],
      ['parties/0/dataset/rowCount', -1],
      ['parties/0/dataset/rowCount', 2 ** 31],
      ['parties/0/dataset/features/0/kind', 'text'],
      ['parties/0/dataset/features/0/name', ''],
      ['parties/1/dataset/features/1/categories', -1],
      ['parties/0/dataset/commitment', null],
      ['receivers', []],
      ['initiator', 1],
      ['purpose', ''],
      ['createdAt', '2026-03-01T12:00:00Z'],
      ['createdAt', '2026-02-30T12:00:00.000Z'],
      ['expiresAt', '2026-03-01T25:00:00.000Z'],
      ['nonce', 'ef'.repeat(31)],
    ];
    for (const [path, value] of cases) {
      const contract = path.startsWith('parameters/class_weight/')
        ? changed(path, value, changed('parameters/class_weight', { '0': 1, '1': 1 }))
        : changed(path, value);
      refuses(() => checkContract(contract), 'malformed_contract', path);
    }
  });

  it('refuses parties that do not fit together', () => {
    const three = sampleTrees([a!, b!, c!], { receiver: auditor! });
    const cases: readonly (readonly [path: string, value: Json, at?: string])[] = [
      ['parties/0/role', 'feature_holder'],
      ['parties/1/role', 'label_holder'],
      ['parties/1/role', 'receiver'],
      ['parties/2/role', 'label_holder'],
      ['parties/3/role', 'feature_holder', 'parties/3/dataset'],
      ['parties/1/name', 'orgA'],
      ['parties/1/name', 'ORGA'],
      ['parties/1/fingerprint', a!.fingerprint],
      ['parties/1/dataset', null],
      ['parties/1/dataset/keyColumns', null],
      ['parties/0/dataset/labelColumn', null],
      ['parties/0/dataset/labelColumn', 'id'],
      ['parties/1/dataset/labelColumn', 'y'],
      ['parties/1/dataset/features', []],
      ['parties/1/dataset/features/1/name', 'income'],
      ['parties/1/dataset/features/0/name', 'id'],
      ['parties/1/dataset/features/0/categories', 2],
      ['parties/0/dataset/features/0/name', 'y'],
      ['parties/0/dataset/keyColumns', ['y'], 'parties/0/dataset/labelColumn'],
      ['parties/1/dataset/keyColumns', ['id', 'id2']],
      ['parties/1/dataset/payload', ['city']],
      ['alignment/engine', 'ecdh'],
      ['alignment/duplicates', 'expand'],
      ['alignment/minimumIntersection', 1],
      ['parties/0/dataset/features/0/categories', 1],
      ['receivers/0', 'orgX'],
      ['receivers', ['auditor', 'auditor'], 'receivers/1'],
      ['receivers', ['orgA'], 'receivers'],
      ['initiator', 'orgX'],
    ];
    for (const [path, value, at] of cases) {
      refuses(() => checkContract(changed(path, value, three)), 'malformed_contract', at ?? path);
    }
  });

  it('takes keys of several columns, as many at every party, each once', () => {
    const keys = (first: Json, second: Json) =>
      changed(
        'parties/1/dataset/keyColumns',
        second,
        changed('parties/0/dataset/keyColumns', first),
      );
    checkContract(keys(['name', 'born'], ['first', 'day']));
    const other = keys(['name'], ['first', 'day']);
    refuses(() => checkContract(other), 'malformed_contract', 'parties/1/dataset/keyColumns');
    const twice = keys(['name', 'name'], ['first', 'day']);
    refuses(() => checkContract(twice), 'malformed_contract', 'parties/0/dataset/keyColumns/1');
    for (const wrong of [[], [''], Array.from({ length: 17 }, (_, i) => `k${i}`), 'id']) {
      const path = 'parties/0/dataset/keyColumns';
      refuses(() => checkContract(keys(wrong, ['id'])), 'malformed_contract', path);
    }
    const feature = keys(['name', 'age'], ['first', 'day']);
    refuses(
      () => checkContract(feature),
      'malformed_contract',
      'parties/0/dataset/features/0/name',
    );
  });

  it('takes either engine for two by keys', () => {
    checkContract(changed('alignment/engine', 'rr22'));
    for (const engine of ['kkrt', 'auto', null]) {
      const wrong = changed('alignment/engine', engine);
      refuses(() => checkContract(wrong), 'malformed_contract', 'alignment/engine');
    }
  });

  it('asks for the width of a category', () => {
    const path = 'parties/1/dataset/features/1/categories';
    refuses(() => checkContract(changed(path, undefined)), 'malformed_contract', path);
    refuses(() => checkContract(changed(path, 1001)), 'malformed_contract', path);
  });

  it('asks for equal row counts and no keys when aligned by row order', () => {
    const base = changed('alignment/method', 'row_order');
    const keyless = ['parties/0', 'parties/1'].reduce(
      (contract, party) => changed(`${party}/dataset/keyColumns`, null, contract),
      base,
    );
    checkContract(keyless);
    refuses(() => checkContract(base), 'malformed_contract', 'parties/0/dataset/keyColumns');
    refuses(
      () => checkContract(changed('alignment/engine', 'rr22', keyless)),
      'malformed_contract',
      'alignment/engine',
    );
    const shorter = changed('parties/1/dataset/rowCount', 999, keyless);
    refuses(() => checkContract(shorter), 'malformed_contract', 'parties');
  });

  it('bounds model columns over all parties', () => {
    const features = (n: number): Json =>
      Array.from({ length: n }, (_, i) => ({ name: `f${i}`, kind: 'numeric' }));
    const base = changed('parties/0/dataset/features', features(5_000));
    checkContract(changed('parties/1/dataset/features', features(5_000), base));
    const wide = changed('parties/1/dataset/features', features(5_001), base);
    refuses(() => checkContract(wide), 'malformed_contract', 'parties');
    const levels = (n: number): Json =>
      Array.from({ length: n }, (_, i) => ({
        name: `c${i}`,
        kind: 'categorical',
        categories: 1000,
      }));
    const narrow = changed('parties/1/dataset/features', levels(5), base);
    checkContract(narrow);
    const categorical = changed('parties/1/dataset/features', levels(6), base);
    refuses(() => checkContract(categorical), 'malformed_contract', 'parties');
  });

  it('ties parameters to the algorithm and the data', () => {
    const linear = changed('algorithm/name', 'linear_regression');
    refuses(() => checkContract(linear), 'malformed_contract', 'parameters/loss');
    const mse = changed('parameters/loss', 'mse', linear);
    checkContract(mse);
    const weighted = changed('parameters/class_weight', 'balanced', mse);
    refuses(() => checkContract(weighted), 'malformed_contract', 'parameters/class_weight');
    const sgd = changed('parameters/solver', 'sgd');
    checkContract(changed('parameters/batch_size', 1000, sgd));
    const large = changed('parameters/batch_size', 1001, sgd);
    refuses(() => checkContract(large), 'malformed_contract', 'parameters/batch_size');
    const twice = changed('metrics', ['auc', 'auc']);
    refuses(() => checkContract(twice), 'malformed_contract', 'metrics/1');
  });

  it('accepts predictions and set intersections', () => {
    for (const contract of [samplePrediction([a!, b!]), sampleIntersection([a!, b!])]) {
      checkContract(contract);
      deepEqual(decodeContract(canonicalBytes(contract)), contract);
    }
    const onlyKeys = samplePrediction([a!, b!]);
    checkContract(changed('parties/0/dataset/features', [], onlyKeys));
  });

  it('refuses predictions that do not fit together', () => {
    const contract = samplePrediction([a!, b!]);
    for (const [path, value, at] of [
      ['parties/0/role', 'data_holder'],
      ['parties/0/dataset/labelColumn', 'y'],
      ['parties/1/dataset/features', []],
      ['parties/1/dataset/keyColumns', null],
      ['receivers', ['orgX'], 'receivers/0'],
      ['alignment/method', 'row_order', 'parties/0/dataset/keyColumns'],
      ['alignment/method', 'guess'],
      ['algorithm/name', 'intersection'],
      ['algorithm/name', 'linear_regression', 'parameters/predict_threshold'],
      ['parameters/predict_threshold', null],
      ['parameters/predict_threshold', 1.5],
      ['parameters/open_bits', 21],
      ['parameters/epochs', 3],
      ['model/id', ''],
      ['model/id', 'a/b'],
      ['model/id', '../a'],
      ['model/id', 'm'.repeat(65)],
      ['model/taskId', 'ab'],
      ['metrics', ['auc']],
    ] as const) {
      const wrong = changed(path, value as unknown as Json, contract);
      refuses(() => checkContract(wrong), 'malformed_contract', at ?? path);
    }
    const linear = changed('algorithm/name', 'linear_regression', contract);
    checkContract(changed('parameters/predict_threshold', null, linear));
  });

  it('refuses set intersections that do not fit together', () => {
    const contract = sampleIntersection([a!, b!]);
    for (const [path, value, at] of [
      ['parties/0/role', 'label_holder'],
      ['parties/1/role', 'feature_holder'],
      ['parties/0/dataset/labelColumn', 'y'],
      ['parties/0/dataset/keyColumns', null],
      ['parties/1/dataset/features', [{ name: 'age', kind: 'numeric' }]],
      ['parties/1/dataset', null],
      ['receivers', ['orgA', 'orgX'], 'receivers/1'],
      ['alignment/method', 'row_order', 'parties/0/dataset/keyColumns'],
      ['alignment/minimumIntersection', -1],
      ['algorithm/name', 'logistic_regression'],
      ['algorithm/partition', 'vertical'],
      ['parameters', {}, 'parameters'],
      ['parameters', null],
      ['parameters/epochs', 3],
      ['parameters/join', 'outer'],
      ['parameters/output', 'bits'],
      ['model', {}],
    ] as const) {
      const wrong = changed(path, value as unknown as Json, contract);
      refuses(() => checkContract(wrong), 'malformed_contract', at ?? path);
    }
    const keyless = ['parties/0', 'parties/1'].reduce(
      (each, party) => changed(`${party}/dataset/keyColumns`, null, each),
      changed('alignment/method', 'row_order', contract),
    );
    refuses(() => checkContract(keyless), 'malformed_contract', 'alignment/method');
  });

  it('asks for what each party asks for in common', () => {
    const wish = changed('parties/1/dataset/minimumIntersection', 50);
    refuses(() => checkContract(wish), 'malformed_contract', 'alignment/minimumIntersection');
    checkContract(changed('alignment/minimumIntersection', 50, wish));
    checkContract(changed('alignment/minimumIntersection', 51, wish));
  });

  it('decodes what it encodes, whatever is mutated, and refuses the rest by its code', () => {
    const samples: readonly Contract[] = [
      sampleContract([a!, b!], { receiver: auditor! }),
      sampleTrees([a!, b!, c!], { receiver: auditor! }),
      sampleTreePrediction([a!, b!]),
      samplePrediction([a!, b!]),
      sampleIntersection([a!, b!]),
    ];
    const paths = (node: unknown, at: string): string[] =>
      typeof node === 'object' && node !== null
        ? Object.entries(node).flatMap(([key, member]) => [
            at + key,
            ...paths(member, `${at}${key}/`),
          ])
        : [];
    const cases = samples.flatMap((contract) =>
      paths(contract, '').map((path) => [contract, path] as const),
    );
    const mutation = fc.record({
      case: fc.constantFrom(...cases),
      value: fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.constant(undefined),
        fc.constantFrom('orgA', 'orgB', 'id', 'y', 'psi', 'train', 'predict', 0, 1, 2 ** 31),
      ),
    });
    let accepted = 0;
    fc.assert(
      fc.property(mutation, ({ case: [contract, path], value }) => {
        const mutated = changed(path, value as Json | undefined, contract);
        let bytes: Uint8Array;
        try {
          bytes = canonicalBytes(mutated);
        } catch {
          return; // lone surrogates: nobody can send it
        }
        try {
          deepEqual(canonicalBytes(decodeContract(bytes)), bytes);
          accepted++;
        } catch (error) {
          if (!(error instanceof ConsensusError)) throw error;
          equal(error.code, 'malformed_contract');
          ok(error.message.length < 1000, 'a bounded message');
        }
      }),
      { numRuns: 1000 },
    );
    ok(accepted > 0, 'some mutations are contracts');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        refuses(() => decodeContract(bytes), 'malformed_contract');
      }),
    );
  });

  it('bounds the lifetime', () => {
    const until = (ms: number): TrainContract =>
      changed('expiresAt', new Date(NOW + ms).toISOString());
    checkContract(until(1));
    checkContract(until(MAX_LIFETIME_MS));
    for (const ms of [0, -1, MAX_LIFETIME_MS + 1]) {
      refuses(() => checkContract(until(ms)), 'malformed_contract', 'expiresAt');
    }
  });

  it('holds only between creation, give or take the clocks, and expiry', () => {
    const contract = sampleContract([a!, b!]);
    const expiry = Date.parse(contract.expiresAt);
    checkValidity(contract, NOW - CLOCK_SKEW_MS);
    checkValidity(contract, expiry - 1);
    refuses(() => checkValidity(contract, NOW - CLOCK_SKEW_MS - 1), 'not_yet_valid');
    refuses(() => checkValidity(contract, expiry), 'expired');
  });

  it('decodes nothing but canonical bytes of bounded size', () => {
    const text = JSON.stringify(sampleContract([a!, b!]), null, 1);
    refuses(() => decodeContract(new TextEncoder().encode(text)), 'malformed_contract');
    refuses(() => decodeContract(new Uint8Array(MAX_CONTRACT_BYTES + 1)), 'malformed_contract');
    refuses(() => decodeContract(new Uint8Array(0)), 'malformed_contract');
    refuses(() => decodeContract(canonicalBytes([1])), 'malformed_contract', 'value');
  });

  it('refuses another implementation and another leakage than this node declares', () => {
    const contract = sampleContract([a!, b!]);
    checkDeclaration(contract, () => DECLARATION);
    refuses(() => checkDeclaration(contract, () => undefined), 'implementation_mismatch');
    const other = changed('algorithm/implementation', 'ac'.repeat(32));
    refuses(() => checkDeclaration(other, () => DECLARATION), 'implementation_mismatch');
    for (const [path, value] of [
      ['leakage/opened/1/to', 'all'],
      ['leakage/opened', []],
      ['leakage/structural', []],
    ] as const) {
      const leaky = changed(path, value as unknown as Json);
      refuses(() => checkDeclaration(leaky, () => DECLARATION), 'leakage_mismatch');
    }
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { mostGuardOpenings } from '../../../../src/ml/vertical/linear/domain-guard.ts';
import {
  hidingBits,
  type LeakageInputs,
  linearLeakage,
} from '../../../../src/ml/vertical/linear/leakage.ts';
import type { LinearParameters } from '../../../../src/ml/vertical/linear/parameters.ts';
import { declaredLedger } from '../../../support/declared-ledger.ts';
import { DEFAULTS, PARTIES, syntheticTable, trainInMemory } from '../../../support/vertical-run.ts';

type Algorithm = LeakageInputs['algorithm'];

function statement(algorithm: Algorithm, parameters: LinearParameters) {
  return linearLeakage({ ...TABLES, algorithm, parameters, alignment: 'row_order' });
}

/** A run under ledgers that hold it to its statement. */
async function run(
  algorithm: Algorithm,
  parameters: LinearParameters,
  receivers: readonly string[] = PARTIES,
  refused: readonly string[] = [],
) {
  const n = ROWS;
  const metrics = ['loss'] as const;
  const declared = statement(algorithm, parameters);
  const ledger = () => declaredLedger(declared, receivers, refused);
  const ledgers = [ledger(), ledger()] as const;
  const types: string[] = [];
  const labels: string[] = [];
  const tap = (label: string, type: string): void => {
    types.push(type);
    labels.push(label);
  };
  const abort = new AbortController();
  const task = algorithm === 'logistic_regression' ? 'binary' : 'regression';
  const finished = trainInMemory(syntheticTable(n, 3, 2, task), algorithm, parameters, {
    ledgers,
    receivers,
    metrics,
    tapFirst: tap,
    tapSecond: tap,
    signal: abort.signal,
  });
  return { finished, ledgers, declared, types, labels };
}

/** The guard opens sums over 64 rows or more. */
const ROWS = 100;
const TABLES = {
  rows: ROWS,
  keys: 130,
  columns: 5,
  metrics: 1,
  engine: 'ecdh',
  counted: false,
} as const;

const SHORT = { ...DEFAULTS, epochs: 3 };
const SPLIT = { ...SHORT, model_release: 'split', use_validation_set: false } as const;
const RUNS: readonly (readonly [string, Algorithm, LinearParameters, readonly string[]])[] = [
  ['logistic, full', 'logistic_regression', SHORT, PARTIES],
  [
    'logistic, split, training scores, sgd',
    'logistic_regression',
    { ...SPLIT, solver: 'sgd', batch_size: 20 },
    ['host'],
  ],
  ['linear, to the guest only', 'linear_regression', { ...SHORT, loss: 'mse' }, ['guest']],
];

describe('leakage of the linear models', () => {
  for (const [name, algorithm, parameters, receivers] of RUNS) {
    it(`is what is declared, no less: ${name}`, async () => {
      const { finished, ledgers, declared } = await run(algorithm, parameters, receivers);
      await finished;
      const classes = new Set(declared.opened.map((each) => each.name));
      for (const { recorded } of ledgers) {
        deepEqual(new Set(recorded.map((each) => each.class)), classes);
      }
      deepEqual(ledgers[0].recorded, ledgers[1].recorded, 'both keep the same record');
      const guard = declared.opened.find((each) => each.name === 'domain_guard');
      equal(guard !== undefined, algorithm === 'logistic_regression');
    });
  }

  it('cannot happen when the guard is refused: nothing of it is sent', async () => {
    const { finished, types } = await run('logistic_regression', SHORT, PARTIES, ['domain_guard']);
    await rejects(finished, { code: 'NOT_DECLARED' });
    equal(types.filter((type) => type.endsWith('.OpenedShare')).length, 0);
  });

  it('stops the weights when they are refused', async () => {
    const { finished, types, labels } = await run(
      'linear_regression',
      { ...SHORT, loss: 'mse' },
      PARTIES,
      ['weights'],
    );
    await rejects(finished, { code: 'NOT_DECLARED' });
    const shares = types.filter(
      (type, i) => type.endsWith('.OpenedShare') && labels[i]!.includes('publish'),
    );
    equal(shares.length, 0);
  });

  it('names the intersection when keys are aligned, and its size when it is counted first', () => {
    const opened = (alignment: 'psi' | 'row_order', counted: boolean): string[] =>
      linearLeakage({
        ...TABLES,
        algorithm: 'linear_regression',
        parameters: SHORT,
        alignment,
        counted,
      }).opened.map(({ name }) => name);
    const rest = opened('row_order', false);
    deepEqual(opened('psi', false), ['intersection', ...rest]);
    deepEqual(opened('psi', true), ['intersection_size', 'intersection', ...rest]);
  });

  it('bounds every class by the public sizes', () => {
    const bounds = (algorithm: Algorithm, parameters: LinearParameters): object =>
      Object.fromEntries(
        linearLeakage({ ...TABLES, algorithm, parameters, alignment: 'psi' }).opened.map(
          ({ name, most }) => [name, most],
        ),
      );
    deepEqual(bounds('logistic_regression', { ...SHORT, validation_set_rate: 0.2 }), {
      intersection: 130,
      domain_guard: mostGuardOpenings(3),
      validation_scores: 20,
      metrics: 1,
      column_scales: 6,
      weights: 6,
    });
    deepEqual(bounds('linear_regression', SPLIT), {
      intersection: 130,
      training_scores: 100,
      metrics: 1,
    });
    const sgd = { ...SHORT, solver: 'sgd', batch_size: 30 } as const;
    deepEqual(
      linearLeakage({
        ...TABLES,
        algorithm: 'logistic_regression',
        parameters: sgd,
        alignment: 'psi',
      }).opened[1]!.most,
      mostGuardOpenings(3 * 4),
    );
  });

  it('states how well the slot products hide, by the number of answers', () => {
    const bits = (rows: number, more: Partial<LinearParameters> = {}): number =>
      hidingBits({ rows, parameters: { ...DEFAULTS, epochs: 40, ...more } });
    equal(bits(4096) - bits(4096 * 16), 2, 'sixteen times the answers, four times the distance');
    equal(bits(4096, { epochs: 40 * 64 }), bits(4096) - 3);
    equal(
      bits(4096, { solver: 'sgd', batch_size: 64, epochs: 10 }),
      bits(4096 * 16),
      '640 batches',
    );
    ok(bits(30_000) >= 35, `${bits(30_000)}`);
    const said = (algorithm: Algorithm): string => statement(algorithm, SHORT).assumptions.join();
    ok(said('logistic_regression').includes(`2^-${bits(ROWS, { epochs: 3 })}`));
    equal(said('linear_regression').includes('statistical'), false);
  });

  it('is a statement that survives JSON and says who, when and what', () => {
    for (const [, algorithm, parameters] of RUNS) {
      const made = statement(algorithm, parameters);
      deepEqual(JSON.parse(JSON.stringify(made)), made);
      for (const each of made.opened)
        ok(each.meaning.length > 20 && each.elements.length > 0, each.name);
      ok(made.structural.length > 0 && made.assumptions.length > 0);
    }
  });
});

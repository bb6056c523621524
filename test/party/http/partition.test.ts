import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { resolvePartition, type VerticalLayout } from '../../../src/party/http/partition.ts';
import type { DataProvider, TrainRequest } from '../../../src/party/http/train-request.ts';

function provider(name: string, change: Partial<DataProvider> = {}): DataProvider {
  return {
    name,
    path: `${name}.csv`,
    type: 'csv',
    labelColumn: 'y',
    keyColumns: ['id'],
    selectColumns: null,
    discreteColumns: [],
    ...change,
  };
}

type Options = Partial<Pick<TrainRequest, 'partition' | 'labelOwner'>>;

function resolve(
  parties: readonly (readonly [DataProvider, columns: string])[],
  options: Options = {},
): VerticalLayout {
  return resolvePartition(
    { providers: parties.map(([each]) => each), partition: 'auto', labelOwner: null, ...options },
    new Map(parties.map(([each, columns]) => [each.name, columns.split(' ')])),
  );
}

function rejects(code: string, parties: Parameters<typeof resolve>[0], options?: Options): void {
  throws(
    () => resolve(parties, options),
    (error) => {
      ok(error instanceof ApiError, String(error));
      equal(error.code, code);
      return true;
    },
  );
}

describe('partition', () => {
  it('rule 1: the one file with the label makes its party the label holder', () => {
    const layout = resolve([
      [provider('a'), 'id x1'],
      [provider('b'), 'id x2 x3 y'],
    ]);
    deepEqual(layout, {
      partition: 'vertical',
      alignment: 'psi',
      labelHolder: 'b',
      parties: [
        {
          name: 'b',
          role: 'label_holder',
          labelColumn: 'y',
          keyColumns: ['id'],
          features: ['x2', 'x3'],
          discrete: [],
        },
        {
          name: 'a',
          role: 'feature_holder',
          labelColumn: null,
          keyColumns: ['id'],
          features: ['x1'],
          discrete: [],
        },
      ],
      warnings: [
        {
          code: 'LABEL_IGNORED',
          message: 'label_column of a is not used: b holds the label',
        },
      ],
    });
  });

  it('rule 1: a provider may leave the label out', () => {
    const layout = resolve([
      [provider('a'), 'id x1 y'],
      [provider('b', { labelColumn: null }), 'id x2 y'],
    ]);
    equal(layout.labelHolder, 'a');
    deepEqual(layout.warnings, []);
    deepEqual(layout.parties[1]!.features, ['x2', 'y']); // b says nothing about its column y
  });

  it('rule 2: the same columns everywhere are horizontal, which is refused with a way out', () => {
    const parties = [
      [provider('a'), 'id x1 x2 y'],
      [provider('b'), 'id x2 x1 y'],
    ] as const;
    rejects('NOT_AVAILABLE', parties);
    throws(() => resolve(parties), /horizontal training is not available yet/);
    equal(resolve(parties, { labelOwner: 'b' }).labelHolder, 'b');
    rejects('LABEL_AMBIGUOUS', parties, { partition: 'vertical' });
    rejects('NOT_AVAILABLE', parties, { partition: 'horizontal', labelOwner: 'b' });
  });

  it('rule 3: several labels need label_owner', () => {
    const parties = [
      [provider('a'), 'id x1 y'],
      [provider('b'), 'id x2 y'],
    ] as const;
    rejects('LABEL_AMBIGUOUS', parties);
    const layout = resolve(parties, { labelOwner: 'b' });
    equal(layout.labelHolder, 'b');
    deepEqual(layout.parties[1]!.features, ['x1']); // another party's label is no feature
  });

  it('rule 3: two of three labels are ambiguous as well', () => {
    rejects('LABEL_AMBIGUOUS', [
      [provider('a'), 'id x1 y'],
      [provider('b'), 'id x2 y'],
      [provider('c'), 'id x3'],
    ]);
  });

  it('rule 4: nobody has the label', () => {
    rejects('LABEL_NOT_FOUND', [
      [provider('a'), 'id x1'],
      [provider('b'), 'id x2'],
    ]);
    rejects('LABEL_NOT_FOUND', [
      [provider('a', { labelColumn: null }), 'id y'],
      [provider('b', { labelColumn: null }), 'id x'],
    ]);
  });

  it('an explicit label owner must have the label, under its own or the agreed name', () => {
    const parties = [
      [provider('a', { labelColumn: null }), 'id x1 y'],
      [provider('b'), 'id x2'],
    ] as const;
    deepEqual(resolve(parties, { labelOwner: 'a' }).parties[0]!.labelColumn, 'y');
    rejects('LABEL_NOT_FOUND', parties, { labelOwner: 'b' });
    rejects(
      'LABEL_NOT_FOUND',
      [
        [provider('a', { labelColumn: null }), 'id y'],
        [provider('b', { labelColumn: 'u' }), 'id x'],
        [provider('c', { labelColumn: 'v' }), 'id x'],
      ],
      { labelOwner: 'a' },
    );
  });

  it('aligns by key where all give one, by row where none does', () => {
    const keyless = (name: string): DataProvider => provider(name, { keyColumns: null });
    const layout = resolve([
      [keyless('a'), 'x1 y'],
      [keyless('b'), 'x2'],
    ]);
    equal(layout.alignment, 'row_order');
    deepEqual(
      layout.warnings.map((warning) => warning.code),
      ['LABEL_IGNORED', 'ROW_ORDER'],
    );
    rejects('INVALID_REQUEST', [
      [provider('a'), 'id x1 y'],
      [keyless('b'), 'x2'],
    ]);
  });

  it('uses selected columns in their order, never key or label', () => {
    const layout = resolve([
      [
        provider('a', { selectColumns: ['x2', 'y', 'x1', 'id'], discreteColumns: ['x1', 'x3'] }),
        'id x1 x2 x3 y',
      ],
      [provider('b', { discreteColumns: ['x4'] }), 'id x4'],
    ]);
    deepEqual(layout.parties[0]!.features, ['x2', 'x1']);
    deepEqual(layout.parties[0]!.discrete, ['x1']);
    deepEqual(layout.parties[1]!.discrete, ['x4']);
    deepEqual(
      layout.warnings.map((warning) => warning.code),
      ['LABEL_IGNORED', 'COLUMN_IGNORED', 'COLUMN_IGNORED'],
    );
  });

  it('refuses columns that a file does not have, and a party without features', () => {
    const b = [provider('b'), 'id x2'] as const;
    const cases: Partial<DataProvider>[] = [
      { keyColumns: ['key'] },
      { selectColumns: ['x1', 'x9'] },
      { discreteColumns: ['x9'] },
    ];
    for (const change of cases) {
      rejects('COLUMN_NOT_FOUND', [[provider('a', change), 'id x1 y'], b]);
    }
    rejects('COLUMN_NOT_FOUND', [
      [provider('a'), 'id x1 y'],
      [provider('b'), 'id'],
    ]);
    equal(resolve([[provider('a'), 'id y'], b]).parties[0]!.features.length, 0);
  });

  it('refuses a single provider', () => {
    rejects('NOT_AVAILABLE', [[provider('a'), 'id x y']]);
  });
});

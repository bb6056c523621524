import { deepEqual, equal, throws } from 'node:assert/strict';
import type { Alignment, DatasetTerms } from '../../../src/party/consensus/contract.ts';
import type { AskedAlignment } from '../../../src/party/consensus/task-draft.ts';
import { agreedAlignment, alignmentOf } from '../../../src/party/tasks/contract-draft.ts';

const terms = (rowCount: number, minimumIntersection: number): DatasetTerms => ({
  path: 'd.csv',
  type: 'csv',
  rowCount,
  keyColumns: ['id'],
  labelColumn: null,
  features: [],
  payload: [],
  minimumIntersection,
  commitment: 'cd'.repeat(32),
});

const REQUEST = { duplicates: 'reject', minimumIntersection: 20 } as const;

describe('alignment of a draft', () => {
  const agreed = (asked: AskedAlignment, a: DatasetTerms, b: DatasetTerms): Alignment =>
    agreedAlignment(
      asked,
      new Map([
        ['orgA', a],
        ['orgB', b],
      ]),
      { engine: 'auto' },
    );
  const byKeys = alignmentOf(REQUEST, [['id'], ['id']]);

  it('is by keys unless nobody names one', () => {
    equal(byKeys.method, 'psi');
    equal(alignmentOf(REQUEST, [['id'], null]).method, 'psi');
    equal(alignmentOf(REQUEST, [null, null]).method, 'row_order');
    deepEqual(byKeys, { method: 'psi', ...REQUEST });
  });

  it('takes the highest minimum that anybody asks for', () => {
    const of = (a: number, b: number): number =>
      agreed(byKeys, terms(100, a), terms(100, b)).minimumIntersection;
    deepEqual([of(0, 0), of(5, 20), of(21, 5), of(0, 100)], [20, 20, 21, 100]);
  });

  it('takes as many key columns of every party that names one', () => {
    equal(alignmentOf(REQUEST, [['a', 'b'], null, ['c', 'd']]).method, 'psi');
    throws(() => alignmentOf(REQUEST, [['a', 'b'], ['c']]), {
      code: 'INVALID_REQUEST',
      message: /^key_column must name as many columns/,
    });
  });

  it('resolves the engine by the largest table, and needs none by row order', () => {
    const engine = (rows: number) => agreed(byKeys, terms(100, 0), terms(rows, 0)).engine;
    deepEqual([engine(2048), engine(2049)], ['ecdh', 'rr22']);
    const inOrder = alignmentOf({ ...REQUEST, minimumIntersection: 0 }, [null, null]);
    equal(agreed(inOrder, terms(9999, 0), terms(9999, 0)).engine, 'ecdh');
  });

  it('has no minimum for three: one of them would learn which records are common first', () => {
    const three = (minimumIntersection: number, own: number): Alignment =>
      agreedAlignment(
        alignmentOf({ ...REQUEST, minimumIntersection }, [['id'], ['id'], ['id']]),
        new Map([
          ['orgA', terms(9, 0)],
          ['orgB', terms(9, own)],
          ['orgC', terms(9, 0)],
        ]),
        { engine: 'auto' },
      );
    equal(three(0, 0).engine, 'rr22');
    throws(() => three(0, 5), { code: 'NOT_AVAILABLE', message: /^orgB asks for at least 5/ });
    throws(() => three(4, 0), { code: 'NOT_AVAILABLE', message: /^the request asks for/ });
  });

  it('says which party has too few rows for it', () => {
    throws(() => agreed(byKeys, terms(100, 0), terms(19, 0)), {
      code: 'DATASET_UNUSABLE',
      message: 'at least 20 common records are asked for, and orgB has 19 rows',
    });
  });

  it('without keys takes no minimum, and as many rows at each party', () => {
    const inOrder = alignmentOf({ ...REQUEST, minimumIntersection: 0 }, [null, null]);
    equal(agreed(inOrder, terms(9, 0), terms(9, 0)).minimumIntersection, 0);
    throws(() => agreed(inOrder, terms(9, 0), terms(8, 0)), {
      message: /orgA has 9, orgB has 8$/,
    });
    throws(() => agreed(inOrder, terms(9, 0), terms(9, 3)), {
      code: 'INVALID_REQUEST',
      message: /^at least 3 common records .* without key_column/,
    });
  });
});

import { equal } from 'node:assert/strict';
import { resultTable } from '../../bench/table.ts';

describe('bench table', () => {
  it('shows one aligned line a figure, without lists of objects', () => {
    const table = resultTable({
      bench: 'x',
      params: { n: 100_000, names: ['a', 'b'] },
      correct: true,
      seconds: 1.234567,
      bytesSent: {},
      peakRssMb: { a: 12 },
      metrics: { auc: null, folds: [{ auc: 1 }], absent: undefined },
      notes: ['read with care'],
    });
    equal(
      table,
      [
        'bench         x',
        'params.n      100,000',
        'params.names  a, b',
        'correct       true',
        'seconds       1.235',
        'peakRssMb.a   12',
        'metrics.auc   null',
        'note: read with care',
      ].join('\n'),
    );
  });
});

import { doesNotThrow, equal, match, ok, throws } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import type { PsiProvider, PsiRequest } from '../../../src/party/http/psi-request.ts';
import { checkPsiRules } from '../../../src/party/http/psi-rules.ts';

const A: PsiProvider = { name: 'a', path: 'a.csv', type: 'csv', keyColumns: ['id'], payload: [] };
const B: PsiProvider = { ...A, name: 'b' };
const C: PsiProvider = { ...A, name: 'c' };

const TWO: PsiRequest = {
  providers: [A, B],
  receivers: ['a'],
  engine: 'auto',
  output: 'rows',
  join: 'inner',
  duplicates: 'reject',
  minimumIntersection: 0,
  async: false,
  purpose: 'overlap',
  warnings: [],
};
const THREE: PsiRequest = { ...TWO, providers: [A, B, C] };
const SIZE: PsiRequest = { ...TWO, output: 'size', receivers: ['a', 'b'] };
const LABELLED: PsiRequest = { ...TWO, providers: [A, { ...B, payload: ['age'] }] };

describe('psi rules', () => {
  it('let pass what can be computed', () => {
    const fine: PsiRequest[] = [
      TWO,
      { ...TWO, engine: 'ecdh', join: 'full', duplicates: 'expand', receivers: ['a', 'b'] },
      { ...TWO, engine: 'rr22', duplicates: 'expand' },
      { ...TWO, engine: 'ecdh', join: 'difference', duplicates: 'expand' },
      { ...TWO, receivers: ['b'] },
      { ...THREE, engine: 'rr22', duplicates: 'first', receivers: ['b', 'c'] },
      { ...SIZE, engine: 'ecdh', duplicates: 'first' },
      { ...LABELLED, engine: 'rr22', duplicates: 'first', receivers: ['b', 'a'] },
    ];
    for (const request of fine) doesNotThrow(() => checkPsiRules(request), JSON.stringify(request));
  });

  it('refuse each combination that cannot, with the field and a message of its own', () => {
    const cases: readonly (readonly [field: string, request: PsiRequest])[] = [
      ['output', { ...LABELLED, output: 'size' }],
      ['output', { ...THREE, output: 'size', receivers: ['a', 'b', 'c'] }],
      ['output', { ...SIZE, receivers: ['a'] }],
      ['join', { ...LABELLED, join: 'left' }],
      ['join', { ...THREE, join: 'difference' }],
      ['join', { ...SIZE, join: 'full' }],
      ['privacy.duplicates', { ...LABELLED, duplicates: 'expand' }],
      ['privacy.duplicates', { ...THREE, duplicates: 'expand' }],
      ['privacy.duplicates', { ...SIZE, duplicates: 'expand' }],
      ['algo_type', { ...SIZE, engine: 'rr22' }],
      ['algo_type', { ...THREE, engine: 'ecdh' }],
      ['algo_type', { ...LABELLED, engine: 'ecdh' }],
      ['algo_type', { ...TWO, engine: 'ecdh', duplicates: 'expand' }],
      ['result_receivers', { ...LABELLED, receivers: ['b'] }],
    ];
    const messages = new Set<string>();
    for (const [field, request] of cases) {
      throws(
        () => checkPsiRules(request),
        (error) => {
          ok(error instanceof ApiError);
          equal(error.code, 'INVALID_REQUEST');
          equal(error.message.split(' ')[0], field, error.message);
          match(error.message, /: /);
          messages.add(error.message);
          return true;
        },
      );
    }
    equal(messages.size, cases.length, 'no two say the same');
  });
});

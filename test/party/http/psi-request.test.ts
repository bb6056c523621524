import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError, statusOf } from '../../../src/party/http/api-error.ts';
import { PsiRequestBody, parsePsiRequest } from '../../../src/party/http/psi-request.ts';

function body(change: object = {}): Record<string, unknown> {
  return {
    algo_type: 'DH',
    requester: { name: 'orgA', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
    provider: { name: 'orgB', data_path: 'b.json', data_type: 'json', key_column: 'key' },
    result_recv_type: 1,
    ...change,
  };
}

function refuses(json: unknown, message: RegExp, code = 'INVALID_REQUEST'): void {
  throws(
    () => parsePsiRequest(json),
    (error) => {
      ok(error instanceof ApiError, String(error));
      equal(error.code, code, error.message);
      ok(message.test(error.message), error.message);
      return true;
    },
  );
}

describe('psi request', () => {
  it('has one canonical form', () => {
    deepEqual(parsePsiRequest(body()), {
      providers: [
        { name: 'orgA', path: 'a.csv', type: 'csv', keyColumns: ['id'], payload: [] },
        { name: 'orgB', path: 'b.json', type: 'json', keyColumns: ['key'], payload: [] },
      ],
      engine: 'ecdh',
      output: 'rows',
      join: 'inner',
      receivers: ['orgA'],
      duplicates: 'reject',
      minimumIntersection: 0,
      async: false,
      purpose: 'unspecified',
      warnings: [],
    });
  });

  it('gives the result to the requester, or to both', () => {
    for (const type of [1, '1', undefined]) {
      deepEqual(parsePsiRequest(body({ result_recv_type: type })).receivers, ['orgA']);
    }
    for (const type of [2, '2']) {
      deepEqual(parsePsiRequest(body({ result_recv_type: type })).receivers, ['orgA', 'orgB']);
    }
    for (const type of [0, 3, 'both', true]) {
      refuses(body({ result_recv_type: type }), /^result_recv_type must be one of 1, 2/);
    }
  });

  it('knows DH, and says so of HE', () => {
    for (const name of ['DH', 'dh']) {
      equal(parsePsiRequest(body({ algo_type: name })).engine, 'ecdh');
    }
    for (const name of [null, undefined]) {
      equal(parsePsiRequest(body({ algo_type: name })).engine, 'auto');
    }
    refuses(body({ algo_type: 'HE' }), /^algo_type HE is not available: .* DH$/, 'NOT_AVAILABLE');
    refuses(body({ algo_type: 'RSA' }), /^algo_type must be one of DH, HE$/);
  });

  it('takes a minimum and a rule for duplicates, nothing else of privacy', () => {
    const { duplicates, minimumIntersection } = parsePsiRequest(
      body({ privacy: { duplicates: 'first', min_intersection: 100 } }),
    );
    deepEqual([duplicates, minimumIntersection], ['first', 100]);
    refuses(body({ privacy: { protocol: 'he' } }), /^privacy\.protocol is/, 'NOT_AVAILABLE');
  });

  it('warns of fields it does not know, or refuses them when strict', () => {
    const side = body().provider as object;
    const odd = body({ sql: 'select', provider: { ...side, selected_columns: ['a'] } });
    deepEqual(
      parsePsiRequest(odd).warnings.map(({ message }) => message),
      ['sql is not known; ignored', 'provider.selected_columns is not known; ignored'],
    );
    refuses({ ...odd, strict: true }, /^sql, provider\.selected_columns: not known/);
  });

  it('names the field that is wrong', () => {
    const { key_column: _, ...keyless } = body().requester as Record<string, unknown>;
    refuses(body({ requester: keyless }), /^requester must have required properties key_column$/);
    refuses(body({ provider: body().requester }), /^provider\.name must be another party/);
    refuses(
      body({ provider: { ...(body().provider as object), data_type: 'sql' } }),
      /^provider\.data_type must be one of csv, json, parquet$/,
    );
    refuses(null, /^the request body must be object$/);
  });

  it('answers any JSON with a request or a refusal', () => {
    const fields = fc.constantFrom(...Object.keys(PsiRequestBody.properties));
    fc.assert(
      fc.property(fc.dictionary(fields, fc.jsonValue()), (change) => {
        try {
          parsePsiRequest({ ...body(), ...change });
        } catch (error) {
          ok(error instanceof ApiError, String(error));
          equal(statusOf(error.code), 400);
        }
      }),
      { numRuns: 300 },
    );
  });
});

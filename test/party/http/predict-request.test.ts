import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError, statusOf } from '../../../src/party/http/api-error.ts';
import {
  PredictRequestBody,
  parsePredictRequest,
} from '../../../src/party/http/predict-request.ts';

function body(change: object = {}): Record<string, unknown> {
  return {
    data_providers: [
      { name: 'orgA', data_path: 'a.csv', data_type: 'CSV', key_column: 'id' },
      { name: 'orgB', data_path: 'dataset:people', data_type: 'parquet', key_column: 'ID' },
    ],
    result_receivers: ['orgA'],
    model_id: 'model-1',
    ...change,
  };
}

/** The body with the second provider changed. */
function withSecond(change: object): Record<string, unknown> {
  const [first, second] = body().data_providers as object[];
  return body({ data_providers: [first, { ...second, ...change }] });
}

function refuses(json: unknown, message: RegExp, code = 'INVALID_REQUEST'): void {
  throws(
    () => parsePredictRequest(json),
    (error) => {
      ok(error instanceof ApiError, String(error));
      equal(error.code, code, error.message);
      ok(message.test(error.message), error.message);
      return true;
    },
  );
}

describe('predict request', () => {
  it('has one canonical form', () => {
    deepEqual(parsePredictRequest(body()), {
      providers: [
        { name: 'orgA', path: 'a.csv', type: 'csv', keyColumns: ['id'] },
        { name: 'orgB', path: 'dataset:people', type: 'parquet', keyColumns: ['ID'] },
      ],
      receivers: ['orgA'],
      modelId: 'model-1',
      threshold: null,
      duplicates: 'reject',
      minimumIntersection: 0,
      engine: 'auto',
      async: false,
      purpose: 'unspecified',
      warnings: [],
    });
    const { threshold, duplicates, minimumIntersection, async, purpose } = parsePredictRequest(
      body({
        params: { threshold: 0.25 },
        privacy: { duplicates: 'first', min_intersection: 30 },
        async: true,
        purpose: 'credit risk',
      }),
    );
    deepEqual(
      [threshold, duplicates, minimumIntersection, async, purpose],
      [0.25, 'first', 30, true, 'credit risk'],
    );
  });

  it('reads params as an object or as text of one', () => {
    for (const params of [undefined, null, '', '{}', {}, { threshold: null }]) {
      equal(parsePredictRequest(body({ params })).threshold, null);
    }
    for (const [params, threshold] of [
      ['{"threshold":0}', 0],
      [{ threshold: 1 }, 1],
    ] as const) {
      equal(parsePredictRequest(body({ params })).threshold, threshold);
    }
    refuses(body({ params: '{""}' }), /^params is not valid JSON$/);
    refuses(body({ params: '[]' }), /^params must be an object or the JSON text of one$/);
    for (const threshold of [-0.1, 1.1, '0.5', true]) {
      refuses(body({ params: { threshold } }), /^params\.threshold must be /);
    }
  });

  it('scores with one provider alone, and joins none without keys', () => {
    const alone = { name: 'orgA', data_path: 'all.csv', data_type: 'json' };
    equal(parsePredictRequest(body({ data_providers: [alone] })).providers[0]!.keyColumns, null);
    refuses(withSecond({ key_column: null }), /^key_column is missing at orgB; /);
  });

  it('warns of fields it does not know, or refuses them when strict', () => {
    const odd = { ...withSecond({ label_column: 'y' }), extra: 1, params: { cutoff: 1 } };
    deepEqual(
      parsePredictRequest({ ...odd, result_receivers: ['orgA', 'orgA'] }).warnings.map(
        ({ code, message }) => `${code} ${message.split(' ')[0]}`,
      ),
      [
        'UNKNOWN_FIELD extra',
        'UNKNOWN_FIELD data_providers[1].label_column',
        'UNKNOWN_FIELD params.cutoff',
        'DUPLICATE_RECEIVER result_receivers',
      ],
    );
    refuses(
      { ...odd, strict: true },
      /^extra, data_providers\[1\]\.label_column, params\.cutoff: not known, and strict is set$/,
    );
  });

  it('names the field that is wrong', () => {
    const { model_id: _, ...without } = body();
    refuses(without, /required properties model_id/);
    refuses([], /^the request body must be object$/);
    refuses(body({ model_id: '../model' }), /^model_id must match pattern/);
    refuses(body({ data_providers: [] }), /^data_providers must not have fewer than 1 items$/);
    refuses(body({ result_receivers: [] }), /^result_receivers /);
    refuses(withSecond({ name: 'orgA' }), /^data_providers\[1\]\.name is the name of an earlier/);
    refuses(withSecond({ data_type: 'xls' }), /^data_providers\[1\]\.data_type must be one of csv/);
    refuses(withSecond({ data_path: 7 }), /^data_providers\[1\]\.data_path must be string$/);
    refuses(body({ privacy: { dp: 1 } }), /^privacy\.dp is not available; /, 'NOT_AVAILABLE');
    refuses(body({ privacy: { min_participants: 3 } }), /not available; /, 'NOT_AVAILABLE');
  });

  it('takes keys of several columns, and an engine to match them', () => {
    const request = parsePredictRequest({
      ...withSecond({ key_column: ['last', 'born'] }),
      privacy: { psi_engine: 'RR22' },
    });
    deepEqual(request.providers[1]!.keyColumns, ['last', 'born']);
    equal(request.engine, 'rr22');
    refuses(
      withSecond({ key_column: ['a', 'a'] }),
      /^data_providers\[1\]\.key_column names a twice/,
    );
    refuses(withSecond({ key_column: [] }), /^data_providers\[1\]\.key_column must not have fewer/);
    refuses(
      body({ privacy: { psi_engine: 'fast' } }),
      /^privacy\.psi_engine must be one of auto, /,
    );
  });

  it('answers any JSON with a request or a refusal', () => {
    const fields = fc.constantFrom(...Object.keys(PredictRequestBody.properties));
    fc.assert(
      fc.property(fc.dictionary(fields, fc.jsonValue()), (change) => {
        try {
          parsePredictRequest({ ...body(), ...change });
        } catch (error) {
          ok(error instanceof ApiError, String(error));
          equal(statusOf(error.code), 400);
        }
      }),
      { numRuns: 300 },
    );
  });
});

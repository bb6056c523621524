import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError, statusOf } from '../../../src/party/http/api-error.ts';
import { parseTrainRequest, TrainRequestBody } from '../../../src/party/http/train-request.ts';

/** The documented example: two parties, `discrete_columns` at one and `discrete_cols` at the other. */
function example(): Record<string, unknown> {
  const provider = {
    data_type: 'csv',
    label_column: 'Y',
    key_column: 'CLIENT_ID',
    select_columns: ['CREDIT', 'GENDER'],
  };
  return {
    data_providers: [
      { ...provider, name: 'orgA', data_path: 'a.csv', discrete_columns: ['GENDER'] },
      { ...provider, name: 'orgB', data_path: 'b.csv', discrete_cols: ['GENDER'] },
    ],
    result_receivers: ['orgA'],
    hyper_params: { epochs: 10, batch_size: 256, learning_rate: 0.1, loss: 'mse' },
    metrics: ['accuracy', 'precision', 'recall'],
    model_config: {},
  };
}

type Provider = Record<string, unknown>;

/** The example with the first provider changed. */
function withProvider(change: Provider): Record<string, unknown> {
  const body = example();
  const [first, ...rest] = body.data_providers as Provider[];
  return { ...body, data_providers: [{ ...first, ...change }, ...rest] };
}

function rejects(body: unknown, message: RegExp, code = 'INVALID_REQUEST'): void {
  throws(
    () => parseTrainRequest(body),
    (error) => {
      ok(error instanceof ApiError, String(error));
      equal(error.code, code);
      ok(message.test(error.message), error.message);
      return true;
    },
  );
}

/** `value` with what stands at `path` replaced. */
function replaceAt(value: unknown, path: readonly string[], replacement: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Provider;
  copy[key] = replaceAt(copy[key], rest, replacement);
  return copy;
}

describe('train request', () => {
  it('takes the documented example', () => {
    const request = parseTrainRequest(example());
    deepEqual(request.providers[1], {
      name: 'orgB',
      path: 'b.csv',
      type: 'csv',
      labelColumn: 'Y',
      keyColumns: ['CLIENT_ID'],
      selectColumns: ['CREDIT', 'GENDER'],
      discreteColumns: ['GENDER'],
    });
    deepEqual(request.hyper, { epochs: 10, batch_size: 256, learning_rate: 0.1, loss: 'mse' });
    deepEqual(request.metrics, ['accuracy', 'precision', 'recall']);
    equal(request.modelConfig, null);
    deepEqual(request.warnings, []);
  });

  it('fills in what is not given', () => {
    const request = parseTrainRequest({
      data_providers: [{ name: 'orgA', data_path: 'a', data_type: 'CSV' }],
      result_receivers: ['orgC'],
    });
    deepEqual(request, {
      providers: [
        {
          name: 'orgA',
          path: 'a',
          type: 'csv',
          labelColumn: null,
          keyColumns: null,
          selectColumns: null,
          discreteColumns: [],
        },
      ],
      receivers: ['orgC'],
      algorithm: null,
      hyper: {},
      metrics: ['loss'],
      modelConfig: null,
      async: false,
      partition: 'auto',
      privacy: {
        minParticipants: null,
        duplicates: 'reject',
        minimumIntersection: 0,
        engine: 'auto',
      },
      labelOwner: null,
      strict: false,
      purpose: 'unspecified',
      warnings: [],
    });
  });

  it('takes keys of several columns, and an engine to match them', () => {
    const request = parseTrainRequest({
      ...withProvider({ key_column: ['last', 'born'] }),
      privacy: { psi_engine: 'ecdh' },
    });
    deepEqual(request.providers[0]!.keyColumns, ['last', 'born']);
    equal(request.privacy.engine, 'ecdh');
    const at = String.raw`^data_providers\[0\]\.`;
    rejects(withProvider({ key_column: ['id', 'Y'] }), new RegExp(`${at}label_column and`));
    rejects(withProvider({ key_column: ['a', 'a'] }), new RegExp(`${at}key_column names a twice`));
    rejects(withProvider({ key_column: [] }), new RegExp(`${at}key_column must not have fewer`));
    rejects(withProvider({ key_column: 7 }), new RegExp(`${at}key_column must be`));
  });

  it('reads discrete_cols and discrete_columns as one field', () => {
    const both = { discrete_cols: ['a', 'b'], discrete_columns: ['b', 'a'] };
    deepEqual(parseTrainRequest(withProvider(both)).providers[0]!.discreteColumns, ['b', 'a']);
    rejects(
      withProvider({ discrete_cols: ['a'], discrete_columns: ['b'] }),
      /^data_providers\[0\]\.discrete_cols .* differ/,
    );
    rejects(withProvider({ discrete_cols: [], discrete_columns: ['b'] }), /differ/);
  });

  it('gives the same request for hyper_params as object and as text', () => {
    const body = example();
    const text = { ...body, hyper_params: JSON.stringify(body.hyper_params) };
    deepEqual(parseTrainRequest(text), parseTrainRequest(body));
  });

  it('reads absent, null, "" and {} as not given', () => {
    for (const empty of [undefined, null, '', ' ', {}, '{}', 'null']) {
      const request = parseTrainRequest({ ...example(), model_config: empty, hyper_params: empty });
      equal(request.modelConfig, null, JSON.stringify(empty));
      deepEqual(request.hyper, {}, JSON.stringify(empty));
    }
    for (const field of ['hyper_params', 'model_config']) {
      rejects({ ...example(), [field]: '{""}' }, new RegExp(`^${field} is not valid JSON`));
      rejects({ ...example(), [field]: '[1]' }, new RegExp(`^${field} must be an object`));
      rejects({ ...example(), [field]: 3 }, new RegExp(`^${field} must be`));
    }
  });

  it('keeps a model configuration', () => {
    const config = { layers: [{ units: 32, activation: 'relu' }] };
    deepEqual(parseTrainRequest({ ...example(), model_config: config }).modelConfig, config);
  });

  it('removes duplicates, and says so where it matters', () => {
    const request = parseTrainRequest({
      ...withProvider({ select_columns: ['a', 'b', 'a'] }),
      result_receivers: ['orgA', 'orgB', 'orgA'],
      metrics: ['auc', 'AUC'],
    });
    deepEqual(request.receivers, ['orgA', 'orgB']);
    deepEqual(
      request.warnings.map((warning) => warning.code),
      ['DUPLICATE_RECEIVER'],
    );
    deepEqual(request.providers[0]!.selectColumns, ['a', 'b']);
    deepEqual(request.metrics, ['auc']);
  });

  it('names the field that is wrong', () => {
    const cases: [body: unknown, message: RegExp][] = [
      [null, /^the request body must be object/],
      [[], /^the request body must be object/],
      [{}, /^the request body must have required properties data_providers, result_receivers/],
      [{ ...example(), data_providers: [] }, /^data_providers /],
      [{ ...example(), data_providers: ['orgA'] }, /^data_providers\[0\] must be object/],
      [{ ...example(), result_receivers: [] }, /^result_receivers /],
      [{ ...example(), result_receivers: 'orgA' }, /^result_receivers must be array/],
      [{ ...example(), metrics: ['accurancy'] }, /^metrics\[0\] must be one of loss, accuracy/],
      [{ ...example(), algorithm: 'magic' }, /^algorithm must be one of logistic_regression/],
      [{ ...example(), partition: 'diagonal' }, /^partition must be one of auto, vertical/],
      [{ ...example(), async: 'yes' }, /^async must be boolean/],
      [{ ...example(), label_owner: 'orgZ' }, /^label_owner must be the name of a data provider/],
      [withProvider({ name: 7 }), /^data_providers\[0\]\.name must be string/],
      [withProvider({ name: '' }), /^data_providers\[0\]\.name /],
      [withProvider({ name: 'orgB' }), /^data_providers\[1\]\.name is the name of an earlier/],
      [withProvider({ data_type: 'xls' }), /^data_providers\[0\]\.data_type must be one of csv/],
      [withProvider({ data_path: undefined }), /^data_providers\[0\]\.data_path must be string/],
      [withProvider({ select_columns: [] }), /^data_providers\[0\]\.select_columns must not/],
      [withProvider({ select_columns: [1] }), /^data_providers\[0\]\.select_columns\[0\] must/],
      [withProvider({ key_column: 'Y' }), /^data_providers\[0\]\.label_column and/],
    ];
    for (const [body, message] of cases) rejects(body, message);
  });

  it('warns about unknown fields, and refuses them when strict', () => {
    const body = { ...withProvider({ toString: 1 }), colour: 'red', hyper_params: { patience: 3 } };
    deepEqual(
      parseTrainRequest(body).warnings.map((warning) => warning.message),
      [
        'colour is not known; ignored',
        'data_providers[0].toString is not known; ignored',
        'hyper_params.patience is not a known hyper-parameter; ignored',
      ],
    );
    rejects({ ...body, strict: true }, /^colour, data_providers\[0\]\.toString: not known/);
    rejects({ ...example(), strict: true, hyper_params: { patience: 3 } }, /patience/);
    equal(parseTrainRequest({ ...example(), strict: true }).strict, true);
  });

  it('takes any JSON as a request or refuses it as one', () => {
    const paths = [
      ['data_providers'],
      ['data_providers', '0'],
      ...Object.keys((example().data_providers as Provider[])[0]!).map((key) => [
        'data_providers',
        '0',
        key,
      ]),
      ['hyper_params', 'epochs'],
      ...Object.keys(TrainRequestBody.properties).map((key) => [key]),
      [],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const body = replaceAt(example(), path, value);
        try {
          const request = parseTrainRequest(body);
          equal(JSON.stringify(request), JSON.stringify(parseTrainRequest(body)));
        } catch (error) {
          ok(error instanceof ApiError, String(error));
          equal(statusOf(error.code), 400);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never ignores a protection that was asked for', () => {
    const body = (privacy: object): unknown => ({ ...example(), privacy });
    rejects(body({ dp: { clip: 1 } }), /^privacy\.dp is not available/, 'NOT_AVAILABLE');
    rejects(body({ protocol: 'secagg' }), /^privacy\.protocol/, 'NOT_AVAILABLE');
    rejects(body({ minParticipants: 3 }), /at least 3 parties/);
    rejects(body({ min_participants: 'two' }), /^privacy\.min_participants must be an integer/);
    const request = parseTrainRequest(body({ protocol: 'he', dp: null, minParticipants: 2 }));
    deepEqual(request.privacy, {
      minParticipants: 2,
      duplicates: 'reject',
      minimumIntersection: 0,
      engine: 'auto',
    });
  });
});

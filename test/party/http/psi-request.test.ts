import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError, statusOf } from '../../../src/party/http/api-error.ts';
import {
  LabeledPsiRequestBody,
  type PsiRequest,
  PsiRequestBody,
  parseLabeledPsiRequest,
  parsePsiRequest,
} from '../../../src/party/http/psi-request.ts';

const REQUESTER = { name: 'orgA', data_path: 'a.csv', data_type: 'csv', key_column: 'id' };
const PROVIDER = { name: 'orgB', data_path: 'b.json', data_type: 'json', key_column: 'key' };

/** A body without the fields that `change` sets to undefined, as JSON would be. */
function body(change: object = {}): Record<string, unknown> {
  const whole = {
    algo_type: 'DH',
    requester: REQUESTER,
    provider: PROVIDER,
    result_recv_type: 1,
    ...change,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
}

function withThree(change: object = {}): Record<string, unknown> {
  const third = { name: 'orgC', data_path: 'c.csv', data_type: 'csv', key_column: 'nr' };
  return body({ algo_type: 'RR22', provider: undefined, providers: [PROVIDER, third], ...change });
}

function labelled(change: object = {}, columns: unknown = ['age', 'town']) {
  return body({
    algo_type: 'RR22',
    provider: { ...PROVIDER, selected_columns: columns },
    ...change,
  });
}

function refuses(
  json: unknown,
  message: RegExp,
  code = 'INVALID_REQUEST',
  parse: (json: unknown) => PsiRequest = parsePsiRequest,
): void {
  throws(
    () => parse(json),
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

  it('gives the result to the requester, or to all', () => {
    for (const type of [1, '1', undefined]) {
      deepEqual(parsePsiRequest(body({ result_recv_type: type })).receivers, ['orgA']);
    }
    for (const type of [2, '2']) {
      deepEqual(parsePsiRequest(body({ result_recv_type: type })).receivers, ['orgA', 'orgB']);
      const three = withThree({ result_recv_type: type });
      deepEqual(parsePsiRequest(three).receivers, ['orgA', 'orgB', 'orgC']);
    }
    for (const type of [0, 3, 'both', true]) {
      refuses(body({ result_recv_type: type }), /^result_recv_type must be one of 1, 2/);
    }
  });

  it('gives the result to those it names, who cannot be others than it counts', () => {
    const named = (receivers: unknown, type?: unknown) =>
      body({ result_recv_type: type, result_receivers: receivers });
    deepEqual(parsePsiRequest(named(['orgB'])).receivers, ['orgB']);
    deepEqual(parsePsiRequest(named(['orgB', 'orgA'], 2)).receivers, ['orgB', 'orgA']);
    deepEqual(parsePsiRequest(named(['orgA'], 1)).receivers, ['orgA']);
    const twice = parsePsiRequest(named(['orgA', 'orgA']));
    deepEqual(
      [twice.receivers, twice.warnings.map(({ code }) => code)],
      [['orgA'], ['DUPLICATE_RECEIVER']],
    );
    refuses(named(['orgB'], 1), /^result_recv_type 1 means orgA, and result_receivers names orgB/);
    refuses(named(['orgA'], 2), /^result_recv_type 2 means orgA, orgB, and result_receivers/);
    refuses(named([]), /^result_receivers must not have fewer than 1 items/);
  });

  it('knows every name of an engine, and says so of HE', () => {
    const engines = [
      ['DH', 'ecdh'],
      ['dh', 'ecdh'],
      ['ECDH', 'ecdh'],
      ['RR22', 'rr22'],
      ['rr22', 'rr22'],
      ['auto', 'auto'],
      ['AUTO', 'auto'],
      [null, 'auto'],
      [undefined, 'auto'],
    ];
    for (const [name, engine] of engines) {
      equal(parsePsiRequest(body({ algo_type: name })).engine, engine, String(name));
    }
    for (const name of ['HE', 'he']) {
      refuses(
        body({ algo_type: name }),
        /^algo_type HE is not available: .* auto$/,
        'NOT_AVAILABLE',
      );
    }
    for (const name of ['RSA', '', 'constructor']) {
      refuses(body({ algo_type: name }), /^algo_type must be one of auto, RR22, DH$/);
    }
  });

  it('takes keys of several columns, each once, in their order', () => {
    const keyed = (key: unknown) => body({ requester: { ...REQUESTER, key_column: key } });
    deepEqual(parsePsiRequest(keyed(['b', 'a'])).providers[0]!.keyColumns, ['b', 'a']);
    deepEqual(parsePsiRequest(keyed(['a'])).providers[0]!.keyColumns, ['a']);
    refuses(keyed(['a', 'b', 'a']), /^requester\.key_column names a twice; name it once$/);
    refuses(keyed([]), /^requester\.key_column must not have fewer than 1 items/);
    refuses(
      keyed(Array.from({ length: 17 }, (_, i) => `k${i}`)),
      /^requester\.key_column must not/,
    );
    for (const key of ['', 7, null, {}]) refuses(keyed(key), /^requester\.key_column must/);
    for (const key of [[''], [7], [['a']]])
      refuses(keyed(key), /^requester\.key_column.*\[0\] must/);
  });

  it('takes several providers in place of one, never both', () => {
    deepEqual(
      parsePsiRequest(withThree()).providers.map(({ name, path }) => [name, path]),
      [
        ['orgA', 'a.csv'],
        ['orgB', 'b.json'],
        ['orgC', 'c.csv'],
      ],
    );
    const one = parsePsiRequest(body({ provider: undefined, providers: [PROVIDER] }));
    deepEqual(one, parsePsiRequest(body()), 'a list of one is the same');
    refuses(body({ providers: [PROVIDER] }), /^provider and providers are the same field/);
    refuses(body({ provider: undefined }), /^provider is missing: name the other party/);
    refuses(body({ provider: undefined, providers: [] }), /^providers must not have fewer than 1/);
    const again = [PROVIDER, { ...PROVIDER, data_path: 'again.csv' }];
    refuses(
      body({ provider: undefined, providers: again }),
      /^providers\[1\]\.name must be another party than those before it$/,
    );
    refuses(
      body({ provider: undefined, providers: [PROVIDER, { ...PROVIDER, data_type: 'sql' }] }),
      /^providers\[1\]\.data_type must be one of/,
    );
    const many = Array.from({ length: 16 }, (_, i) => ({ ...PROVIDER, name: `org${i}` }));
    refuses(
      body({ provider: undefined, providers: many }),
      /^providers must not have more than 15/,
    );
  });

  it('asks for rows or their number, and for a join', () => {
    const joins = ['inner', 'left', 'right', 'full', 'difference'];
    for (const join of joins) equal(parsePsiRequest(body({ join })).join, join);
    const { receivers, output } = parsePsiRequest(
      body({ output: 'size', result_recv_type: undefined }),
    );
    deepEqual([output, receivers], ['size', ['orgA', 'orgB']], 'both learn it');
    refuses(body({ output: 'count' }), /^output must be one of rows, size$/);
    refuses(body({ join: 'outer' }), /^join must be one of inner, left, right, full, difference$/);
  });

  it('takes a minimum and a rule for duplicates, nothing else of privacy', () => {
    for (const rule of ['reject', 'first', 'expand']) {
      const { duplicates, minimumIntersection } = parsePsiRequest(
        body({ result_recv_type: 2, privacy: { duplicates: rule, min_intersection: 100 } }),
      );
      deepEqual([duplicates, minimumIntersection], [rule, 100]);
    }
    refuses(
      body({ privacy: { duplicates: 'last' } }),
      /^privacy\.duplicates must be reject, first or expand$/,
    );
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

  it('has one canonical form with columns to tell, too', () => {
    const { providers, receivers, engine, output, join } = parseLabeledPsiRequest(labelled());
    deepEqual(
      providers.map(({ name, keyColumns, payload }) => [name, keyColumns, payload]),
      [
        ['orgA', ['id'], []],
        ['orgB', ['key'], ['age', 'town']],
      ],
    );
    deepEqual([receivers, engine, output, join], [['orgA'], 'rr22', 'rows', 'inner']);
    const both = parseLabeledPsiRequest(labelled({ result_recv_type: 2 }));
    deepEqual(both.receivers, ['orgA', 'orgB'], 'the provider learns which records are common');
  });

  it('tells columns once, and none that the requester has in its key', () => {
    const no = (json: unknown, message: RegExp, code?: string) =>
      refuses(json, message, code, parseLabeledPsiRequest);
    no(body(), /^provider must have required properties selected_columns$/);
    no(labelled({}, []), /^provider\.selected_columns must not have fewer than 1 items/);
    no(labelled({}, 'age'), /^provider\.selected_columns must be array$/);
    no(labelled({}, ['a', 'b', 'a']), /^provider\.selected_columns names a twice; name it once$/);
    no(
      labelled({}, ['age', 'key']),
      /^provider\.selected_columns names key, a key column: .* leave/,
    );
    const composite = { ...PROVIDER, key_column: ['last', 'born'], selected_columns: ['born'] };
    no(labelled({ provider: composite }), /^provider\.selected_columns names born, a key column/);
    const many = Array.from({ length: 257 }, (_, i) => `c${i}`);
    no(labelled({}, many), /^provider\.selected_columns must not have more than 256 items/);
    no(labelled({ algo_type: 'HE' }), /^algo_type HE is not available/, 'NOT_AVAILABLE');
    no(withThree(), /^the request body must have required properties provider$/);
    no(
      labelled({ strict: true, providers: [PROVIDER], requester: { ...REQUESTER, x: 1 } }),
      /^providers, requester\.x: not known, and strict is set$/,
    );
  });

  it('answers any JSON with a request or a refusal', () => {
    for (const [parse, schema, whole] of [
      [parsePsiRequest, PsiRequestBody, body()],
      [parseLabeledPsiRequest, LabeledPsiRequestBody, labelled()],
    ] as const) {
      const fields = fc.constantFrom(...Object.keys(schema.properties));
      fc.assert(
        fc.property(fc.dictionary(fields, fc.jsonValue()), (change) => {
          try {
            parse({ ...whole, ...change });
          } catch (error) {
            ok(error instanceof ApiError, String(error));
            equal(statusOf(error.code), 400);
          }
        }),
        { numRuns: 300 },
      );
    }
  });

  it('shows bodies that it takes', () => {
    const parsers = [
      [PsiRequestBody, parsePsiRequest],
      [LabeledPsiRequestBody, parseLabeledPsiRequest],
    ] as const;
    for (const [schema, parse] of parsers) {
      const { examples } = schema as { readonly examples?: unknown };
      ok(Array.isArray(examples) && examples.length > 0);
      for (const example of examples) {
        deepEqual(parse({ ...example, strict: true }).warnings, [], JSON.stringify(example));
      }
    }
  });
});

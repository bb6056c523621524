import { deepEqual, equal, match, ok } from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { OPERATION_IDS, operationOf, pathsOf } from '../../../src/party/http/operations.ts';
import type { HttpServer } from '../../../src/party/http/server.ts';
import { FakeTasks, OUTCOME } from '../../support/fake-tasks.ts';
import {
  as,
  fakeServer,
  LABELED_PSI,
  PREDICT,
  PSI,
  post,
  TRAIN,
} from '../../support/http-server.ts';

type Json = Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Json[];
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: Json }[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, { description: string; content?: Record<string, Media> }>;
}

interface Media {
  readonly schema: Json;
  readonly example?: unknown;
}

interface Description extends Json {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Json>; readonly securitySchemes: Json };
}

async function describedBy({ app }: HttpServer): Promise<Description> {
  const reply = await app.inject({ url: '/openapi.json' });
  equal(reply.statusCode, 200);
  return reply.json() as Description;
}

/** The operations of a description, with path and method. */
function operationsOf(description: Description): [string, string, Operation][] {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]): [string, string, Operation] => [path, method, it]),
  );
}

/** Everything in a JSON value, itself included. */
function* everything(value: unknown): Generator<Json> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const [key, member] of Object.entries(value)) {
    if (key !== 'example' && key !== 'examples') yield* everything(member);
  }
}

/** A schema with every reference replaced by what it means. */
function resolved(description: Description, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => resolved(description, each));
  const { $ref } = value as { readonly $ref?: string };
  if ($ref !== undefined) return resolved(description, lookUp(description, $ref));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, resolved(description, member)]),
  );
}

function lookUp(description: Description, ref: string): unknown {
  match(ref, /^#\//);
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, part) => (at as Json | undefined)?.[part], description);
}

function conforms(description: Description, schema: Json, value: unknown, what: string): void {
  const whole = resolved(description, schema) as TSchema;
  ok(Value.Check(whole, value), `${what}: ${JSON.stringify(Value.Errors(whole, value)[0])}`);
}

describe('open api', () => {
  it('describes every operation under every path, and nothing else', async () => {
    const description = await describedBy(fakeServer());
    match(description.openapi, /^3\.1\.\d+$/);
    ok(description.info.title);
    ok(description.info.version);
    const expected = OPERATION_IDS.flatMap((id) => {
      const operation = operationOf(id);
      return pathsOf(operation).map(
        (path) => `${operation.method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`,
      );
    });
    const found = operationsOf(description).map(([path, method]) => `${method} ${path}`);
    deepEqual(found.sort(), expected.sort());
  });

  it('is well-formed', async () => {
    const description = await describedBy(fakeServer());
    const { components, tags } = description;
    const ids = new Set<string>();
    for (const [path, method, operation] of operationsOf(description)) {
      const what = `${method} ${path}`;
      ok(operation.operationId && !ids.has(operation.operationId), what);
      ids.add(operation.operationId);
      ok(operation.summary, what);
      ok(operation.tags.length > 0, what);
      for (const tag of operation.tags)
        ok(
          tags.some(({ name }) => name === tag),
          what,
        );
      for (const scheme of operation.security.flatMap((each) => Object.keys(each))) {
        ok(scheme in components.securitySchemes, what);
      }
      const inPath = (operation.parameters ?? []).filter((each) => each.in === 'path');
      deepEqual(
        inPath.map(({ name }) => name).sort(),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort(),
        what,
      );
      const names = new Set<string>();
      for (const parameter of operation.parameters ?? []) {
        ok(['query', 'header', 'path'].includes(parameter.in), what);
        equal(parameter.required, parameter.in === 'path' || parameter.required === true, what);
        ok(parameter.schema, what);
        names.add(`${parameter.in} ${parameter.name}`);
      }
      equal(names.size, operation.parameters?.length ?? 0, what);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {}))
        ok(schema, what);
      ok('200' in operation.responses, what);
      for (const [status, response] of Object.entries(operation.responses)) {
        match(status, /^[1-5]\d\d$/, what);
        ok(
          response.description && response.description !== 'Default Response',
          `${what} ${status}`,
        );
        for (const media of Object.values(response.content ?? {})) ok(media.schema, what);
      }
    }
  });

  it('has no reference to nothing, and schemas that are schemas', async () => {
    const description = await describedBy(fakeServer());
    const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
    let refs = 0;
    for (const { $ref, type, enum: values, required, pattern } of everything(description)) {
      if (typeof $ref === 'string') {
        ok(lookUp(description, $ref) !== undefined, $ref);
        refs++;
      }
      const isType = typeof type === 'string' && type !== 'http';
      if (isType || Array.isArray(type)) {
        for (const each of [type].flat()) ok(types.includes(each as string), JSON.stringify(type));
      }
      if (values !== undefined && Array.isArray(values)) ok(values.length > 0);
      if (Array.isArray(required)) equal(new Set(required).size, required.length);
      if (typeof pattern === 'string') ok(new RegExp(pattern, 'u'));
    }
    ok(refs > 100, String(refs));
  });

  it('says who may call, and how a call is refused', async () => {
    const description = await describedBy(fakeServer());
    for (const id of OPERATION_IDS) {
      const { access, method, path, idempotent } = operationOf(id);
      const operation = description.paths[path.replace(/:(\w+)/g, '{$1}')]![method.toLowerCase()]!;
      deepEqual(operation.security, access === 'anyone' ? [] : [{ token: [] }]);
      equal('401' in operation.responses, access !== 'anyone', id);
      equal('422' in operation.responses, idempotent === true, id);
      const header = operation.parameters?.find(({ name }) => name === 'idempotency-key');
      equal(header !== undefined, idempotent === true, id);
    }
  });

  it('has examples that its own schemas allow', async () => {
    const description = await describedBy(fakeServer());
    let examples = 0;
    for (const { schema, example } of everything(description)) {
      if (example === undefined) continue;
      examples++;
      conforms(description, schema as Json, example, JSON.stringify(example));
    }
    for (const schema of everything(description)) {
      if (!Array.isArray(schema.examples)) continue;
      for (const example of schema.examples) {
        examples++;
        conforms(description, schema, example, JSON.stringify(example));
      }
    }
    ok(examples >= 10, String(examples));
  });

  it('holds for live replies, good and bad', async () => {
    const tasks = new FakeTasks();
    tasks.quick = true;
    const server = fakeServer({ tasks });
    const description = await describedBy(server);
    await server.app.inject(post(TRAIN));
    tasks.end(OUTCOME);
    const admin = as('admin');
    const dataset = { name: 'loans', path: 'loans.csv', type: 'csv' };
    const calls: [path: string, call: InjectOptions, status: number][] = [
      ['/runModelTrainTask', post(TRAIN), 200],
      ['/runModelTrainTask', post({ ...TRAIN, async: true }), 202],
      ['/runModelTrainTask', post({}), 400],
      ['/runModelTrainTask', post(TRAIN, { headers: {} }), 401],
      ['/runModelTrainTask', post(TRAIN, { headers: as('auditor') }), 403],
      ['/runModelPredictTask', post(PREDICT), 200],
      ['/runPSITask', post(PSI), 200],
      ['/runPSITask', post({ ...PSI, async: true }), 202],
      ['/runLabeledPSITask', post(LABELED_PSI), 200],
      ['/runLabeledPSITask', post({ ...LABELED_PSI, provider: PSI.provider }), 400],
      ['/getDataProviders', {}, 200],
      ['/getDataPath', { query: { data_provider: 'orgB' } }, 200],
      ['/getDataPath', {}, 400],
      ['/getMetaData', { query: { data_provider: 'orgB', data_path: 'b.csv' } }, 200],
      ['/api/v1/tasks', {}, 200],
      ['/api/v1/tasks', { query: { state: 'odd' } }, 400],
      ['/api/v1/tasks/{id}', {}, 200],
      ['/api/v1/tasks/{id}', { url: '/api/v1/tasks/none' }, 404],
      ['/api/v1/tasks/{id}/cancel', { method: 'POST' }, 200],
      ['/api/v1/tasks/{id}/approve', { method: 'POST' }, 200],
      ['/api/v1/models', {}, 200],
      ['/api/v1/models/{id}', { url: '/api/v1/models/model-01' }, 200],
      ['/api/v1/models/{id}/document', { url: '/api/v1/models/model-01/document' }, 200],
      ['/api/v1/models/{id}/document', { url: '/api/v1/models/model-02/document' }, 404],
      ['/api/v1/datasets', { method: 'POST', payload: dataset }, 200],
      ['/api/v1/datasets', {}, 200],
      ['/api/v1/datasets/{name}', { method: 'DELETE', url: '/api/v1/datasets/loans' }, 200],
      ['/api/v1/peers', {}, 200],
      ['/api/v1/peers/reload', { method: 'POST' }, 200],
      ['/api/v1/audit/checkpoint', {}, 200],
      ['/api/v1/audit/entries', {}, 200],
      ['/api/v1/audit/proofs', { query: { index: '0', size: '3' } }, 200],
      ['/api/v1/audit/cosignatures', { method: 'POST', payload: { note: 'note' } }, 200],
      ['/api/v1/tokens', { method: 'POST', payload: { role: 'admin' } }, 200],
      ['/api/v1/tokens', {}, 200],
      ['/api/v1/tokens/{id}', { method: 'DELETE', url: '/api/v1/tokens/token-01' }, 200],
      ['/healthz', {}, 200],
      ['/livez', {}, 200],
      ['/readyz', {}, 200],
      ['/openapi.json', {}, 200],
    ];
    for (const [path, call, status] of calls) {
      const url = path.startsWith('/run') ? path : path.replace('{id}', 'task-1');
      const reply = await server.app.inject({
        headers: admin,
        ...call,
        url: call.url === '/runModelTrainTask' || !call.url ? url : call.url,
      });
      const what = `${call.method ?? 'GET'} ${path}`;
      equal(reply.statusCode, status, `${what}: ${reply.body}`);
      const operation = description.paths[path]![(call.method ?? 'GET').toLowerCase()]!;
      const media = operation.responses[status]?.content?.['application/json'];
      ok(media, `${what} describes ${status}`);
      conforms(description, media.schema, reply.json(), what);
    }
    const covered = new Set(calls.map(([path, { method = 'GET' }]) => `${method} ${path}`));
    const missing = operationsOf(description)
      .filter(([path, , { responses }]) => {
        return (
          !path.startsWith('/api/v1/run') &&
          !path.startsWith('/api/v1/get') &&
          responses[200]!.content?.['application/json']
        );
      })
      .map(([path, method]) => `${method.toUpperCase()} ${path}`)
      .filter((each) => !covered.has(each));
    deepEqual(missing, []);
  });
});

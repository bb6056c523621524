/** The description of the interface, made of the schemas that check requests and of the operations. */
import swaggerPlugin from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import Type from 'typebox';
import type { App } from './api-reply.ts';
import { type Operation, type OperationId, operationOf } from './operations.ts';
import { bareReply, SHARED_SCHEMAS, shared } from './reply-schemas.ts';
import type { Routes } from './routes.ts';

/** Collects the routes that are added after it. */
export async function describeRoutes(app: App, version: string): Promise<void> {
  for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
  await app.register(swaggerPlugin, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Entente node',
        version,
        description:
          'Joint training, prediction and set intersection of organisations that keep their data.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'A', description: 'Joint tasks' },
        { name: 'node', description: 'Steering one node' },
      ],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of the node; roles are coordinator, auditor and admin.',
          },
        },
      },
    },
    refResolver: { buildLocalReference: (json) => json.$id as string },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => {
      const { operation } = route.config ?? {};
      if (operation === undefined || route.method === 'HEAD') {
        return { schema: { ...schema, hide: true }, url };
      }
      return { schema: described(operation, url, schema), url };
    },
  });
}

/** What the table of operations says, added to a route's own schemas. */
function described(id: OperationId, url: string, schema: FastifySchema | undefined): FastifySchema {
  const operation = operationOf(id);
  const { access, path, summary, surface, idempotent } = operation;
  const who = access === 'anyone' ? 'No token is needed.' : `Roles: ${access.join(', ')}.`;
  return {
    ...schema,
    ...(idempotent && { headers: CREATE_HEADERS }),
    response: {
      ...plainResponses(operation),
      ...errorResponses(operation),
      ...responsesOf(schema),
    },
    operationId: url === path ? id : `${id}Unprefixed`,
    summary,
    description: who,
    tags: [surface],
    security: access === 'anyone' ? [] : [{ token: [] }],
  };
}

const CREATE_HEADERS = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      maxLength: 255,
      description: 'The same key with the same body makes one thing only, for 24 hours.',
    },
    prefer: { type: 'string', description: 'respond-async: answer with 202 at once.' },
  },
} as const;

function responsesOf(schema: FastifySchema | undefined): Record<string, unknown> {
  return (schema?.response ?? {}) as Record<string, unknown>;
}

/** Of the responses that are not JSON. */
function plainResponses({ stream, download, path }: Operation): Record<string, unknown> {
  const text = (type: string, description: string) => ({
    200: { description, content: { [type]: { schema: { type: 'string' } } } },
  });
  if (stream) return text('text/event-stream', 'Events status, progress and end; data is a Task.');
  if (download) return text('application/jsonl', 'Evidence: JSON Lines, for audit verify.');
  if (path === '/metrics') return text('text/plain', 'The text format of Prometheus.');
  return {};
}

const ERRORS = {
  400: 'The request is malformed or cannot be met.',
  401: 'A token is missing or not valid.',
  403: 'The token’s role may not do this.',
  404: 'There is no such thing.',
  409: 'It is not possible in the present state.',
  413: 'The body is too large.',
  422: 'The Idempotency-Key was used with another request.',
  429: 'Too many calls; Retry-After says when there may be more.',
  500: 'The work failed, or the node did.',
  503: 'No capacity now; Retry-After says when to ask again.',
} as const;

function errorResponses(operation: Operation): Record<string, unknown> {
  const { access, method, body, idempotent, unlimited, path } = operation;
  const possible = (status: number): boolean => {
    if (status === 401 || status === 403) return access !== 'anyone';
    if (status === 404) return path.includes(':');
    if (status === 409) return method !== 'GET';
    if (status === 413) return body === true;
    if (status === 422) return idempotent === true;
    if (status === 429) return !unlimited;
    return access !== 'anyone';
  };
  return Object.fromEntries(
    Object.entries(ERRORS)
      .filter(([status]) => possible(Number(status)))
      .map(([status, description]) => [
        status,
        {
          description,
          content: { 'application/json': { schema: shared('Error') } },
        },
      ]),
  );
}

/** `/openapi.json`. */
export function addOpenApiRoute(app: App, routes: Routes): void {
  for (const route of routes('getOpenApi')) {
    const description = bareReply('This.', Type.Object({ openapi: Type.String() }));
    app.route({
      ...route,
      schema: { response: { 200: description } },
      handler: async () => app.swagger(),
    });
  }
}

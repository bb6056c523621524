import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Authenticate } from './access.ts';
import { ApiError } from './api-error.ts';
import type { App } from './api-reply.ts';
import {
  OPERATION_IDS,
  type Operation,
  type OperationId,
  operationOf,
  pathsOf,
} from './operations.ts';
import type { CountCall } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: OperationId;
  }
}

/** What a route of an operation has in common with the others; one for each of its paths. */
export interface RouteHead {
  readonly method: Operation['method'];
  readonly url: string;
  readonly exposeHeadRoute: boolean;
  readonly config: { readonly operation: OperationId };
  onRequest(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

/** The heads of an operation's routes. */
export type Routes = (id: OperationId) => readonly RouteHead[];

export interface Gate {
  readonly authenticate: Authenticate;
  readonly count: CountCall;
}

/** Routes whose calls are authenticated, counted and authorised before their body is read. */
export function guardedRoutes({ authenticate, count }: Gate): Routes {
  return (id) => {
    const operation = operationOf(id);
    const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const { access, unlimited } = operation;
      if (access !== 'anyone') {
        try {
          request.caller = await authenticate(request);
        } catch (error) {
          await count(request, reply);
          throw error;
        }
      }
      if (!unlimited) await count(request, reply);
      if (access !== 'anyone' && !access.includes(request.caller.role)) {
        throw new ApiError('FORBIDDEN', `a token of role ${access.join(' or ')} is needed`);
      }
    };
    return pathsOf(operation).map((url) => ({
      method: operation.method,
      url,
      exposeHeadRoute: hasHead(operation),
      config: { operation: id },
      onRequest,
    }));
  };
}

function hasHead({ method, stream, download }: Operation): boolean {
  return method === 'GET' && !stream && !download;
}

const METHODS: readonly HTTPMethods[] = [
  ...(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const),
];

/** Answers every other method of the known paths with 405 and the methods that there are. */
export function refuseOtherMethods(app: App): void {
  const allowed = new Map<string, Set<HTTPMethods>>();
  for (const operation of OPERATION_IDS.map(operationOf)) {
    for (const path of pathsOf(operation)) {
      const methods = allowed.get(path) ?? new Set();
      allowed.set(path, methods.add(operation.method));
      if (hasHead(operation)) methods.add('HEAD');
    }
  }
  for (const [url, methods] of allowed) {
    const names = [...methods].join(', ');
    app.route({
      method: METHODS.filter((method) => !methods.has(method)),
      url,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        void reply.header('Allow', names);
        throw new ApiError('METHOD_NOT_ALLOWED', `${request.method} is not possible; use ${names}`);
      },
      handler: async () => undefined,
    });
  }
}

import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  LogController,
} from 'fastify';
import type { Tokens } from '../tokens.ts';
import { anonymousOnLoopback, byToken } from './access.ts';
import { ApiError, type ApiErrorCode, statusOf } from './api-error.ts';
import type { ApiReply } from './api-reply.ts';
import { createListener, type ListenerOptions } from './listener.ts';
import type { TaskService } from './services.ts';
import { addTokenRoutes } from './token-routes.ts';
import { addTrainRoutes } from './train-routes.ts';

export interface HttpServerOptions extends ListenerOptions {
  readonly port: number;
  /** `off` serves anybody and is refused unless `host` is loopback. */
  readonly auth: 'token' | 'off';
  /** How long a synchronous call waits before it is answered with 202; default 900 s. */
  readonly syncWaitMs?: number;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
}

export interface HttpServerDeps {
  readonly tasks: TaskService;
  readonly tokens: Tokens;
  /** Silent when absent. */
  readonly logger?: FastifyBaseLogger;
}

/** The node's HTTP surface. */
export interface HttpServer {
  /** For tests that call it without a socket. */
  readonly app: Pick<FastifyInstance, 'inject'>;
  /** Resolves to the address in use, e.g. `http://127.0.0.1:8080`. */
  start(): Promise<string>;
  /** Answers waiting calls with 202, then closes; the tasks go on. */
  stop(): Promise<void>;
}

const SYNC_WAIT_MS = 900_000;
const BODY_LIMIT_BYTES = 1 << 20;
/** How long a connection that neither ends nor asks anything may hold up a stop; own choice. */
const CLOSE_GRACE_MS = 500;
const RETRY_AFTER_S = 30; // own choice
const REQUEST_ID = /^[\w.:-]{1,128}$/;

export function createHttpServer(options: HttpServerOptions, deps: HttpServerDeps): HttpServer {
  const authenticate =
    options.auth === 'off' ? anonymousOnLoopback(options.host) : byToken(deps.tokens);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each waiting call
  const app = Fastify({
    ...(deps.logger ? { loggerInstance: deps.logger } : {}),
    logController: new LogController({ disableRequestLogging: true }),
    serverFactory: (handle) => createListener(options, handle),
    bodyLimit: options.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    genReqId: requestId,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true } },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.addHook('onRequest', async (request, reply) => {
    void reply.header('X-Request-ID', request.id);
  });
  app.setNotFoundHandler(async () => {
    throw new ApiError('NOT_FOUND', 'there is no such operation');
  });
  app.setErrorHandler(async (error, request, reply) => {
    const known = toApiError(error);
    if (!known) request.log.error({ err: error }, 'request failed');
    const code = known?.code ?? 'INTERNAL';
    const msg = known?.message ?? `internal error; the node's log has it as request ${request.id}`;
    const status = statusOf(code);
    void reply.code(status);
    if (status === 401) void reply.header('WWW-Authenticate', 'Bearer');
    if (status === 503) void reply.header('Retry-After', String(RETRY_AFTER_S));
    return { status, result: null, msg } satisfies ApiReply;
  });

  app.get('/healthz', async () => ({ status: 'ok' }));
  addTokenRoutes(app, { tokens: deps.tokens, authenticate });
  addTrainRoutes(app, {
    tasks: deps.tasks,
    authenticate,
    syncWaitMs: options.syncWaitMs ?? SYNC_WAIT_MS,
    stopping: stopping.signal,
  });

  return {
    app,
    start: async () => {
      await app.listen({ host: options.host, port: options.port });
      return addressOf(app.server, options.tls !== undefined);
    },
    stop: async () => {
      stopping.abort();
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
      await app.close().finally(() => clearTimeout(cut));
    },
  };
}

function addressOf(server: Server, secure: boolean): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http${secure ? 's' : ''}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** The caller's own id when it is plain, so that nothing odd reaches logs or headers. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Errors of the framework in this surface's terms; null for faults of our own. */
function toApiError(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  if (!isFrameworkError(error)) return null;
  const code = CODE_OF_STATUS[error.statusCode ?? 500];
  if (code === undefined) return null;
  return new ApiError(code, MESSAGE_OF_FRAMEWORK[error.code] ?? error.message, { cause: error });
}

function isFrameworkError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('FST_');
}

const CODE_OF_STATUS: Readonly<Record<number, ApiErrorCode>> = {
  400: 'INVALID_REQUEST',
  404: 'NOT_FOUND',
  413: 'TOO_LARGE',
  415: 'INVALID_REQUEST',
};

/** Words of our own where the framework's would not help. */
const MESSAGE_OF_FRAMEWORK: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'send JSON with the header "Content-Type: application/json"',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'the request body is empty',
  FST_ERR_CTP_INVALID_JSON_BODY: 'the request body is not valid JSON',
  FST_ERR_CTP_BODY_TOO_LARGE: 'the request body is too large',
};

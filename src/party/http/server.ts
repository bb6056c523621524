import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { TSchema } from 'typebox';
import type { Store } from '../store.ts';
import type { Tokens } from '../tokens.ts';
import { type Authenticate, anonymousOnLoopback, byToken } from './access.ts';
import type { App } from './api-reply.ts';
import { addAuditRoutes } from './audit-routes.ts';
import { addCatalogRoutes } from './catalog-routes.ts';
import { answerClientError } from './client-error.ts';
import { addDatasetRoutes } from './dataset-routes.ts';
import { answerErrors, answerFrameworkError } from './error-replies.ts';
import { addEventRoutes, HEARTBEAT_MS } from './event-routes.ts';
import { addHealthRoutes } from './health-routes.ts';
import { idempotencyKeys } from './idempotency.ts';
import { readJsonBodies } from './json-body.ts';
import { checkShape } from './json-shape.ts';
import { createListener, type ListenerOptions } from './listener.ts';
import type { NodeMetrics } from './metrics.ts';
import { addMetricsRoutes, countCalls } from './metrics-routes.ts';
import { addModelRoutes } from './model-routes.ts';
import { addOpenApiRoute, describeRoutes } from './open-api.ts';
import { addPeerRoutes } from './peer-routes.ts';
import { checkQuery } from './query-values.ts';
import { rateLimit } from './rate-limit.ts';
import type { RequestTrail } from './request-trail.ts';
import { guardedRoutes, refuseOtherMethods } from './routes.ts';
import type {
  AuditService,
  CatalogService,
  ModelService,
  PeerService,
  ReadinessCheck,
  TaskService,
} from './services.ts';
import { submissions } from './submissions.ts';
import { addSubmitRoutes } from './submit-routes.ts';
import { addTaskRoutes } from './task-routes.ts';
import { addTokenRoutes } from './token-routes.ts';

export interface HttpServerOptions extends ListenerOptions {
  readonly port: number;
  /** `off` serves anybody and is refused unless `host` is loopback. */
  readonly auth: 'token' | 'off';
  /** How long a synchronous call waits before it is answered with 202; default 900 s. */
  readonly syncWaitMs?: number;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** Of one token, or of one address without; default 600, 0 for no limit. */
  readonly callsPerMinute?: number;
  /** Between comments on a silent stream of events; default 15 s. */
  readonly heartbeatMs?: number;
  /** Of the program; for the description. */
  readonly version?: string;
}

export interface HttpServerDeps {
  readonly tasks: TaskService;
  readonly catalog: CatalogService;
  readonly models: ModelService;
  readonly peers: PeerService;
  readonly audit: AuditService;
  readonly tokens: Tokens;
  readonly trail: RequestTrail;
  /** For `Idempotency-Key`. */
  readonly store: Store;
  readonly readiness: () => Promise<readonly ReadinessCheck[]>;
  readonly metrics: NodeMetrics;
  /** Unix ms; the clock when absent. */
  readonly now?: () => number;
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
const CALLS_PER_MINUTE = 600;
const PRUNE_INTERVAL_MS = 3600_000;
/** How long a connection that neither ends nor asks anything may hold up a stop; own choice. */
const CLOSE_GRACE_MS = 500;
const MAX_PARAMETER = 256;
const REQUEST_ID = /^[\w.:-]{1,128}$/;

export function createHttpServer(options: HttpServerOptions, deps: HttpServerDeps): HttpServer {
  const { now = Date.now } = deps;
  const authenticate =
    options.auth === 'off' ? anonymousOnLoopback(options.host) : byToken(deps.tokens);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each waiting call
  const keys = idempotencyKeys(deps.store, now);

  const app = Fastify({
    ...(deps.logger ? { loggerInstance: deps.logger } : {}),
    logController: new LogController({ disableRequestLogging: true }),
    serverFactory: (handle) => createListener(options, handle),
    bodyLimit: options.bodyLimitBytes ?? BODY_LIMIT_BYTES,
    genReqId: requestId,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    clientErrorHandler: answerClientError,
    frameworkErrors: answerFrameworkError,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'X-Request-ID': request.id,
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    });
  });
  countCalls(app, deps.metrics);
  readJsonBodies(app);
  answerErrors(app);
  // What is registered is loaded in order, before the first call.
  void app.register(async (scope: App) => {
    await addRoutes(scope, { options, deps, authenticate, keys, stopping: stopping.signal, now });
  });

  let pruning: NodeJS.Timeout | undefined;
  const prune = (): void => {
    keys.prune().catch((error: unknown) => app.log.error({ err: error }, 'keys not pruned'));
  };
  return {
    app,
    start: async () => {
      await app.listen({ host: options.host, port: options.port });
      prune();
      pruning = setInterval(prune, PRUNE_INTERVAL_MS).unref();
      return addressOf(app.server, options.tls !== undefined);
    },
    stop: async () => {
      clearInterval(pruning);
      stopping.abort();
      const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS);
      await app.close().finally(() => clearTimeout(cut));
    },
  };
}

interface Surface {
  readonly options: HttpServerOptions;
  readonly deps: HttpServerDeps;
  readonly authenticate: Authenticate;
  readonly keys: ReturnType<typeof idempotencyKeys>;
  readonly stopping: AbortSignal;
  readonly now: () => number;
}

async function addRoutes(app: App, surface: Surface): Promise<void> {
  const { options, deps, authenticate, keys, stopping, now } = surface;
  const { tasks, catalog, models, peers, audit, tokens, trail, readiness, metrics } = deps;
  checkBySchema(app);
  await describeRoutes(app, options.version ?? '0.0.0');
  const count = await rateLimit(app, options.callsPerMinute ?? CALLS_PER_MINUTE);
  const routes = guardedRoutes({ authenticate, count });

  const submitting = submissions({
    tasks,
    trail,
    keys,
    syncWaitMs: options.syncWaitMs ?? SYNC_WAIT_MS,
    stopping,
  });
  addSubmitRoutes(app, routes, submitting);
  addCatalogRoutes(app, routes, catalog);
  addTaskRoutes(app, routes, { tasks, trail });
  addEventRoutes(app, routes, {
    tasks,
    trail,
    authenticate,
    heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    stopping,
  });
  addModelRoutes(app, routes, { models, trail });
  addDatasetRoutes(app, routes, { catalog, trail, once: submitting.once });
  addPeerRoutes(app, routes, peers);
  addAuditRoutes(app, routes, audit);
  addTokenRoutes(app, routes, { tokens, trail });
  addHealthRoutes(app, routes, { authenticate, readiness, now, stopping });
  addMetricsRoutes(app, routes, metrics);
  addOpenApiRoute(app, routes);
  refuseOtherMethods(app);
}

/** Requests are checked by this node's own decoder; the schemas of replies only describe. */
function checkBySchema(app: App): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => (value: unknown) => {
    try {
      if (httpPart === 'querystring') return { value: checkQuery(schema, value) };
      if (httpPart === 'headers') return { value };
      return { value: checkShape(schema, value, httpPart === 'params' ? 'the path' : undefined) };
    } catch (error) {
      return { error: error as Error };
    }
  });
  app.setSerializerCompiler(() => (reply) => JSON.stringify(reply));
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

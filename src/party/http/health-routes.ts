import Type from 'typebox';
import type { Authenticate } from './access.ts';
import type { App } from './api-reply.ts';
import { bareReply } from './reply-schemas.ts';
import type { Routes } from './routes.ts';
import type { ReadinessCheck } from './services.ts';

export interface HealthRouteDeps {
  readonly authenticate: Authenticate;
  readonly readiness: () => Promise<readonly ReadinessCheck[]>;
  /** Unix ms. */
  readonly now: () => number;
  /** A node that stops takes no more tasks. */
  readonly stopping: AbortSignal;
}

/** Anybody may ask, so the checks run at most this often. Own choice. */
const CHECK_INTERVAL_MS = 1000;
/** A check that takes longer has failed. Own choice. */
const CHECK_TIMEOUT_MS = 2000;

const Status = Type.Object({ status: Type.Literal('ok') });
const Readiness = Type.Object({
  status: Type.Enum(['ready', 'not_ready']),
  checks: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), ready: Type.Boolean() }), {
      description: 'For callers with a token',
    }),
  ),
});

/** Probes: not counted, without a token, and without the form of other replies. */
export function addHealthRoutes(app: App, routes: Routes, deps: HealthRouteDeps): void {
  for (const route of [...routes('getHealth'), ...routes('getLiveness')]) {
    app.route({
      ...route,
      schema: { response: { 200: bareReply('The process answers.', Status) } },
      handler: async () => ({ status: 'ok' }),
    });
  }

  const check = atIntervals(deps);
  for (const route of routes('getReadiness')) {
    app.route({
      ...route,
      schema: {
        response: {
          200: bareReply('The node takes tasks.', Readiness),
          503: bareReply('The node does not take tasks now.', Readiness),
        },
      },
      handler: async (request, reply) => {
        const checks = await check();
        const ready = !deps.stopping.aborted && checks.every((each) => each.ready);
        if (!ready) void reply.code(503).header('Retry-After', '5');
        const known = await deps.authenticate(request).then(
          () => true,
          () => false,
        );
        return { status: ready ? 'ready' : 'not_ready', ...(known && { checks }) };
      },
    });
  }
}

/** The checks, run when the last run is old enough; who asks meanwhile gets the same answer. */
function atIntervals({
  readiness,
  now,
}: Pick<HealthRouteDeps, 'readiness' | 'now'>): () => Promise<readonly ReadinessCheck[]> {
  let last: Promise<readonly ReadinessCheck[]> | undefined;
  let lastAt = 0;
  return () => {
    if (!last || now() - lastAt >= CHECK_INTERVAL_MS) {
      lastAt = now();
      last = withinTime(readiness()).catch(() => [{ name: 'checks', ready: false }]);
    }
    return last;
  };
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the checks take too long')), CHECK_TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

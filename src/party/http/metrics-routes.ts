import type { FastifyRequest } from 'fastify';
import type { App } from './api-reply.ts';
import type { NodeMetrics } from './metrics.ts';
import { operationOf } from './operations.ts';
import type { Routes } from './routes.ts';

/** Counts every call, those without a route as well. */
export function countCalls(app: App, metrics: NodeMetrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const { surface, stream = false } = partsOf(request);
    metrics.called({
      surface,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      seconds: stream ? null : reply.elapsedTime / 1000,
    });
  });
}

function partsOf(request: FastifyRequest): { readonly surface: string; readonly stream?: true } {
  const { operation } = request.routeOptions.config;
  return operation === undefined ? { surface: 'node' } : operationOf(operation);
}

/**
 * The figures for Prometheus. They tell who works with whom and how much, so they need a token like
 * everything else; scrapers can send one. Loopback alone is no reason: a proxy makes everybody local.
 */
export function addMetricsRoutes(app: App, routes: Routes, metrics: NodeMetrics): void {
  for (const route of routes('getMetrics')) {
    app.route({
      ...route,
      handler: async (_, reply) => {
        void reply.type(metrics.contentType);
        return metrics.text();
      },
    });
  }
}

import Type from 'typebox';
import { DATASET_NAME } from '../datasets/registered-name.ts';
import { type App, success } from './api-reply.ts';
import { replyOf, shared } from './reply-schemas.ts';
import { parseDataType } from './request-fields.ts';
import type { RequestTrail } from './request-trail.ts';
import type { Routes } from './routes.ts';
import type { CatalogService, RegisteredDataset } from './services.ts';
import type { Submissions } from './submissions.ts';

const name = Type.String({
  pattern: DATASET_NAME.source,
  description: 'Tasks and policies then say dataset:NAME.',
});
const RegisterBody = Type.Object(
  {
    name,
    path: Type.String({ minLength: 1, maxLength: 4096, description: 'Inside the data roots' }),
    type: Type.String({ minLength: 1, maxLength: 16, description: 'csv, json or parquet' }),
  },
  {
    additionalProperties: false,
    examples: [{ name: 'loans-2026', path: 'loans/2026.csv', type: 'csv' }],
  },
);

export interface DatasetRouteDeps {
  readonly catalog: CatalogService;
  readonly trail: RequestTrail;
  readonly once: Submissions['once'];
}

/** Names for this node's own files. */
export function addDatasetRoutes(
  app: App,
  routes: Routes,
  { catalog, trail, once }: DatasetRouteDeps,
): void {
  for (const route of routes('registerDataset')) {
    app.route({
      ...route,
      schema: { body: RegisterBody, response: { 200: replyOf(shared('Dataset')) } },
      handler: (request, reply) =>
        once(request, reply, async () => {
          const { name: given, path, type } = request.body;
          const dataType = parseDataType('type', type);
          const registered = await catalog.register(given, path, dataType);
          await trail.administered(request.caller, 'dataset_registered', { subject: given });
          return success(datasetResult(registered));
        }),
    });
  }

  for (const route of routes('listDatasets')) {
    app.route({
      ...route,
      schema: {
        response: {
          200: replyOf(Type.Object({ datasets: Type.Array(shared('Dataset')) })),
        },
      },
      handler: async () =>
        success({ datasets: (await catalog.registered()).map((each) => datasetResult(each)) }),
    });
  }

  for (const route of routes('unregisterDataset')) {
    app.route({
      ...route,
      schema: {
        params: Type.Object({ name }),
        response: { 200: replyOf(Type.Object({ name: Type.String() })) },
      },
      handler: async (request) => {
        await catalog.unregister(request.params.name);
        const subject = request.params.name;
        await trail.administered(request.caller, 'dataset_removed', { subject });
        return success({ name: request.params.name });
      },
    });
  }
}

function datasetResult({ name: given, path, type, createdAt }: RegisteredDataset): object {
  return { name: given, path, type, created_at: createdAt };
}

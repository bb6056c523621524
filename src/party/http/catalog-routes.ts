import Type from 'typebox';
import { type App, success } from './api-reply.ts';
import { replyOf } from './reply-schemas.ts';
import type { Routes } from './routes.ts';
import type { CatalogService } from './services.ts';

const provider = Type.String({ minLength: 1, maxLength: 128, description: 'The party’s name' });
const PathQuery = Type.Object({ data_provider: provider });
const MetadataQuery = Type.Object({
  data_provider: provider,
  data_path: Type.String({ minLength: 1, maxLength: 4096, description: 'As getDataPath gives it' }),
});

const names = Type.Array(Type.String());
const MetadataResult = Type.Object({
  data_type: Type.String(),
  rows_num: Type.Integer(),
  columns_num: Type.Integer(),
  columns_name: names,
  columns: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
});

/** Who has which data: as far as each party's policy shows it to this node. */
export function addCatalogRoutes(app: App, routes: Routes, catalog: CatalogService): void {
  for (const route of routes('getDataProviders')) {
    app.route({
      ...route,
      schema: { response: { 200: replyOf(Type.Object({ data_providers: names })) } },
      handler: async () => success({ data_providers: catalog.providers() }),
    });
  }

  for (const route of routes('getDataPath')) {
    app.route({
      ...route,
      schema: {
        querystring: PathQuery,
        response: { 200: replyOf(Type.Object({ data_path: names })) },
      },
      handler: async (request) =>
        success({ data_path: await catalog.paths(request.query.data_provider) }),
    });
  }

  for (const route of routes('getMetaData')) {
    app.route({
      ...route,
      schema: { querystring: MetadataQuery, response: { 200: replyOf(MetadataResult) } },
      handler: async (request) => {
        const { data_provider, data_path } = request.query;
        const { type, rows, columns } = await catalog.metadata(data_provider, data_path);
        return success({
          data_type: type,
          rows_num: rows,
          columns_num: columns.length,
          columns_name: columns.map(({ name }) => name),
          columns: columns.map(({ name, type: columnType }) => ({ name, type: columnType })),
        });
      },
    });
  }
}

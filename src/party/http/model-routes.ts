import Type from 'typebox';
import { FOREST_FORMAT } from '../models/forest-document.ts';
import { columnImportance } from '../models/importance.ts';
import type { ModelManifest } from '../models/model-registry.ts';
import { ApiError } from './api-error.ts';
import { type App, success } from './api-reply.ts';
import { bareReply, replyOf, shared } from './reply-schemas.ts';
import { ID_PATTERN } from './request-fields.ts';
import type { RequestTrail } from './request-trail.ts';
import type { Routes } from './routes.ts';
import type { ModelService } from './services.ts';

const ModelParams = Type.Object({ id: Type.String({ pattern: ID_PATTERN }) });

/** The models this node received, and its parts of those it trained. */
export function addModelRoutes(
  app: App,
  routes: Routes,
  { models, trail }: { readonly models: ModelService; readonly trail: RequestTrail },
): void {
  for (const route of routes('listModels')) {
    app.route({
      ...route,
      schema: {
        response: { 200: replyOf(Type.Object({ models: Type.Array(shared('Model')) })) },
      },
      handler: async () => success({ models: (await models.list()).map(modelResult) }),
    });
  }

  for (const route of routes('getModel')) {
    app.route({
      ...route,
      schema: { params: ModelParams, response: { 200: replyOf(shared('Model')) } },
      handler: async (request) => {
        const { id } = request.params;
        const manifest = (await models.get(id, 'model')) ?? (await models.get(id, 'part'));
        if (!manifest) throw new ApiError('NOT_FOUND', 'there is no such model');
        const isForest = manifest.kind === 'model' && manifest.algorithm === 'xgboost';
        const document = isForest ? await models.load(id) : null;
        if (document?.format !== FOREST_FORMAT) return success(modelResult(manifest));
        const feature_importance = columnImportance(document);
        return success({ ...modelResult(manifest), feature_importance });
      },
    });
  }

  for (const route of routes('getModelDocument')) {
    app.route({
      ...route,
      schema: {
        params: ModelParams,
        response: {
          200: bareReply(
            'The model’s file: of a linear model our own, of a forest XGBoost’s.',
            Type.Object({}, { additionalProperties: true }),
          ),
        },
      },
      handler: async (request, reply) => {
        const { id } = request.params;
        const manifest = await models.get(id, 'model');
        if (!manifest) {
          const part = await models.get(id, 'part');
          const why = part
            ? 'this node has its part of this model only: the model was not released to it'
            : 'there is no such model';
          throw new ApiError('NOT_FOUND', why);
        }
        const text = await models.text(id);
        await trail.tookModel(request.caller, manifest.taskId, text);
        void reply.header('Content-Disposition', `attachment; filename="${manifest.modelId}.json"`);
        // As it is: of numbers that read alike XGBoost takes only those that are written as it does.
        void reply.type('application/json; charset=utf-8');
        return reply.send(text as unknown as object);
      },
    });
  }
}

function modelResult(manifest: ModelManifest): object {
  return {
    model_id: manifest.modelId,
    kind: manifest.kind,
    task_id: manifest.taskId,
    algorithm: manifest.algorithm,
    path: manifest.path,
    type: manifest.type,
    digest: manifest.digest,
    size_bytes: manifest.sizeBytes,
    created_at: manifest.createdAt,
    metrics: manifest.metrics,
  };
}

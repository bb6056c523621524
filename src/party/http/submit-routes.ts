import type { App } from './api-reply.ts';
import { PredictRequestBody, parsePredictRequest } from './predict-request.ts';
import {
  LabeledPsiRequestBody,
  PsiRequestBody,
  parseLabeledPsiRequest,
  parsePsiRequest,
} from './psi-request.ts';
import {
  AcceptedResult,
  FileResult,
  IntersectionResult,
  replyOf,
  TrainResult,
} from './reply-schemas.ts';
import type { Routes } from './routes.ts';
import type { Submissions } from './submissions.ts';
import { parseTrainRequest, TrainRequestBody } from './train-request.ts';

/** The parsers check bodies themselves, by the same schemas and further rules. */
const validatorCompiler = () => () => true;

/** The operations that create tasks. */
export function addSubmitRoutes(app: App, routes: Routes, { submit }: Submissions): void {
  const accepted = replyOf(AcceptedResult, 202);

  for (const route of routes('runModelTrainTask')) {
    app.route({
      ...route,
      validatorCompiler,
      schema: {
        body: TrainRequestBody,
        response: { 200: replyOf(TrainResult), 202: accepted },
      },
      handler: (request, reply) =>
        submit(request, reply, { kind: 'train', request: parseTrainRequest(request.body) }),
    });
  }

  for (const route of routes('runModelPredictTask')) {
    app.route({
      ...route,
      validatorCompiler,
      schema: {
        body: PredictRequestBody,
        response: { 200: replyOf(FileResult), 202: accepted },
      },
      handler: (request, reply) =>
        submit(request, reply, { kind: 'predict', request: parsePredictRequest(request.body) }),
    });
  }

  const intersected = { 200: replyOf(IntersectionResult), 202: accepted };
  for (const route of routes('runPSITask')) {
    app.route({
      ...route,
      validatorCompiler,
      schema: { body: PsiRequestBody, response: intersected },
      handler: (request, reply) =>
        submit(request, reply, { kind: 'psi', request: parsePsiRequest(request.body) }),
    });
  }

  for (const route of routes('runLabeledPSITask')) {
    app.route({
      ...route,
      validatorCompiler,
      schema: { body: LabeledPsiRequestBody, response: intersected },
      handler: (request, reply) =>
        submit(request, reply, { kind: 'psi', request: parseLabeledPsiRequest(request.body) }),
    });
  }
}

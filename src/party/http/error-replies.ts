import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, type ApiErrorCode, statusOf } from './api-error.ts';
import { type ApiReply, type App, errorReply } from './api-reply.ts';

const RETRY_AFTER_S = 30; // own choice

/** Makes every error a JSON reply. What is no `ApiError` is logged and tells nothing. */
export function answerErrors(app: App): void {
  app.setNotFoundHandler(async () => {
    throw new ApiError('NOT_FOUND', 'there is no such operation');
  });
  app.setErrorHandler(async (error, request, reply) => replyTo(error, request, reply));
}

/** Answers what fails before there is a route, such as a path that is no text. */
export function answerFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  void reply.header('X-Request-ID', request.id);
  void reply.send(replyTo(error, request, reply));
}

function replyTo(error: unknown, request: FastifyRequest, reply: FastifyReply): ApiReply {
  const known = toApiError(error);
  if (!known) request.log.error({ err: error }, 'request failed');
  const status = statusOf(known?.code ?? 'INTERNAL');
  void reply.code(status).type('application/json; charset=utf-8');
  if (status === 401) void reply.header('WWW-Authenticate', 'Bearer');
  const retryAfterSec = known?.retryAfterSec ?? (status === 503 ? RETRY_AFTER_S : null);
  if (retryAfterSec !== null) void reply.header('Retry-After', String(retryAfterSec));
  return errorReply(
    known ?? {
      code: 'INTERNAL',
      message: `internal error; the node's log has it as request ${request.id}`,
    },
  );
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
  414: 'INVALID_REQUEST',
  415: 'INVALID_REQUEST',
};

/** Words of our own where the framework's would not help. */
const MESSAGE_OF_FRAMEWORK: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'send JSON with the header "Content-Type: application/json"',
  FST_ERR_CTP_BODY_TOO_LARGE: 'the request body is too large',
  FST_ERR_BAD_URL: 'the path is not valid',
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the path is too long',
};

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { type ApiError, type ApiErrorCode, statusOf } from './api-error.ts';

/** Every JSON reply but probes, the description and released models; `status` is the HTTP status. */
export interface ApiReply {
  readonly status: number;
  readonly result: object | null;
  readonly msg: string;
  /** Of an error. */
  readonly code?: ApiErrorCode;
}

/** The framework with schemas as types. */
export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export function success(result: object): ApiReply {
  return { status: 200, result, msg: 'success' };
}

export function errorReply({ code, message }: Pick<ApiError, 'code' | 'message'>): ApiReply {
  return { status: statusOf(code), result: null, msg: message, code };
}

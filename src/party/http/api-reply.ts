import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

/** Every JSON reply but /healthz; `status` is the HTTP status. */
export interface ApiReply {
  readonly status: number;
  readonly result: object | null;
  readonly msg: string;
}

/** The framework with schemas as types. */
export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

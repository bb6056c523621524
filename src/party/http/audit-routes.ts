import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import Type from 'typebox';
import { ApiError } from './api-error.ts';
import { type App, success } from './api-reply.ts';
import { replyOf } from './reply-schemas.ts';
import type { Routes } from './routes.ts';
import type { AuditService } from './services.ts';
import { TaskParams } from './task-routes.ts';

/** Most entries of one page. Own choice. */
const MAX_PAGE = 1000;

const Index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Hash = Type.String({ description: '32 bytes, hex' });

const EntriesQuery = Type.Object({
  from: Type.Optional(Index),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE })),
  task: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
});
const ProofQuery = Type.Object({
  index: Type.Optional({ ...Index, description: 'Of the entry to prove, below size.' }),
  first: Type.Optional({ ...Index, description: 'Size of the earlier state to prove.' }),
  size: { ...Index, description: 'Of the state that is proved from.' },
});
const BundleQuery = Type.Object({
  openings: Type.Optional(Type.Enum(['true', 'false'])),
  unclosed: Type.Optional(Type.Enum(['true', 'false'])),
});
/** A note of a checkpoint with some cosignatures is a small part of it. */
const CosignBody = Type.Object({ note: Type.String({ minLength: 1, maxLength: 65_536 }) });

const CheckpointResult = Type.Object({
  origin: Type.String(),
  size: Type.Integer({ description: 'Entries.' }),
  root: Hash,
  note: Type.String({ description: 'A C2SP signed note, with the cosignatures there are.' }),
  log_key: Type.Object({
    name: Type.String(),
    publicKey: Hash,
    signature: Type.String({ description: 'Of the party’s identity, hex.' }),
  }),
});
const EntriesResult = Type.Object({
  entries: Type.Array(
    Type.Object({
      index: Type.Integer(),
      entry: Type.String({ description: 'Canonical JSON; its bytes are what the log hashes.' }),
    }),
  ),
  next: Type.Unsafe({ type: ['integer', 'null'] }),
});
const ProofResult = Type.Object({ proof: Type.Array(Hash) });
const CosignResult = Type.Object({
  size: Type.Integer(),
  witnesses: Type.Array(Type.String()),
});

const JSON_LINES = 'application/jsonl';
/** How long a caller may hold a file up without reading. Own choice. */
const STALL_MS = 60_000;

function sendLines(reply: FastifyReply, lines: AsyncIterable<string>): FastifyReply {
  reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
  return reply.type(JSON_LINES).send(Readable.from(lines));
}

function eitherProof(): ApiError {
  const rule = 'give index, for a proof of inclusion, or first, for one of consistency';
  return new ApiError('INVALID_REQUEST', rule);
}

/** The audit log for auditors, who read it, and for witnesses, who cosign it. */
export function addAuditRoutes(app: App, routes: Routes, audit: AuditService): void {
  for (const route of routes('getAuditCheckpoint')) {
    app.route({
      ...route,
      schema: { response: { 200: replyOf(CheckpointResult) } },
      handler: async () => {
        const { logKey, ...checkpoint } = await audit.checkpoint();
        return success({ ...checkpoint, log_key: logKey });
      },
    });
  }
  for (const route of routes('listAuditEntries')) {
    app.route({
      ...route,
      schema: { querystring: EntriesQuery, response: { 200: replyOf(EntriesResult) } },
      handler: async (request) => {
        const { from = 0, limit = 100, task } = request.query;
        const found = await audit.entries(from, limit + 1, task); // one more tells whether there is a next page
        const entries = found.slice(0, limit).map(({ index, entry }) => ({
          index,
          entry: Buffer.from(entry).toString('utf8'),
        }));
        return success({ entries, next: found[limit]?.index ?? null });
      },
    });
  }
  for (const route of routes('getAuditProof')) {
    app.route({
      ...route,
      schema: { querystring: ProofQuery, response: { 200: replyOf(ProofResult) } },
      handler: async (request) => {
        const { index, first, size } = request.query;
        if ((index === undefined) === (first === undefined)) throw eitherProof();
        const proof =
          index === undefined
            ? await audit.consistency(first!, size)
            : await audit.inclusion(index, size);
        return success({ proof });
      },
    });
  }
  for (const route of routes('getTaskEvidence')) {
    app.route({
      ...route,
      schema: { params: TaskParams, querystring: BundleQuery },
      handler: async (request, reply) => {
        const { openings, unclosed } = request.query;
        const options = { openings: openings === 'true', unclosed: unclosed === 'true' };
        const lines = await audit.taskBundle(request.params.id, request.caller, options);
        return sendLines(reply, lines);
      },
    });
  }
  for (const route of routes('getLogEvidence')) {
    app.route({
      ...route,
      handler: async (request, reply) => {
        const lines = await audit.logBundle(request.caller);
        return sendLines(reply, lines);
      },
    });
  }
  for (const route of routes('cosignCheckpoint')) {
    app.route({
      ...route,
      schema: { body: CosignBody, response: { 200: replyOf(CosignResult) } },
      handler: async (request) => success(await audit.cosign(request.body.note)),
    });
  }
}

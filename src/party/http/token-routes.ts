import Type from 'typebox';
import { ROLES, type Role, type Tokens } from '../tokens.ts';
import { ApiError } from './api-error.ts';
import { type App, success } from './api-reply.ts';
import { replyOf } from './reply-schemas.ts';
import type { RequestTrail } from './request-trail.ts';
import type { Routes } from './routes.ts';

const CreateBody = Type.Object(
  {
    role: Type.Enum([...ROLES]),
    label: Type.Optional(Type.String({ maxLength: 128 })),
  },
  { examples: [{ role: 'coordinator', label: 'loan department' }] },
);
const TokenParams = Type.Object({ id: Type.String({ pattern: '^token-[0-9a-f]{1,64}$' }) });

const token = {
  id: Type.String(),
  role: Type.Enum([...ROLES]),
  label: Type.String(),
};
const CreatedResult = Type.Object({ token: Type.String(), ...token });
const ListResult = Type.Object({
  tokens: Type.Array(Type.Object({ ...token, created_at: Type.String() })),
});

/** Creating, listing and revoking tokens while the node runs. */
export function addTokenRoutes(
  app: App,
  routes: Routes,
  { tokens, trail }: { readonly tokens: Tokens; readonly trail: RequestTrail },
): void {
  for (const route of routes('createToken')) {
    app.route({
      ...route,
      schema: { body: CreateBody, response: { 200: replyOf(CreatedResult) } },
      handler: async (request) => {
        if (request.headers['idempotency-key'] !== undefined) {
          throw new ApiError(
            'INVALID_REQUEST',
            'Idempotency-Key is not possible here: to give the token again the node would have to keep it',
          );
        }
        const { role, label = '' } = request.body;
        const created = await tokens.create({ role: role as Role, label });
        const { id } = created.record;
        await trail.administered(request.caller, 'token_created', { subject: id, role });
        return success({ token: created.token, id: created.record.id, role, label });
      },
    });
  }

  for (const route of routes('listTokens')) {
    app.route({
      ...route,
      schema: { response: { 200: replyOf(ListResult) } },
      handler: async () => {
        const list = (await tokens.list()).map(({ id, role, label, createdAt }) => ({
          id,
          role,
          label,
          created_at: createdAt,
        }));
        return success({ tokens: list });
      },
    });
  }

  for (const route of routes('revokeToken')) {
    app.route({
      ...route,
      schema: {
        params: TokenParams,
        response: { 200: replyOf(Type.Object({ id: Type.String() })) },
      },
      handler: async (request) => {
        const revoked = await tokens.revoke(request.params.id);
        if (!revoked) throw new ApiError('NOT_FOUND', 'there is no such token');
        const subject = request.params.id;
        await trail.administered(request.caller, 'token_revoked', { subject });
        return success({ id: request.params.id });
      },
    });
  }
}

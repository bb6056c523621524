import Type from 'typebox';
import { ROLES, type Role, type Tokens } from '../tokens.ts';
import { type Authenticate, guard } from './access.ts';
import { ApiError } from './api-error.ts';
import type { ApiReply, App } from './api-reply.ts';

const CreateBody = Type.Object({
  role: Type.Enum([...ROLES]),
  label: Type.Optional(Type.String({ maxLength: 128 })),
});
const TokenParams = Type.Object({ id: Type.String({ pattern: '^token-[0-9a-f]{1,64}$' }) });

/** Creating, listing and revoking tokens while the node runs, for admins. */
export function addTokenRoutes(
  app: App,
  { tokens, authenticate }: { readonly tokens: Tokens; readonly authenticate: Authenticate },
): void {
  const onRequest = guard(authenticate);

  app.post(
    '/api/v1/tokens',
    { onRequest, schema: { body: CreateBody } },
    async (request, reply) => {
      const { role, label = '' } = request.body;
      const { token, record } = await tokens.create({ role: role as Role, label });
      void reply.header('Cache-Control', 'no-store');
      return {
        status: 200,
        result: { token, id: record.id, role, label },
        msg: 'success',
      } satisfies ApiReply;
    },
  );

  app.get('/api/v1/tokens', { onRequest }, async () => {
    const list = (await tokens.list()).map(({ id, role, label, createdAt }) => ({
      id,
      role,
      label,
      created_at: createdAt,
    }));
    return { status: 200, result: { tokens: list }, msg: 'success' } satisfies ApiReply;
  });

  app.delete(
    '/api/v1/tokens/:id',
    { onRequest, schema: { params: TokenParams } },
    async (request) => {
      const revoked = await tokens.revoke(request.params.id);
      if (!revoked) throw new ApiError('NOT_FOUND', 'there is no such token');
      return { status: 200, result: { id: request.params.id }, msg: 'success' } satisfies ApiReply;
    },
  );
}

import Type from 'typebox';
import { type App, success } from './api-reply.ts';
import { replyOf } from './reply-schemas.ts';
import type { Routes } from './routes.ts';
import type { PeerService } from './services.ts';

const PeersResult = Type.Object({
  peers: Type.Array(
    Type.Object({
      name: Type.String(),
      fingerprint: Type.String({ description: 'SHA-256 of the public key, hex' }),
      address: Type.String({ description: 'host:port' }),
    }),
  ),
});

/** The pinned peers. */
export function addPeerRoutes(app: App, routes: Routes, peers: PeerService): void {
  const schema = { response: { 200: replyOf(PeersResult) } };
  const answer = () =>
    success({
      peers: peers.list().map(({ name, fingerprint, address }) => ({ name, fingerprint, address })),
    });
  for (const route of routes('listPeers')) {
    app.route({ ...route, schema, handler: async () => answer() });
  }
  for (const route of routes('reloadPeers')) {
    app.route({
      ...route,
      schema,
      handler: async (request) => {
        await peers.reload(request.caller);
        return answer();
      },
    });
  }
}

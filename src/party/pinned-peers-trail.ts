import type { EntryBody } from './audit/entry.ts';
import type { Trail } from './audit/trail.ts';
import type { PeerBook } from './peers.ts';
import type { Store } from './store.ts';

/**
 * Records which peers were pinned, pinned with another key or removed since this was called last: in this
 * process, or, when the configuration was changed while the node was stopped, before.
 */
export function pinnedPeersTrail(
  store: Store,
  trail: Trail,
): (book: PeerBook, actor: EntryBody<'administration'>['actor']) => Promise<void> {
  const table = store.table<string>('auditPeers');
  return (book, actor) =>
    store.exclusive('audit/peers', async () => {
      const before = new Map(await table.list());
      const changed = book.all.filter(({ name, fingerprint }) => before.get(name) !== fingerprint);
      const gone = [...before].filter(([name]) => !book.byName(name));
      for (const { name, fingerprint } of changed) {
        const body = { action: 'peer_pinned', subject: name, digest: fingerprint } as const;
        await trail.record('administration', {}, { ...body, actor, role: null });
      }
      for (const [name, fingerprint] of gone) {
        const body = { action: 'peer_removed', subject: name, digest: fingerprint } as const;
        await trail.record('administration', {}, { ...body, actor, role: null });
      }
      await store.write(
        ...changed.map(({ name, fingerprint }) => table.put(name, fingerprint)),
        ...gone.map(([name]) => table.delete(name)),
      );
    });
}

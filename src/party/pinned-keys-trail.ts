import type { EntryBody } from './audit/entry.ts';
import { fingerprintOf } from './audit/evidence/keys.ts';
import { parseVerifierKey } from './audit/signed-note.ts';
import type { Trail } from './audit/trail.ts';
import type { WitnessConfig } from './config-values.ts';
import type { PeerBook } from './peers.ts';
import type { Store } from './store.ts';

/** By whom something was pinned or removed. */
type Actor = EntryBody<'administration'>['actor'];

interface PinnedKey {
  readonly name: string;
  readonly fingerprint: string;
}

/** Whose keys are pinned, and where the store has those that the log knows of. */
const KINDS = {
  peer: { table: 'auditPeers', pinned: 'peer_pinned', removed: 'peer_removed' },
  witness: { table: 'auditPinnedWitnesses', pinned: 'witness_pinned', removed: 'witness_removed' },
} as const;

/**
 * Records which peers were pinned, pinned with another key or removed since this was called last: in this
 * process, or, when the configuration was changed while the node was stopped, before.
 */
export function pinnedPeersTrail(
  store: Store,
  trail: Trail,
): (book: PeerBook, actor: Actor) => Promise<void> {
  return (book, actor) => recordChanges(store, trail, 'peer', book.all, actor);
}

/** Records the same of the witnesses that may cosign this node's checkpoints beside its peers. */
export function pinnedWitnessesTrail(
  store: Store,
  trail: Trail,
): (witnesses: readonly WitnessConfig[], actor: Actor) => Promise<void> {
  return (witnesses, actor) => {
    const keys = witnesses.map(({ name, key }) => {
      const raw = Buffer.from(parseVerifierKey(key).publicKey).toString('hex');
      return { name, fingerprint: fingerprintOf(raw) };
    });
    return recordChanges(store, trail, 'witness', keys, actor);
  };
}

function recordChanges(
  store: Store,
  trail: Trail,
  kind: keyof typeof KINDS,
  keys: readonly PinnedKey[],
  actor: Actor,
): Promise<void> {
  const { table: name, pinned, removed } = KINDS[kind];
  const table = store.table<string>(name);
  return store.exclusive(`audit/pinned/${kind}`, async () => {
    const before = new Map(await table.list());
    const now = new Set(keys.map((key) => key.name));
    const changed = keys.filter((key) => before.get(key.name) !== key.fingerprint);
    const gone = [...before].filter(([key]) => !now.has(key));
    // Entry and row are one write: a restart in between records nothing twice.
    for (const { name: subject, fingerprint: digest } of changed) {
      const body = { action: pinned, subject, digest, actor, role: null };
      await trail.record('administration', {}, body, () => [table.put(subject, digest)]);
    }
    for (const [subject, digest] of gone) {
      const body = { action: removed, subject, digest, actor, role: null };
      await trail.record('administration', {}, body, () => [table.delete(subject)]);
    }
  });
}

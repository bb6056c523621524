/** What callers over HTTP did and took, for the audit log. */
import type { EntryBody } from '../audit/entry.ts';
import type { StoredSalts } from '../audit/stored-salts.ts';
import type { Trail } from '../audit/trail.ts';
import { canonicalBytes } from '../consensus/canonical-json.ts';
import type { TaskOutcome } from '../tasks/task-view.ts';
import type { Caller } from '../tokens.ts';

type Administration = EntryBody<'administration'>;

/** Records before the reply is sent: what is not recorded is not given. */
export interface RequestTrail {
  administered(
    caller: Caller,
    action: Administration['action'],
    what: Pick<Administration, 'subject'> & Partial<Pick<Administration, 'role'>>,
  ): Promise<void>;
  /** A released model left the node. */
  tookModel(caller: Caller, taskId: string, text: string): Promise<void>;
  /** A task's metrics were told; recorded once a caller and process. */
  toldOutcome(caller: Caller, taskId: string, outcome: TaskOutcome): Promise<void>;
}

/** Callers and tasks that are remembered, to record each once: own choice. */
const MAX_TOLD = 10_000;

export function requestTrail(trail: Trail, salts: StoredSalts): RequestTrail {
  const told = new Set<string>();

  async function delivered(
    { id }: Caller,
    taskId: string,
    what: EntryBody<'delivery'>['what'],
    bytes: Uint8Array,
  ): Promise<void> {
    const to = { via: 'http', id } as const;
    const body = { to, what, bytes: bytes.length, value: await salts.commit(bytes) };
    await trail.record('delivery', { task: taskId }, body);
  }

  return {
    async administered({ id }, action, { subject, role = null }) {
      const actor = { via: 'http', id } as const;
      await trail.record('administration', {}, { action, actor, subject, role, digest: null });
    },

    tookModel: (caller, taskId, text) =>
      delivered(caller, taskId, 'model', new TextEncoder().encode(text)),

    async toldOutcome(caller, taskId, { metrics }) {
      const key = `${caller.id} ${taskId}`;
      if (Object.keys(metrics).length === 0 || told.has(key)) return;
      told.add(key);
      if (told.size > MAX_TOLD) told.delete(told.values().next().value!);
      try {
        await delivered(caller, taskId, 'reply', canonicalBytes(metrics));
      } catch (error) {
        told.delete(key);
        throw error;
      }
    },
  };
}

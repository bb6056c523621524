/** What auditors and witnesses ask of a node's audit log over HTTP. */
import { ApiError } from '../http/api-error.ts';
import type { AuditService } from '../http/services.ts';
import type { Store } from '../store.ts';
import type { Caller } from '../tokens.ts';
import type { AuditLog } from './audit-log.ts';
import { openCheckpoint } from './checkpoint.ts';
import { AuditError } from './errors.ts';
import { type EvidenceSource, exportLog, exportTask } from './evidence/export.ts';
import type { LogVerifiers } from './log-key.ts';
import { noteVerifier } from './note-key.ts';
import { formatNote, type NoteVerifier, parseVerifierKey } from './signed-note.ts';
import type { StoredCosignature } from './stored-evidence.ts';

export interface AuditServiceDeps {
  readonly evidence: EvidenceSource;
  readonly log: AuditLog;
  readonly verifiers: Pick<LogVerifiers, 'origin' | 'checkpoints'>;
  /** Witnesses that are no parties, by name. */
  readonly witnesses: ReadonlyMap<string, NoteVerifier>;
  readonly store: Store;
  /** Asks the other parties of a task for how it ended at them, once more. */
  exchangeReceipts(task: string): Promise<void>;
}

/** What verifies the cosignatures of configured witnesses, by name. */
export function witnessVerifiers(
  witnesses: readonly { readonly name: string; readonly key: string }[],
): ReadonlyMap<string, NoteVerifier> {
  return new Map(witnesses.map(({ name, key }) => [name, noteVerifier(parseVerifierKey(key))]));
}

export function auditService(deps: AuditServiceDeps): AuditService {
  const { evidence, log } = deps;
  const actorOf = ({ id }: Caller) => ({ via: 'http', id }) as const;
  return {
    async checkpoint() {
      const { size, root, note } = await log.checkpoint();
      return { origin: log.origin, size, root: hex(root), note, logKey: evidence.logKey };
    },

    async entries(from, limit, task) {
      const entries: { index: number; entry: Uint8Array }[] = [];
      if (task !== undefined) {
        const indices = (await log.taskIndices(task)).filter((each) => each >= from);
        for (const index of indices.slice(0, limit)) {
          entries.push({ index, entry: await log.entry(index) });
        }
        return entries;
      }
      let index = from;
      const end = Math.min(from + limit, log.size);
      if (from >= end) return entries;
      for await (const entry of log.entries(from, end)) entries.push({ index: index++, entry });
      return entries;
    },

    async inclusion(index, size) {
      checkSizes({ index: index + 1, size }, log.size);
      if (index >= size) throw invalid('index must be below size');
      return (await log.inclusionProof(index, size)).map(hex);
    },

    async consistency(first, second) {
      checkSizes({ first, size: second }, log.size);
      if (first > second) throw invalid('first must be at most size');
      return (await log.consistencyProof(first, second)).map(hex);
    },

    async taskBundle(task, caller, options) {
      const lines = () => exportTask(evidence, task, { actor: actorOf(caller), ...options });
      try {
        return await lines().catch(async (error: unknown) => {
          if (!(error instanceof AuditError) || error.code !== 'task_closing') throw error;
          await deps.exchangeReceipts(task);
          return lines();
        });
      } catch (error) {
        throw asApiError(error);
      }
    },

    logBundle: async (caller) => exportLog(evidence, { actor: actorOf(caller) }),
    cosign: (note) => cosign(deps, note),
  };
}

/** Takes a checkpoint of this log that a configured witness cosigned. */
async function cosign(
  { evidence, log, verifiers, witnesses, store }: AuditServiceDeps,
  note: string,
): Promise<{ readonly size: number; readonly witnesses: readonly string[] }> {
  let opened: ReturnType<typeof openCheckpoint>;
  try {
    opened = openCheckpoint(note, verifiers.origin, [verifiers.checkpoints, ...witnesses.values()]);
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    throw new ApiError('INVALID_REQUEST', `note: ${cause.message}`, { cause });
  }
  const { size, root } = opened;
  const names: string[] = [];
  for (const [name, verifier] of witnesses) {
    const line = opened.verified.find(
      (each) => each.name === verifier.name && each.keyId === verifier.keyId,
    );
    if (!line) continue;
    const table = store.table<StoredCosignature>('auditCosigners');
    await store.exclusive(`audit/cosigner/${name}`, async () => {
      const known = await table.get(name);
      if (known && known.size > size) {
        throw new ApiError('CONFLICT', `${name} has cosigned a later checkpoint`);
      }
      await log.addCosignature(size, line).catch((cause: unknown) => {
        if (!(cause instanceof RangeError)) throw cause;
        throw new ApiError('INVALID_REQUEST', 'note: it is no checkpoint of this log', { cause });
      });
      // The log's line and the witness's: what else a caller adds says nothing, at any length.
      const lines = opened.verified.filter((each) => each === line || each.name === log.origin);
      const cosigned = formatNote({ text: opened.text, signatures: lines });
      const own = { size, root: hex(root), note: cosigned };
      const body = { witness: name, at: 'request', code: null, own, theirs: null } as const;
      const row = table.put(name, { size, note: cosigned });
      await evidence.trail.record('checkpoint_exchange', {}, body, () => [row]);
    });
    names.push(name);
  }
  if (names.length === 0) {
    throw new ApiError('INVALID_REQUEST', 'note: no witness of this node has cosigned it');
  }
  return { size, witnesses: names };
}

/** Seconds after which a task may have been closed by all its parties. Own choice. */
const CLOSING_RETRY_S = 2;

/** Why there is no bundle, as a caller is told. */
function asApiError(cause: unknown): unknown {
  if (!(cause instanceof AuditError)) return cause;
  const { code, message } = cause;
  if (code === 'unknown_task') return new ApiError('NOT_FOUND', message, { cause });
  if (code === 'task_busy') return new ApiError('BUSY', message, { cause });
  if (code !== 'task_closing') return cause;
  const options = { cause, retryAfterSec: CLOSING_RETRY_S };
  return new ApiError('CONFLICT', `${message} (unclosed=true)`, options);
}

function checkSizes(sizes: Readonly<Record<string, number>>, most: number): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (size > most) throw invalid(`${name} must be within the log, which has ${most} entries`);
  }
}

function invalid(problem: string): ApiError {
  return new ApiError('INVALID_REQUEST', problem);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/**
 * Before a task begins and after it each party shows its audit log to every other one and has it
 * confirmed. A party that shows less than before, or another log, is refused: nothing begins with it.
 *
 *   party                              every other party
 *     --- checkpoint, proof --------->   continues what it showed before? confirms, remembers
 *     <-- cosignature, or the size from which it wants the proof, or refusal
 */
import type { CheckpointRequest, CheckpointResponse } from '../../../proto/gen/consensus.ts';
import type { EntryBody } from '../audit/entry.ts';
import { AuditError } from '../audit/errors.ts';
import { LogKeyCertificateSchema } from '../audit/fields.ts';
import type { LogKeyCertificate } from '../audit/log-key.ts';
import { LogRefusal, type LogWitness, type ShownState, shownNote } from '../audit/log-witness.ts';
import { HASH_BYTES } from '../audit/merkle.ts';
import { MAX_PROOF_HASHES } from '../audit/merkle-proof.ts';
import { COSIGNATURE_BYTES } from '../audit/note-key.ts';
import type { Trail } from '../audit/trail.ts';
import type { ControlClient, ControlServer } from '../transport/control.ts';
import { canonicalBytes } from './canonical-json.ts';
import { ConsensusError, refusalOf } from './errors.ts';
import type { ConsensusRecords } from './records.ts';
import { decodeJson } from './schema.ts';
import {
  ANSWER_TIMEOUT_MS,
  callPeer,
  decodeHash,
  encodeHash,
  encodeRefusal,
  METHODS,
  refusalError,
} from './wire.ts';

/** When parties show each other their logs. */
export type ExchangeTime = 'consensus' | 'end';

export interface CheckpointExchangeDeps {
  readonly peers: ControlClient;
  readonly records: Pick<ConsensusRecords, 'find'>;
  readonly witness: LogWitness;
  readonly trail: Trail;
}

/** Largest note of a log alone: with a cosignature it still fits an entry. Own choice. */
const MAX_NOTE_CHARS = 2048;
const MAX_LOG_KEY_BYTES = 1024;

type Body = EntryBody<'checkpoint_exchange'>;

/**
 * Shows this node's log to a party of a task. Resolves once that party's confirmation is kept. Throws
 * its refusal, `malformed_message` for a confirmation that does not verify, or why it cannot be reached.
 */
export function showLog(
  deps: CheckpointExchangeDeps,
  taskId: string,
  peer: string,
  at: ExchangeTime,
): Promise<void> {
  return deps.witness.inTurn(peer, () => showOnce(deps, taskId, peer, at));
}

async function showOnce(
  { peers, witness, trail }: CheckpointExchangeDeps,
  taskId: string,
  peer: string,
  at: ExchangeTime,
): Promise<void> {
  const record = (body: Pick<Body, 'code' | 'own'>): Promise<number> =>
    trail.record(
      'checkpoint_exchange',
      { task: taskId },
      { witness: peer, at, theirs: null, ...body },
    );
  let shown: ShownState | null = null;
  try {
    for (let from: number | undefined; ; ) {
      shown = await witness.show(peer, from);
      const request = encodeState(taskId, at, shown);
      const options = { timeoutMs: ANSWER_TIMEOUT_MS };
      const { result } = await callPeer(peers, peer, METHODS.checkpoint, request, options);
      if (result?.$case === 'refused') throw refusalError(result.value);
      if (result?.$case === 'lacks') {
        if (from !== undefined) throw malformed(`${peer} asks for another proof`);
        from = Number(result.value);
        continue;
      }
      if (!result) throw malformed(`${peer} gave no answer`);
      const { logKey, signature } = result.value;
      if (signature.length !== COSIGNATURE_BYTES) {
        throw malformed(`a cosignature has ${COSIGNATURE_BYTES} bytes`);
      }
      const by = { logKey: decodeLogKey(logKey), signature };
      const own = await orMalformed(() => witness.confirmed(peer, shown!, by));
      await record({ code: null, own });
      return;
    }
  } catch (error) {
    const { code } = refusalOf(error);
    await record({ code, own: shown && shownNote(shown.note) });
    throw error;
  }
}

/** Serves what other parties show. */
export function serveCheckpoints(server: ControlServer, deps: CheckpointExchangeDeps): void {
  const { records, witness, trail } = deps;
  server.handle(
    METHODS.checkpoint,
    async ({ name: peer }, request): Promise<CheckpointResponse> => {
      try {
        const { taskId, at, state } = decodeState(request);
        const task = await records.find(taskId);
        if (!task?.contract?.parties.some(({ name }) => name === peer)) {
          throw new ConsensusError('unknown_task', 'no such task');
        }
        const record = (body: Pick<Body, 'code' | 'theirs'>): Promise<number> =>
          trail.record(
            'checkpoint_exchange',
            { task: taskId },
            { witness: peer, at, own: null, ...body },
          );
        try {
          const { answer, theirs } = await orMalformed(() => witness.confirm(peer, state));
          if ('lacks' in answer) return { result: { $case: 'lacks', value: BigInt(answer.lacks) } };
          await record({ code: null, theirs });
          const { logKey, signature } = answer;
          const value = { logKey: canonicalBytes(logKey), signature };
          return { result: { $case: 'cosigned', value } };
        } catch (error) {
          const shown =
            error instanceof ConsensusError && error.cause instanceof LogRefusal
              ? error.cause.shown
              : null;
          await record({ code: refusalOf(error).code, theirs: shown });
          throw error;
        }
      } catch (error) {
        return { result: { $case: 'refused', value: encodeRefusal(refusalOf(error)) } };
      }
    },
  );
}

function encodeState(
  taskId: string,
  at: ExchangeTime,
  { logKey, note, from, proof }: ShownState,
): CheckpointRequest {
  return {
    taskId: encodeHash(taskId),
    at,
    logKey: canonicalBytes(logKey),
    note,
    from: BigInt(from),
    proof: [...proof],
  };
}

function decodeState({ taskId, at, logKey, note, from, proof }: CheckpointRequest): {
  readonly taskId: string;
  readonly at: ExchangeTime;
  readonly state: ShownState;
} {
  if (at !== 'consensus' && at !== 'end') throw malformed('at must be consensus or end');
  if (note.length > MAX_NOTE_CHARS) throw malformed('the note is too long');
  if (proof.length > MAX_PROOF_HASHES || proof.some(({ length }) => length !== HASH_BYTES)) {
    throw malformed(`a proof has at most ${MAX_PROOF_HASHES} hashes of ${HASH_BYTES} bytes`);
  }
  if (from > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('from is above 2^53');
  const state = { logKey: decodeLogKey(logKey), note, from: Number(from), proof };
  return { taskId: decodeHash(taskId, 'task_id'), at, state };
}

function decodeLogKey(bytes: Uint8Array): LogKeyCertificate {
  return decodeJson(LogKeyCertificateSchema, bytes, MAX_LOG_KEY_BYTES, 'malformed_message');
}

/** What a log's owner is told of why its state is not confirmed. */
async function orMalformed<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof LogRefusal) throw new ConsensusError(cause.code, cause.message, { cause });
    if (!(cause instanceof AuditError) || !STRANGERS.has(cause.code)) throw cause;
    throw new ConsensusError('malformed_message', `a checkpoint: ${cause.message}`, { cause });
  }
}

/** Codes of what another party sent; others are this node's own trouble. */
const STRANGERS: ReadonlySet<string> = new Set([
  'malformed_note',
  'bad_signature',
  'unknown_key',
  'bad_log_key',
] satisfies AuditError['code'][]);

function malformed(what: string): ConsensusError {
  return new ConsensusError('malformed_message', what);
}

/**
 * Parties confirm each other's audit logs. Each keeps, for every other one, the last state of its log
 * that it cosigned; what is shown next must continue that. So a log that is rolled back or forked is
 * caught by whichever party saw it before.
 */
import type { KeyRing, PinnedKey } from '../consensus/signature.ts';
import type { Store } from '../store.ts';
import type { AuditLog } from './audit-log.ts';
import { openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { AuditError } from './errors.ts';
import { type LogKey, type LogKeyCertificate, type LogVerifiers, verifyLogKey } from './log-key.ts';
import { verifyConsistency } from './merkle-proof.ts';
import {
  formatNote,
  type NoteSignature,
  openNote,
  parseNote,
  signatureBy,
  withSignature,
} from './signed-note.ts';

/** What is kept of a party whose log this node has seen, or that has seen this node's. */
export interface WitnessRecord {
  readonly logKey: LogKeyCertificate;
  /** The last state of its log that this node cosigned. */
  readonly theirs: { readonly size: number; readonly root: string } | null;
  /** The last state of this node's log that it cosigned, with its cosignature. */
  readonly own: { readonly size: number; readonly note: string } | null;
}

/** A state of a log as it goes to another party. */
export interface ShownState {
  readonly logKey: LogKeyCertificate;
  /** Signed by the log alone. */
  readonly note: string;
  /** Size of the state that the reader has confirmed before, and the proof from there. */
  readonly from: number;
  readonly proof: readonly Uint8Array[];
}

/** What a party says to a state: its cosignature, or the size of the state that it wants proved. */
export type Confirmation =
  | { readonly logKey: LogKeyCertificate; readonly signature: Uint8Array }
  | { readonly lacks: number };

/** A state of a log, as entries have it: with both signatures once it is confirmed. */
export interface ConfirmedNote {
  readonly size: number;
  readonly root: string;
  readonly note: string;
}

/** What a note says, as entries have it. Verifies nothing. */
export function shownNote(note: string): ConfirmedNote {
  const { size, root } = parseCheckpoint(parseNote(note).text);
  return { size, root: hex(root), note };
}

/** What the people of a party do whose log others refuse. Goes to both sides. */
const REMEDY =
  'was its node started from an old copy, or twice? It goes on with its newest state, or with a new identity that its peers pin';

/** Another party's log is not the one that it has shown before. */
export class LogRefusal extends Error {
  readonly code: 'audit_rolled_back' | 'audit_forked';
  /** What it showed, if its log signed that. */
  readonly shown: ConfirmedNote | null;

  constructor(code: LogRefusal['code'], message: string, shown: ConfirmedNote | null) {
    super(message);
    this.name = 'LogRefusal';
    this.code = code;
    this.shown = shown;
  }
}

export interface LogWitnessDeps {
  readonly log: Pick<AuditLog, 'checkpoint' | 'consistencyProof' | 'addCosignature'>;
  readonly key: LogKey;
  readonly keys: KeyRing;
  readonly store: Store;
}

export interface LogWitness {
  /** Runs one exchange with a party at a time: what is shown continues what was confirmed last. */
  inTurn<T>(party: string, run: () => Promise<T>): Promise<T>;
  /** This node's log as it is now, for a party that has confirmed it up to `from`. */
  show(party: string, from?: number): Promise<ShownState>;
  /**
   * Takes a party's cosignature of what was shown to it. Throws `AuditError` unless it verifies, and
   * `LogRefusal` when it is of another log key than the party's last.
   */
  confirmed(
    party: string,
    state: ShownState,
    by: Exclude<Confirmation, { readonly lacks: number }>,
  ): Promise<ConfirmedNote>;
  /**
   * Confirms what a party shows of its log, or says from which size it wants a proof. Throws
   * `LogRefusal`, and `AuditError` for what its log did not sign.
   */
  confirm(
    party: string,
    state: ShownState,
  ): Promise<{ readonly answer: Confirmation; readonly theirs: ConfirmedNote | null }>;
}

export function logWitness({ log, key, keys, store }: LogWitnessDeps): LogWitness {
  const table = store.table<WitnessRecord>('auditWitnesses');

  /** The verifiers of a party's log, which must be the one that it had before. */
  async function logOf(
    party: string,
    logKey: LogKeyCertificate,
  ): Promise<{ readonly log: LogVerifiers; readonly known: WitnessRecord | undefined }> {
    const identity = keys.find(party);
    if (!identity) throw new AuditError('unknown_key', `${party} is not a known peer`);
    const verifiers = verifyLogKey(party, identity, logKey);
    const known = await knownOf(party);
    if (known && known.logKey.publicKey !== logKey.publicKey) {
      const message = `the audit log of ${party} has another key; ${REMEDY}`;
      throw new LogRefusal('audit_forked', message, null);
    }
    return { log: verifiers, known };
  }

  /**
   * What is kept of a party, as long as its identity is the one that certified its log: whoever pins
   * another one begins anew with that party, knowingly.
   */
  async function knownOf(party: string): Promise<WitnessRecord | undefined> {
    const known = await table.get(party);
    const identity = keys.find(party);
    return known && identity && isLogKeyOf(party, identity, known.logKey) ? known : undefined;
  }

  async function keep(
    party: string,
    logKey: LogKeyCertificate,
    change: Partial<WitnessRecord>,
  ): Promise<void> {
    const known = (await knownOf(party)) ?? { theirs: null, own: null };
    await store.write(table.put(party, { ...known, logKey, ...change }));
  }

  const exclusive = <T>(party: string, run: () => Promise<T>): Promise<T> =>
    store.exclusive(`audit/witness/${party}`, run);

  return {
    inTurn: (party, run) => store.exclusive(`audit/exchange/${party}`, run),

    async show(party, from) {
      const { note: signed, size } = await log.checkpoint();
      const { text, signatures } = parseNote(signed);
      const own = signatures.filter(({ name }) => name === key.checkpoints.name);
      const note = formatNote({ text, signatures: own });
      const start = Math.min(from ?? (await knownOf(party))?.own?.size ?? 0, size);
      const proof = await log.consistencyProof(start, size);
      return { logKey: key.certificate, note, from: start, proof };
    },

    confirmed: (party, { note }, { logKey, signature }) =>
      exclusive(party, async () => {
        const { log: witness } = await logOf(party, logKey);
        const { name, keyId } = witness.cosignatures;
        const line: NoteSignature = { name, keyId, bytes: signature };
        const cosigned = withSignature(note, line);
        openNote(cosigned, [witness.cosignatures]);
        const { size, root } = openCheckpoint(cosigned, key.origin, [
          verifyLogKey(key.certificate.name, keys.find(key.certificate.name)!, key.certificate)
            .checkpoints,
        ]);
        await log.addCosignature(size, line);
        await keep(party, logKey, { own: { size, note: cosigned } });
        return { size, root: hex(root), note: cosigned };
      }),

    confirm: (party, { logKey, note, from, proof }) =>
      exclusive(party, async () => {
        const { log: theirs, known } = await logOf(party, logKey);
        const { size, root } = openCheckpoint(note, theirs.origin, [theirs.checkpoints]);
        const shown = { size, root: hex(root), note };
        const before = known?.theirs ?? null;
        if (before) {
          if (size < before.size) {
            const less = `the audit log of ${party} has ${size} entries, it had ${before.size}; ${REMEDY}`;
            throw new LogRefusal('audit_rolled_back', less, shown);
          }
          if (size > before.size && from !== before.size) {
            return { answer: { lacks: before.size }, theirs: null };
          }
          const first = new Uint8Array(Buffer.from(before.root, 'hex'));
          const path = size === before.size ? [] : proof;
          if (!verifyConsistency(before.size, size, first, root, path)) {
            const other = `the audit log of ${party} does not continue what it was; ${REMEDY}`;
            throw new LogRefusal('audit_forked', other, shown);
          }
        }
        const line = signatureBy(key.cosignatures, parseNote(note).text);
        // Remembered before it is said: what is confirmed once must not be forgotten.
        await keep(party, logKey, { theirs: { size, root: shown.root } });
        const answer = { logKey: key.certificate, signature: line.bytes };
        return { answer, theirs: { ...shown, note: withSignature(note, line) } };
      }),
  };
}

function isLogKeyOf(party: string, identity: PinnedKey, logKey: LogKeyCertificate): boolean {
  try {
    verifyLogKey(party, identity, logKey);
    return true;
  } catch (error) {
    if (error instanceof AuditError) return false;
    throw error;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

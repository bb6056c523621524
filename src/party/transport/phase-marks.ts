/**
 * Phase receipts of one session: this side's marks, which the peer countersigns, and the peer's, which
 * this side does. A mark is a frame; what it states is everything before it in its direction.
 *
 *   mark frame         64 bytes signature | canonical phase statement
 *   countersign frame  64 bytes signature of the oldest mark that has none yet
 */
import {
  decodeStatement,
  encodeStatement,
  PHASE_COUNTER_DOMAIN,
  PHASE_DOMAIN,
  type PhaseReceipt,
  type PhaseStatement,
} from '../audit/phase-statement.ts';
import { SessionError } from '../errors.ts';
import { malformed } from './frame.ts';
import type { DirectionReceipt } from './session.ts';

const SIGNATURE_BYTES = 64;

/**
 * Marks of the peer that this side signs at once, and a second: each costs two signatures and an entry
 * of the log. A peer makes one a second and one a phase. Own choices.
 */
const MARKS_AT_ONCE = 256;
const MARKS_A_SECOND = 2;

/** Own marks without a countersignature above which there is no further one: own choice. */
const MOST_OPEN = 64;

/** Where a program is. */
export interface PhasePlace {
  readonly phase: string;
  readonly step: number;
}

/** Where every session ends. */
const END: PhasePlace = { phase: 'closing', step: 0 };

export interface MarkDeps {
  readonly taskId: string;
  readonly attempt: number;
  /** The session's id, hex. */
  readonly session: string;
  readonly self: string;
  readonly peer: string;
  /** Signs with this side's identity key. */
  readonly sign: (domain: string, message: Uint8Array) => Uint8Array;
  /** Whether the peer's pinned key signed. */
  readonly verify: (domain: string, message: Uint8Array, signature: Uint8Array) => boolean;
  /** Told of every receipt once it has both signatures. */
  readonly record: (receipt: PhaseReceipt) => void;
  /** Ms, never back. */
  readonly now: () => number;
}

/** A mark of the peer that this side agrees to. */
export interface Countersigned {
  readonly countersignature: Uint8Array;
  /** Whether the peer sends no more. */
  readonly last: boolean;
}

export class PhaseMarks {
  readonly #deps: MarkDeps;
  /** This side's marks that the peer has not countersigned, oldest first. */
  readonly #open: { readonly statement: PhaseStatement; readonly signature: string }[] = [];
  readonly #startedAt: number;
  /** Marks of this side. */
  #made = 0;
  /** Marks of the peer. */
  #seen = 0;

  constructor(deps: MarkDeps) {
    this.#deps = deps;
    this.#startedAt = deps.now();
  }

  /** Own marks that lack the peer's signature. */
  get open(): number {
    return this.#open.length;
  }

  /** Whether a further place may be marked. */
  get hasRoom(): boolean {
    return this.#open.length < MOST_OPEN;
  }

  /** The payload of this side's next mark, after frames that count so; the last one without a place. */
  make(place: PhasePlace | null, counted: DirectionReceipt): Uint8Array {
    const { sign, self: from, peer: to } = this.#deps;
    const last = place === null;
    const number = this.#made++;
    const statement = this.#statement(from, to, { ...(place ?? END), last, number }, counted);
    const bytes = encodeStatement(statement);
    const signature = sign(PHASE_DOMAIN, bytes);
    this.#open.push({ statement, signature: hex(signature) });
    const payload = new Uint8Array(SIGNATURE_BYTES + bytes.length);
    payload.set(signature, 0);
    payload.set(bytes, SIGNATURE_BYTES);
    return payload;
  }

  /**
   * Countersigns a mark of the peer. Throws `RECEIPT_MISMATCH` when this side has counted other frames,
   * `BAD_SIGNATURE`, `MALFORMED`, or `TOO_LARGE` for too many.
   *
   * @param counted - The frames that came before the mark.
   */
  check(payload: Uint8Array, counted: DirectionReceipt): Countersigned {
    const number = this.#countIn();
    const { self, peer, verify, sign, record } = this.#deps;
    if (payload.length <= SIGNATURE_BYTES) throw malformed('a mark without a statement');
    const signature = payload.subarray(0, SIGNATURE_BYTES);
    const bytes = payload.subarray(SIGNATURE_BYTES);
    const stated = statementOf(bytes);
    const { phase, step, last } = stated;
    const due = this.#statement(peer, self, { phase, step, last, number }, counted);
    const about = ['taskId', 'attempt', 'session', 'from', 'to', 'number'] as const;
    if (about.some((field) => stated[field] !== due[field])) {
      throw malformed('a mark of another session, or out of its turn');
    }
    if (!verify(PHASE_DOMAIN, bytes, signature)) throw badSignature(peer);
    const counts = ['frames', 'bytes', 'hash'] as const;
    const other = counts.find((field) => stated[field] !== due[field]);
    if (other) {
      const reason = `${peer} signed for other ${other} than what arrived from it`;
      throw new SessionError('RECEIPT_MISMATCH', reason);
    }
    const countersignature = sign(PHASE_COUNTER_DOMAIN, bytes);
    record({
      statement: stated,
      signature: hex(signature),
      countersignature: hex(countersignature),
    });
    return { countersignature, last };
  }

  /** Takes the peer's signature of this side's oldest open mark. */
  countersigned(signature: Uint8Array): void {
    const { peer, verify, record } = this.#deps;
    if (signature.length !== SIGNATURE_BYTES) throw malformed('a countersignature of odd length');
    const mark = this.#open.shift();
    if (!mark) throw malformed('a countersignature of no mark');
    const bytes = encodeStatement(mark.statement);
    if (!verify(PHASE_COUNTER_DOMAIN, bytes, signature)) throw badSignature(peer);
    record({ ...mark, countersignature: hex(signature) });
  }

  #statement(
    from: string,
    to: string,
    place: PhasePlace & Pick<PhaseStatement, 'last' | 'number'>,
    { frames, bytes, hash }: DirectionReceipt,
  ): PhaseStatement {
    const { taskId, attempt, session } = this.#deps;
    const counted = { frames, bytes, hash: hex(hash) };
    return { taskId, attempt, session, from, to, ...place, ...counted };
  }

  /** Its number. */
  #countIn(): number {
    const number = this.#seen++;
    const seconds = (this.#deps.now() - this.#startedAt) / 1000;
    if (this.#seen <= MARKS_AT_ONCE + MARKS_A_SECOND * seconds) return number;
    throw new SessionError('TOO_LARGE', `${this.#deps.peer} sent too many marks`);
  }
}

function statementOf(bytes: Uint8Array): PhaseStatement {
  try {
    return decodeStatement(bytes);
  } catch (cause) {
    throw new SessionError('MALFORMED', 'the peer sent a mark that is no statement', { cause });
  }
}

function badSignature(peer: string): SessionError {
  return new SessionError('BAD_SIGNATURE', `a phase receipt is not signed by ${peer}`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

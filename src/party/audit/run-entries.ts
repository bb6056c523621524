/** Entries about what ran: data, sessions, what went over them, what was opened. */
import Type from 'typebox';
import { MAX_COLUMNS, MAX_PARTIES, MAX_ROWS } from '../consensus/contract-limits.ts';
import { Hex32, PartyName } from '../consensus/schema.ts';
import {
  Attempt,
  Code,
  Count,
  Direction,
  exactly,
  nullOr,
  oneOf,
  Signature,
  Word,
} from './fields.ts';

/** This node read a dataset. */
export const DataAccessBody = Type.Object(
  {
    /** To tell a peer its terms, to check them before voting, to compute, to apply a model alone. */
    purpose: oneOf('describe', 'verify', 'compute', 'apply'),
    /** For whom: the peer that asked, the initiator, or this node itself. */
    peer: PartyName,
    /** The dataset's commitment in the contract or the terms; null when there are neither. */
    commitment: nullOr(Hex32),
    rows: Type.Integer({ minimum: 0, maximum: MAX_ROWS }),
    /** Columns that were read. */
    columns: Type.Integer({ minimum: 0, maximum: 2 * MAX_COLUMNS }),
  },
  exactly,
);

/** A session with a peer is open. Both ends have the same session and transcript. */
export const SessionOpenedBody = Type.Object(
  {
    peer: PartyName,
    /** The peer's key, as it was pinned. */
    fingerprint: Hex32,
    /** Names the session, no secret. */
    session: Hex32,
    /** Digest of both signed hellos, as the session's keys are bound to it. */
    transcript: Hex32,
    /** The start certificate that the hellos name. */
    certificate: Hex32,
    /** The checkpoint that the attempt goes on from; zeros for the task's start. */
    checkpoint: Hex32,
    /** Digest of the code that this node runs. */
    implementation: Hex32,
  },
  exactly,
);

/** How a session ended here: null for in order. */
export const SessionClosedBody = Type.Object(
  {
    peer: PartyName,
    session: Hex32,
    code: nullOr(Code),
    sent: Direction,
    received: Direction,
  },
  exactly,
);

/** One direction of a session up to a frame, in the words of the party that sent it. */
export const PhaseStatementSchema = Type.Object(
  {
    taskId: Hex32,
    attempt: Attempt,
    session: Hex32,
    from: PartyName,
    to: PartyName,
    /** Counts the marks of this direction of the session, from 0: none can be left out unseen. */
    number: Count,
    /** The phase that ends here. */
    phase: Word,
    /** Steps of the phase that are done: batches, trees, buckets. */
    step: Count,
    /** Whether nothing follows. */
    last: Type.Boolean(),
    frames: Count,
    bytes: Count,
    /** The running hash after these frames. */
    hash: Hex32,
  },
  exactly,
);

/** Both parties' signatures of one phase statement. */
export const PhaseReceiptBody = Type.Object(
  { statement: PhaseStatementSchema, signature: Signature, countersignature: Signature },
  exactly,
);

/** Protected values are opened: written before the first byte of them leaves. */
export const DisclosureBody = Type.Object(
  {
    /** A class of the contract's leakage statement. */
    class: Word,
    to: Type.Array(PartyName, { minItems: 1, maxItems: MAX_PARTIES }),
    elements: Count,
    /** `valueCommitment` of the bytes that this party hands over; null when it hands over none. */
    value: nullOr(Hex32),
  },
  exactly,
);

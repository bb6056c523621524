/** Entries about how tasks end, who takes their results, and who runs the node. */
import Type from 'typebox';
import { MAX_PARTIES } from '../consensus/contract-limits.ts';
import { ReceiptSchema } from '../consensus/receipt-statement.ts';
import { Hex32, PartyName } from '../consensus/schema.ts';
import { Actor, Code, Count, exactly, nullOr, oneOf, signed, Word } from './fields.ts';

/** A party's receipt: this node's own, or a peer's as it came in. */
export const ResultBody = Type.Object(
  {
    receipt: signed(ReceiptSchema),
    /** Digest of the code that made it; null in a peer's. */
    implementation: nullOr(Hex32),
  },
  exactly,
);

/** Somebody took a result from this node; `to` the node itself: it is in its results folder now. */
export const DeliveryBody = Type.Object(
  {
    to: Actor,
    what: oneOf('model', 'predictions', 'intersection', 'reply', 'evidence'),
    bytes: Count,
    /** `valueCommitment` of the bytes. */
    value: nullOr(Hex32),
  },
  exactly,
);

/** Somebody asked for a task's end. */
export const CancellationBody = Type.Object(
  {
    /** Where it was asked. */
    party: PartyName,
    /** Who asked, when it was here. */
    actor: nullOr(Actor),
  },
  exactly,
);

/** Something went wrong. Codes alone: messages name columns and rows. */
export const ErrorBody = Type.Object(
  {
    source: oneOf('protocol', 'session', 'consensus', 'dataset', 'task', 'audit', 'internal'),
    code: Code,
    /** The party at which it went wrong, where that is known. */
    party: nullOr(PartyName),
  },
  exactly,
);

/** Somebody changed what this node is, knows or allows. */
export const AdministrationBody = Type.Object(
  {
    action: oneOf(
      'node_started',
      'token_created',
      'token_revoked',
      'peer_pinned',
      'peer_removed',
      'dataset_registered',
      'dataset_removed',
      'task_approved',
      'task_denied',
      'witness_pinned',
      'witness_removed',
    ),
    actor: Actor,
    /** A token's id, a peer's or a dataset's name; null when the action needs none. */
    subject: nullOr(Type.String({ maxLength: 256, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })),
    /** A token's role. */
    role: nullOr(Word),
    /**
     * Of a peer or a witness the fingerprint of its key, of a started node the `valueCommitment` of
     * its configuration.
     */
    digest: nullOr(Hex32),
  },
  exactly,
);

/** Evidence leaves this node. Its own number tells whether what follows it was dropped. */
export const ExportBody = Type.Object(
  {
    scope: oneOf('task', 'all'),
    actor: Actor,
    /** Entries in the bundle, this one included: of the task, or of the log. */
    entries: Count,
    /** Whether what opens commitments is in it. */
    openings: Type.Boolean(),
    /** Parties by which the task was still being closed. */
    awaited: Type.Array(PartyName, { maxItems: MAX_PARTIES }),
  },
  exactly,
);

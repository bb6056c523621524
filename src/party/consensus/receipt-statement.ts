/**
 * What a receipt states. It goes to every party, also to those that receive neither model nor
 * metrics, and what it says of these must not let them be guessed: there are few enough metrics of a
 * hundred rows to try them all against a digest. So a receipt holds commitments,
 *
 *   SHA-256(tag | 0 | salt | SHA-256 of the file or of the canonical metrics),
 *
 * with a tag for each field and 32 random bytes of salt. The signer keeps salt and digest in its store
 * (`openings`); an auditor who is shown them checks that the receipt was about this very result.
 */
import Type from 'typebox';
import type { SessionReceipt } from '../transport/session.ts';
import { taggedDigest } from './canonical-json.ts';
import { MAX_PARTIES } from './contract-limits.ts';
import { Hex32, PartyName, Timestamp } from './schema.ts';

/** How a task ended for one party, signed by it. Model and metrics are `resultCommitment`s, hex. */
export interface ResultReceipt extends ResultStatement {
  readonly protocolVersion: number;
  readonly signer: string;
  readonly fingerprint: string;
  readonly signedAt: string;
}

/** What a party knows of its run; `submitReceipt` commits to the digests and adds who and when. */
export interface ResultStatement {
  readonly taskId: string;
  readonly attempt: number;
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  /** SHA-256 of the model file or share that the party stored, hex; null when it has none. */
  readonly model: string | null;
  /** SHA-256 of the canonical metrics it was given, hex; null when it was given none. */
  readonly metrics: string | null;
  /** What went over the wire, one entry a peer it had a session with. */
  readonly transport: readonly TransportReceipt[];
}

export interface TransportReceipt {
  readonly peer: string;
  readonly sent: DirectionReceipt;
  readonly received: DirectionReceipt;
}

/** One direction of one session, as the end that names it counted it. */
export interface DirectionReceipt {
  readonly frames: number;
  readonly bytes: number;
  /** Running hash over the frames, 32 bytes hex: equal at both ends. */
  readonly hash: string;
}

/** The fields of a receipt that are commitments. */
export type CommittedField = 'model' | 'metrics';

/** What opens one commitment of this node's own receipt. For auditors; never leaves by itself. */
export interface ResultOpening {
  /** 32 random bytes, hex. */
  readonly salt: string;
  /** The digest that the statement had, 32 bytes hex. */
  readonly digest: string;
}

/** The commitment that stands in a receipt in place of a digest, hex. */
export function resultCommitment(field: CommittedField, { salt, digest }: ResultOpening): string {
  const parts = [salt, digest].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
  for (const part of parts) {
    if (part.length !== 32) throw new RangeError(`"opening" expected 32 bytes, got ${part.length}`);
  }
  return taggedDigest(`entente/receipt-${field}/v1`, ...parts);
}

/** The transport's account of a session, as a receipt states it. */
export function transportReceipt(
  peer: string,
  { sent, received }: SessionReceipt,
): TransportReceipt {
  const direction = ({ hash, ...counts }: SessionReceipt['sent']): DirectionReceipt => ({
    ...counts,
    hash: Buffer.from(hash).toString('hex'),
  });
  return { peer, sent: direction(sent), received: direction(received) };
}

const exactly = { additionalProperties: false } as const;
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const optionalCommitment = Type.Union([Type.Null(), Hex32]);
const Direction = Type.Object({ frames: count, bytes: count, hash: Hex32 }, exactly);

export const ReceiptSchema = Type.Object(
  {
    protocolVersion: Type.Integer({ minimum: 0, maximum: 0xffff }),
    signer: PartyName,
    fingerprint: Hex32,
    signedAt: Timestamp,
    taskId: Hex32,
    attempt: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
    outcome: Type.Enum(['completed', 'failed', 'cancelled']),
    model: optionalCommitment,
    metrics: optionalCommitment,
    transport: Type.Array(
      Type.Object({ peer: PartyName, sent: Direction, received: Direction }, exactly),
      { maxItems: MAX_PARTIES - 1 },
    ),
  },
  exactly,
);

import Type from 'typebox';
import type { SessionReceipt } from '../transport/session.ts';
import { MAX_PARTIES } from './contract-schema.ts';
import { Hex32, PartyName, Timestamp } from './schema.ts';

/** How a task ended for one party, signed by it. */
export interface ResultReceipt extends ResultStatement {
  readonly protocolVersion: number;
  readonly signer: string;
  readonly fingerprint: string;
  readonly signedAt: string;
}

/** What a party states about its run; `signReceipt` adds who and when. */
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
const optionalDigest = Type.Union([Type.Null(), Hex32]);
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
    model: optionalDigest,
    metrics: optionalDigest,
    transport: Type.Array(
      Type.Object({ peer: PartyName, sent: Direction, received: Direction }, exactly),
      { maxItems: MAX_PARTIES - 1 },
    ),
  },
  exactly,
);

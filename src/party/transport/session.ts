import type { Channel } from '../../protocols/channel.ts';
import type { MessageLink } from '../../protocols/link-channel.ts';
import type { PhaseReceipt } from '../audit/phase-statement.ts';
import type { PhasePlace } from './phase-marks.ts';

/** What one attempt at a task with one peer is bound to. Both peers must give the same values. */
export interface SessionTerms {
  /** A pinned peer's name. */
  readonly peer: string;
  /** 32 bytes. */
  readonly taskId: Uint8Array;
  /** SHA-256 of the start certificate, 32 bytes. */
  readonly certificateDigest: Uint8Array;
  /** Counted from 1; each is used once. */
  readonly attempt: number;
  /** Digest of the checkpoint that the task resumes from; zeros (the default) for its start. */
  readonly checkpointDigest?: Uint8Array;
}

export interface SessionOptions {
  /** How long to wait for the peer to open its side. Default 30 s. */
  readonly timeoutMs?: number;
  /** Ends the session, opened or not: every pending and later call throws. */
  readonly signal?: AbortSignal;
  /**
   * Keeps a phase receipt of the session, signed by both. When it rejects the session ends; `close`
   * waits for it.
   */
  readonly record?: (receipt: PhaseReceipt) => Promise<unknown>;
}

/** Traffic of one direction, as both peers count it. */
export interface DirectionReceipt {
  /** Running hash over all frames so far, 32 bytes. */
  readonly hash: Uint8Array;
  readonly frames: number;
  /** Payload bytes, framing not counted. */
  readonly bytes: number;
}

/** What was exchanged so far. One peer's `sent` is the other's `received` once all has arrived. */
export interface SessionReceipt {
  readonly sent: DirectionReceipt;
  readonly received: DirectionReceipt;
}

/**
 * An authenticated link to one peer for one attempt at one task. Outlives the connections that carry
 * it: what breaks is dialled again, and nothing is lost, doubled or reordered. Ends with
 * `UNREACHABLE` when the peer stays away for longer than `LinkLimits.peerTimeoutMs`, and with
 * `NO_SESSION` when its process was started anew.
 */
export interface Session {
  readonly peer: string;
  /** SHA-256 of the key with which the peer was pinned, hex. */
  readonly fingerprint: string;
  readonly attempt: number;
  /** Names the session, hex; no secret. */
  readonly id: string;
  /** Digest of both signed hellos, to which the session's keys are bound, hex. */
  readonly transcript: string;
  readonly channel: Channel;
  /** What `channel` sends over, for a program that has its own channel in another thread. */
  readonly link: MessageLink;
  receipt(): SessionReceipt;
  /**
   * Marks where the program is: soon both peers have signed, and recorded, what this side has sent until
   * then. Every session that ends in order has last marks of both.
   */
  mark(place: PhasePlace): void;
  /** A key that only the two peers know, for `purpose`; different for every session. */
  deriveKey(purpose: string, length: number): Uint8Array;
  /**
   * Ends the session in order: what was sent still arrives, then the peer's calls throw `CLOSED`.
   * Resolves when both peers have heard, and signed for, all that the other sent, so that their receipts
   * agree; throws `SessionError` when it ended otherwise, now or before. With a reason, ends it at once.
   */
  close(reason?: Error): Promise<void>;
}

import * as crypto from 'node:crypto';
import type { DirectionReceipt } from './session.ts';

/**
 * Hash and counters of one direction's frames: h_i = SHA-256(h_{i-1} | head_i | SHA-256(payload_i)).
 * The head holds kind, label, sequence number, lengths and type name.
 */
export class RunningHash {
  #hash: Uint8Array;
  #frames = 0;
  #bytes = 0;

  /** `start` is h_0: 32 bytes that only the two peers know, so that small payloads stay unguessable. */
  constructor(start: Uint8Array) {
    this.#hash = start;
  }

  add(head: Uint8Array, payload: Uint8Array): void {
    const chained = Buffer.allocUnsafe(64 + head.length);
    chained.set(this.#hash, 0);
    chained.set(head, 32);
    chained.set(sha256(payload), 32 + head.length);
    this.#hash = sha256(chained);
    this.#frames += 1;
    this.#bytes += payload.length;
  }

  /** Frames so far: the number that the next one bears. */
  get frames(): number {
    return this.#frames;
  }

  receipt(): DirectionReceipt {
    return { hash: Uint8Array.from(this.#hash), frames: this.#frames, bytes: this.#bytes };
  }
}

/** One call, not a hash object: 1.0 us against 1.5 us for small messages. */
function sha256(bytes: Uint8Array): Buffer {
  return crypto.hash('sha256', bytes, 'buffer');
}

/**
 * Exchange of public keys: what every homomorphic protocol of a session starts from.
 *
 * Functionality: each party holds a key pair of its own and the other's public key. Symmetric.
 *
 * Security: semi-honest; ring LWE, see parameters.ts. A public key is not proven well formed.
 * Leaks:    nothing.
 * Cost:     1 message each way of 55 312 bytes.
 */
import { inspect } from 'node:util';
import { HePublicKey } from '../../../proto/gen/he.ts';
import type { Polynomial, RlweKernel } from '../../kernels/rlwe-kernel.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { decodePublicKey, generateSecretKey, type PublicKey, publicKeyOf } from './encryption.ts';

/** Keys of one party towards one peer. Its polynomials live in the kernel's memory until `close`. */
export class HeSession {
  readonly kernel: RlweKernel;
  /** s at the NTT points. */
  readonly secretKey: Polynomial;
  /** The peer's (b, a). */
  readonly peerKey: PublicKey;
  #open = true;

  private constructor(kernel: RlweKernel, secretKey: Polynomial, peerKey: PublicKey) {
    this.kernel = kernel;
    this.secretKey = secretKey;
    this.peerKey = peerKey;
  }

  static async setup(ch: Channel, kernel: RlweKernel, rng: Rng): Promise<HeSession> {
    const s = generateSecretKey(kernel, rng);
    try {
      await ch.send(HePublicKey, publicKeyOf(kernel, s, rng));

      const peerKey = decodePublicKey(kernel, await ch.receive(HePublicKey));
      return new HeSession(kernel, s, peerKey);
    } catch (error) {
      kernel.release(s);
      throw error;
    }
  }

  /** Erases the keys and gives their memory back; using them afterwards throws `TypeError`. Again is no error. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.kernel.release(this.secretKey);
    this.kernel.release(this.peerKey.b);
    this.kernel.release(this.peerKey.a);
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return 'HeSession [secret]';
  }
}

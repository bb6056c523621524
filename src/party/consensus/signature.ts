/** What signs in this node's name. The key itself stays behind it. */
export interface Signer {
  /** The organisation's name, as the contract has it. */
  readonly name: string;
  /** SHA-256 of the public key (SPKI, DER), lower-case hex. */
  readonly fingerprint: string;
  /** Ed25519, 64 bytes. No signature of one domain is one of another. */
  sign(domain: string, message: Uint8Array): Uint8Array;
}

/** A party's key as this node has pinned it. */
export interface PinnedKey {
  readonly fingerprint: string;
  /** Whether the key signed `message` in `domain`. False for a signature of any wrong form. */
  verify(domain: string, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Every identity this node believes in, its own included. */
export interface KeyRing {
  find(name: string): PinnedKey | undefined;
}

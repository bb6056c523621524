import { isPartyName, tryReadCertificate } from './certificate.ts';

/** What a node knows of a peer: who it is, where it listens, and the key that proves it. */
export interface PeerRecord {
  readonly name: string;
  /** `host:port`; an IPv6 host stands in brackets. */
  readonly address: string;
  readonly certificatePem: string;
  /** SHA-256 of the public key (SPKI, DER), lower-case hex. */
  readonly fingerprint: string;
}

/** The pinned peers of a node: the only ones it ever talks to. */
export interface PeerBook {
  readonly all: readonly PeerRecord[];
  byName(name: string): PeerRecord | undefined;
  byFingerprint(fingerprint: string): PeerRecord | undefined;
}

/** The address without a port is of no use, and a port without a host neither. */
const ADDRESS = /^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})$/;

/** A book of checked records. Throws `TypeError` naming the first peer that is wrong and why. */
export function peerBook(records: readonly PeerRecord[]): PeerBook {
  const byName = new Map<string, PeerRecord>();
  const byFingerprint = new Map<string, PeerRecord>();
  for (const record of records) {
    checkPeer(record);
    // Names differ in more than case: they stand in DNS names, which have none.
    const key = record.name.toLowerCase();
    if (byName.has(key)) throw new TypeError(`peer "${record.name}": the name is used twice`);
    const twin = byFingerprint.get(record.fingerprint);
    if (twin) throw new TypeError(`peer "${record.name}": its key is that of peer "${twin.name}"`);
    byName.set(key, record);
    byFingerprint.set(record.fingerprint, record);
  }
  return {
    all: [...byName.values()],
    byName: (name) => {
      const found = byName.get(name.toLowerCase());
      return found?.name === name ? found : undefined;
    },
    byFingerprint: (fingerprint) => byFingerprint.get(fingerprint),
  };
}

/** Throws `TypeError` naming the peer unless record and certificate agree. */
export function checkPeer(record: PeerRecord): void {
  const problem = problemOf(record);
  if (problem) throw new TypeError(`peer ${JSON.stringify(record.name)}: ${problem}`);
}

function problemOf({ name, address, certificatePem, fingerprint }: PeerRecord): string | undefined {
  if (!isPartyName(name)) return 'its name is not 1-63 letters, digits and inner hyphens';
  const port = Number(ADDRESS.exec(address)?.[1]);
  if (!(port >= 1 && port <= 65_535)) return `its address is not host:port: ${address}`;
  const facts = tryReadCertificate(certificatePem);
  if (!facts) return 'its certificate cannot be read';
  if (facts.name === undefined) return 'its certificate names no party';
  if (facts.name !== name) return `its certificate names "${facts.name}"`;
  if (facts.publicKey.asymmetricKeyType !== 'ed25519') return 'its key is not an Ed25519 key';
  if (facts.fingerprint !== fingerprint) {
    return `its certificate's key has fingerprint ${facts.fingerprint}, not ${fingerprint}`;
  }
  return undefined;
}

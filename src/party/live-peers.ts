/** The peers of a configuration, and a node that follows its changes without a restart. */
import { readFile } from 'node:fs/promises';
import { readCertificate } from './certificate.ts';
import { ConfigError, loadConfig } from './config.ts';
import type { Environment } from './config-source.ts';
import type { PeerConfig } from './config-values.ts';
import { ApiError } from './http/api-error.ts';
import { type PeerBook, type PeerRecord, peerBook } from './peers.ts';
import type { Caller } from './tokens.ts';

/** What a configuration says of its peers, with their certificates. Throws `TypeError`. */
export async function readPeers(peers: readonly PeerConfig[]): Promise<PeerBook> {
  return peerBook(await Promise.all(peers.map(peerRecord)));
}

/** Where the pinned peers are in use: the transport. */
export interface PeerUser {
  readonly peers: PeerBook;
  setPeers(peers: PeerBook): void;
}

export interface LivePeers {
  list(): readonly PeerRecord[];
  /**
   * Reads the peers from the configuration again. Sessions with peers that did not change go on;
   * those with peers that are gone or pinned otherwise end. Throws `INVALID_REQUEST` saying what is
   * wrong, and nothing changes.
   */
  reload(caller: Caller): Promise<void>;
}

export function livePeers(
  configPath: string,
  env: Environment,
  user: PeerUser,
  changed: (book: PeerBook, caller: Caller) => Promise<void>,
): LivePeers {
  return {
    list: () => user.peers.all,
    async reload(caller) {
      let book: PeerBook;
      try {
        const config = await loadConfig(configPath, env);
        const { all } = await readPeers(config.peers);
        book = peerBook(all.map((peer) => unchanged(user.peers, peer) ?? peer));
      } catch (cause) {
        if (!(cause instanceof ConfigError || cause instanceof TypeError)) throw cause;
        throw new ApiError('INVALID_REQUEST', cause.message, { cause });
      }
      // Recorded first: nobody is trusted who is not in the log.
      await changed(book, caller);
      user.setPeers(book);
    },
  };
}

/** The record in use, if it says the same: connections belong to a record. */
function unchanged(book: PeerBook, peer: PeerRecord): PeerRecord | undefined {
  const known = book.byName(peer.name);
  const same =
    known?.address === peer.address &&
    known.certificatePem === peer.certificatePem &&
    known.fingerprint === peer.fingerprint;
  return same ? known : undefined;
}

async function peerRecord(peer: PeerConfig): Promise<PeerRecord> {
  const { name, address, certificate, fingerprint } = peer;
  const certificatePem = await readFile(certificate, 'utf8');
  const facts = readCertificate(certificatePem);
  return { name, address, certificatePem, fingerprint: fingerprint ?? facts.fingerprint };
}

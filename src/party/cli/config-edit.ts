import { dirname } from 'node:path';
import { isMap, isSeq, parseDocument } from 'yaml';
import { ConfigError, type NodeConfig, parseConfig } from '../config.ts';
import type { Environment } from '../config-source.ts';
import { CliError } from './command.ts';

export interface PeerEntry {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
  /** Relative to the configuration. */
  readonly certificate: string;
  readonly fingerprint: string;
}

/** The text of a configuration with one more peer; everything else, comments too, stays. */
export function withPeer(text: string, peer: PeerEntry): string {
  const document = parseDocument(text);
  const peers = document.get('peers');
  if (isSeq(peers)) {
    peers.flow = false;
    peers.add(document.createNode(peer));
  } else if (isMap(document.contents)) {
    document.set('peers', document.createNode([peer]));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The text of a configuration without a peer; everything else, comments too, stays. */
export function withoutPeer(text: string, name: string): string {
  const document = parseDocument(text);
  const peers = document.get('peers');
  if (isSeq(peers)) {
    peers.items = peers.items.filter((item) => !(isMap(item) && item.get('name') === name));
    if (peers.items.length === 0) peers.flow = true; // [] and not nothing
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

export interface EditedConfig {
  readonly path: string;
  readonly env: Environment;
}

/** Throws `CliError` unless a node with this configuration would know the peer. */
export function requirePeer(text: string, name: string, edited: EditedConfig): void {
  if (knows(text, name, edited)) return;
  throw new CliError(
    `${edited.path} would name ${name}, but the environment overrides its peers`,
    'add the peer to ENTENTE_PEERS, or unset that variable',
  );
}

/** Throws `CliError` if a node with this configuration would still know the peer. */
export function requireNoPeer(text: string, name: string, edited: EditedConfig): void {
  if (!knows(text, name, edited)) return;
  throw new CliError(
    `${name} is a peer by the environment, which overrides ${edited.path}`,
    'remove the peer from ENTENTE_PEERS, or unset that variable',
  );
}

function knows(text: string, name: string, { path, env }: EditedConfig): boolean {
  let config: NodeConfig;
  try {
    config = parseConfig(text, env, { name: path, dir: dirname(path) });
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new CliError(cause.message, 'repair the configuration and run this again', { cause });
  }
  return config.peers.some((peer) => peer.name === name);
}

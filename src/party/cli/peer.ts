import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isPartyName, tryReadCertificate } from '../certificate.ts';
import type { NodeConfig } from '../config.ts';
import type { PeerConfig } from '../config-values.ts';
import { writeDurably } from '../durable-file.ts';
import { checkPeer, type PeerRecord } from '../peers.ts';
import { CliError, type CommandResult } from './command.ts';
import { requireNoPeer, requirePeer, withoutPeer, withPeer } from './config-edit.ts';
import { connect, isAway, type NodeAddress } from './node-api.ts';
import { type ConfigSource, readConfig, readIdentity } from './read-config.ts';
import { facts, table } from './tables.ts';
import { unreadable } from './unreadable.ts';

export interface PeerToAdd {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
  /** File that holds the peer's certificate, PEM. */
  readonly certificate: string;
  /** As the peer told it by another way; compared without case, colons and spaces. */
  readonly fingerprint?: string;
}

/** Beside the configuration. */
const PEERS_FOLDER = 'peers';

/** Pins a peer: copies its certificate beside the configuration and adds it there. */
export async function peerAdd(source: NodeAddress, peer: PeerToAdd): Promise<CommandResult> {
  const path = resolve(source.config);
  const config = await readConfig(source);
  const certificatePem = await readCertificateFile(peer.certificate);
  const record = recordOf(peer, certificatePem);
  if (peer.name.toLowerCase() === config.name.toLowerCase()) {
    throw new CliError(`${peer.name} is this node itself`, 'a peer has another name');
  }
  if (config.peers.some(({ name }) => name.toLowerCase() === peer.name.toLowerCase())) {
    const hint = `"entente peer remove ${peer.name}" first, to pin another key or address`;
    throw new CliError(`${peer.name} is pinned already`, hint);
  }

  const { name, address, fingerprint } = record;
  const entry = { name, address, certificate: `${PEERS_FOLDER}/${name}.crt`, fingerprint };
  const text = withPeer(await readFile(path, 'utf8'), entry);
  requirePeer(text, name, { path, env: source.env });

  const folder = join(dirname(path), PEERS_FOLDER);
  const copy = join(folder, `${name}.crt`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(copy, certificatePem, { flag: 'wx', mode: 0o644 }).catch((cause: unknown) => {
    const hint = 'is it from an earlier peer? remove it and run this again';
    throw new CliError(`${copy} cannot be written`, hint, { cause });
  });
  try {
    await writeDurably(path, text, { mode: 0o640 });
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
  const check =
    peer.fingerprint === undefined
      ? `Compare this fingerprint with ${name} by another way, e.g. by telephone.\n`
      : '';
  const live = await reloadPeers(source);
  return {
    text: `${name} is pinned at ${address}\n  fingerprint  ${fingerprint}\n${check}${live.text}\n`,
    json: { name, address, fingerprint, certificate: copy, live: live.done },
  };
}

/** Forgets a peer: the node talks to it no more. */
export async function peerRemove(source: NodeAddress, name: string): Promise<CommandResult> {
  const path = resolve(source.config);
  const peer = findPeer(await readConfig(source), name);
  const text = withoutPeer(await readFile(path, 'utf8'), name);
  requireNoPeer(text, name, { path, env: source.env });
  await writeDurably(path, text, { mode: 0o640 });
  const copy = join(dirname(path), PEERS_FOLDER, `${name}.crt`);
  if (peer.certificate === copy) await rm(copy, { force: true });
  const live = await reloadPeers(source);
  return {
    text: `${name} is no peer any more\n${live.text}\n`,
    json: { removed: name, live: live.done },
  };
}

/** The pinned peers. */
export async function peerList(source: ConfigSource): Promise<CommandResult> {
  const { peers } = await readConfig(source);
  const list = await Promise.all(
    peers.map(async ({ name, address, certificate, fingerprint }) => ({
      name,
      address,
      fingerprint: fingerprint ?? (await fingerprintOf(certificate)),
      certificate,
    })),
  );
  const rows = list.map((peer) => [peer.name, peer.address, peer.fingerprint ?? 'unreadable']);
  const text = rows.length === 0 ? 'No peers yet. "entente peer add" pins one.\n' : table(rows);
  return { text, json: { peers: list } };
}

/** What a peer needs to pin this node; or, with a name, what is pinned of that peer. */
export async function peerShow(source: ConfigSource, name?: string): Promise<CommandResult> {
  const config = await readConfig(source);
  if (name !== undefined) {
    const { address, certificate, fingerprint: pinned } = findPeer(config, name);
    const fingerprint = pinned ?? (await fingerprintOf(certificate));
    return shown(name, { address, fingerprint, certificate });
  }
  const own = await readIdentity(config);
  const certificate = join(config.identity.dir, 'identity.crt');
  return shown(own.name, { fingerprint: own.fingerprint, certificate });
}

function shown(name: string, known: Readonly<Record<string, string | null>>): CommandResult {
  return { text: `${name}\n${facts(Object.entries(known))}`, json: { name, ...known } };
}

function findPeer({ peers, name: me }: NodeConfig, name: string): PeerConfig {
  const peer = peers.find((each) => each.name === name);
  if (peer) return peer;
  const known = peers.map((each) => each.name).join(', ') || 'none';
  throw new CliError(`${name} is no peer of ${me}`, `the peers are: ${known}`);
}

async function fingerprintOf(certificate: string): Promise<string | null> {
  const pem = await readFile(certificate, 'utf8').catch(() => '');
  return tryReadCertificate(pem)?.fingerprint ?? null;
}

/** Tells a running node that its peers changed; what is then to be done, if anything. */
async function reloadPeers(
  address: NodeAddress,
): Promise<{ readonly done: boolean; readonly text: string }> {
  try {
    // The node of this configuration, whatever other node the environment names.
    const { ENTENTE_URL: _, ENTENTE_TOKEN: __, ...env } = address.env;
    await (await connect({ config: address.config, env })).api.reloadPeers();
    return { done: true, text: 'The running node knows it.' };
  } catch (error) {
    if (isAway(error)) return { done: false, text: 'The node takes it up when it starts.' };
    return { done: false, text: `Restart the node to use it: ${(error as Error).message}` };
  }
}

async function readCertificateFile(path: string): Promise<string> {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable(path, "name the file with the peer's certificate", cause);
  });
  if (pem.includes('PRIVATE KEY')) {
    const hint = 'a peer must never send its key; ask for its certificate, identity.crt';
    throw new CliError(`${path} holds a private key`, hint);
  }
  return pem;
}

/** The record to pin, checked against the certificate and the fingerprint. */
function recordOf(peer: PeerToAdd, certificatePem: string): PeerRecord {
  if (!isPartyName(peer.name)) {
    const hint = "use the name in the peer's certificate";
    throw new CliError(`"${peer.name}" cannot be the name of a party`, hint);
  }
  const fingerprint = tryReadCertificate(certificatePem)?.fingerprint ?? '';
  const record = { name: peer.name, address: peer.address, certificatePem, fingerprint };
  try {
    checkPeer(record);
  } catch (cause) {
    const hint = 'ask the peer for the output of "entente peer show" and its certificate';
    throw new CliError((cause as Error).message, hint, { cause });
  }
  const expected = peer.fingerprint?.toLowerCase().replaceAll(/[\s:]/g, '');
  if (expected !== undefined && expected !== fingerprint) {
    throw new CliError(
      `the certificate has fingerprint ${fingerprint}, not ${expected}`,
      'do not use this certificate: it is not the one that the peer speaks of',
    );
  }
  return record;
}

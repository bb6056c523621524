import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isPartyName, tryReadCertificate } from '../certificate.ts';
import { writeDurably } from '../durable-file.ts';
import { checkPeer, type PeerRecord } from '../peers.ts';
import { CliError, type CommandResult } from './command.ts';
import { requirePeer, withPeer } from './config-edit.ts';
import { type ConfigSource, readConfig, readIdentity } from './read-config.ts';

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
export async function peerAdd(source: ConfigSource, peer: PeerToAdd): Promise<CommandResult> {
  const path = resolve(source.config);
  const config = await readConfig(source);
  const certificatePem = await readCertificateFile(peer.certificate);
  const record = recordOf(peer, certificatePem);
  if (peer.name.toLowerCase() === config.name.toLowerCase()) {
    throw new CliError(`${peer.name} is this node itself`, 'a peer has another name');
  }
  if (config.peers.some(({ name }) => name.toLowerCase() === peer.name.toLowerCase())) {
    const hint = `remove it from ${path} and from ${PEERS_FOLDER}/ to pin another key`;
    throw new CliError(`${peer.name} is pinned already`, hint);
  }

  const { name, address, fingerprint } = record;
  const entry = { name, address, certificate: `${PEERS_FOLDER}/${name}.crt`, fingerprint };
  const text = withPeer(await readFile(path, 'utf8'), entry);
  requirePeer(text, entry, { path, env: source.env });

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
  return {
    text: `${name} is pinned at ${address}\n  fingerprint  ${fingerprint}\n${check}Restart the node to use it.\n`,
    json: { name, address, fingerprint, certificate: copy },
  };
}

/** What a peer needs to pin this node. */
export async function peerShow(source: ConfigSource): Promise<CommandResult> {
  const config = await readConfig(source);
  const { name, fingerprint } = await readIdentity(config);
  const certificate = join(config.identity.dir, 'identity.crt');
  return {
    text: `${name}\n  fingerprint  ${fingerprint}\n  certificate  ${certificate}\n`,
    json: { name, fingerprint, certificate },
  };
}

async function readCertificateFile(path: string): Promise<string> {
  const pem = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError(`${path} cannot be read`, "name the file with the peer's certificate", {
      cause,
    });
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

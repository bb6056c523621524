import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isPartyName, tryReadCertificate } from '../certificate.ts';
import { writeDurably } from '../durable-file.ts';
import { loadIdentity } from '../identity.ts';
import { checkPeer, type PeerRecord } from '../peers.ts';
import { CliError, type CommandResult } from './command.ts';
import { addPeer, FOLDERS, readNodeConfig } from './node-config.ts';

export interface PeerToAdd {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
  /** File that holds the peer's certificate, PEM. */
  readonly certificate: string;
  /** As the peer told it by another way; compared without case, colons and spaces. */
  readonly fingerprint?: string;
}

/** Pins a peer: copies its certificate beside the configuration and adds it there. */
export async function peerAdd(configPath: string, peer: PeerToAdd): Promise<CommandResult> {
  const config = await readNodeConfig(configPath);
  const certificatePem = await readCertificateFile(peer.certificate);
  const record = recordOf(peer, certificatePem);
  if (peer.name.toLowerCase() === config.name.toLowerCase()) {
    throw new CliError(`${peer.name} is this node itself`, 'a peer has another name');
  }
  if (config.peers.some(({ name }) => name.toLowerCase() === peer.name.toLowerCase())) {
    const hint = `remove it from ${config.path} and from ${FOLDERS.peers}/ to pin another key`;
    throw new CliError(`${peer.name} is pinned already`, hint);
  }

  const folder = join(dirname(config.path), FOLDERS.peers);
  const copy = join(folder, `${peer.name}.crt`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(copy, certificatePem, { flag: 'wx', mode: 0o644 }).catch((cause: unknown) => {
    const hint = `is it from an earlier peer? remove it and run this again`;
    throw new CliError(`${copy} cannot be written`, hint, { cause });
  });
  try {
    const entry = {
      name: peer.name,
      address: peer.address,
      certificate: relativeTo(config.path, copy),
    };
    await writeDurably(config.path, addPeer(config.text, entry), { mode: 0o640 });
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
  const { name, address, fingerprint } = record;
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
export async function peerShow(configPath: string): Promise<CommandResult> {
  const { name, identityDir } = await readNodeConfig(configPath);
  const { fingerprint } = await loadIdentity(identityDir);
  const certificate = join(identityDir, 'identity.crt');
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

function relativeTo(configPath: string, path: string): string {
  return relative(dirname(configPath), path).replaceAll('\\', '/');
}

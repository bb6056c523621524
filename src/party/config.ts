import { access, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigSource, type Environment } from './config-source.ts';
import {
  byteSize,
  flag,
  type HostPort,
  hostPort,
  type Kind,
  memorySize,
  oneOf,
  type PeerConfig,
  partyName,
  path,
  paths,
  type WitnessConfig,
  wholeNumber,
  witnesses,
} from './config-values.ts';
import { isLoopback } from './http/access.ts';

/** Everything an operator decides, checked. Paths are absolute. */
export interface NodeConfig {
  readonly name: string;
  /** Tasks, audit log and models' parts. */
  readonly dataDir: string;
  readonly identity: {
    readonly dir: string;
    /** Holds the passphrase that seals the key; null if it is not sealed. */
    readonly passphraseFile: string | null;
  };
  readonly listen: { readonly grpc: HostPort; readonly http: HostPort };
  readonly peers: readonly PeerConfig[];
  readonly data: {
    readonly roots: readonly string[];
    readonly threads: number;
    readonly memoryLimit: string;
  };
  readonly policyFile: string;
  readonly resultDir: string;
  readonly log: { readonly level: LogLevel; readonly pretty: boolean };
  readonly http: {
    readonly auth: 'token' | 'off';
    /** PEM files of the HTTP interface's own certificate; null for plain HTTP. */
    readonly tls: { readonly certificateFile: string; readonly keyFile: string } | null;
    /** Plain HTTP off loopback, where a proxy in front does TLS. */
    readonly allowPlaintext: boolean;
    readonly syncTimeoutSec: number;
    readonly bodyLimitBytes: number;
    /** Calls a minute of one token, or of one address without tokens; 0 for no limit. */
    readonly callsPerMinute: number;
  };
  readonly tasks: {
    readonly peerTimeoutSec: number;
    readonly contractLifetimeSec: number;
    /** Tasks that compute at the same time; more wait for their turn. */
    readonly concurrent: number;
    /** A task that runs longer ends at every party. */
    readonly timeoutSec: number;
    /** Of one task's thread, its kernels included. */
    readonly memoryLimitBytes: number;
    /** Items that take more go to the disk while they wait for their turn. */
    readonly spillBytes: number;
  };
  readonly audit: {
    /** Who may cosign the audit log's checkpoints over HTTP beside the parties, e.g. a regulator. */
    readonly witnesses: readonly WitnessConfig[];
  };
  readonly psi: { readonly workers: number };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/**
 * A configuration that cannot be used: every problem at once, each naming the key and what to do.
 */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const MAX_CONFIG_BYTES = 1 << 20;

/**
 * Reads the configuration file and the environment and checks both, with the files they name.
 * Relative paths count from the file's folder.
 */
export async function loadConfig(file: string, env: Environment): Promise<NodeConfig> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new ConfigError([`${file}: cannot be read; \`entente init\` writes one`]);
  });
  if (text.length > MAX_CONFIG_BYTES) throw new ConfigError([`${file}: larger than 1 MiB`]);
  const config = parseConfig(text, env, { name: file, dir: dirname(resolve(file)) });
  const problems = await missingFiles(config);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/**
 * Reads the configuration in a YAML text. The variable of a key is `ENTENTE_` and its path in upper
 * case with underscores: `data.memoryLimit` is `ENTENTE_DATA_MEMORY_LIMIT`. It wins over the file;
 * an empty one counts as not set. Lists of paths are separated by commas, `ENTENTE_PEERS` is YAML
 * (or JSON).
 */
export function parseConfig(
  text: string,
  env: Environment,
  { name = 'configuration', dir = '/' } = {},
): NodeConfig {
  const source = new ConfigSource(text, env, name);
  const at = (relative: string): string => resolve(dir, relative);
  const listen = {
    grpc: source.take('listen.grpc', hostPort, '0.0.0.0:7400'),
    http: source.take('listen.http', hostPort, '127.0.0.1:7480'),
  };
  const passphraseFile = source.take<string | null>('identity.passphraseFile', orNull(path), null);
  const certificateFile = source.take<string | null>('http.certificateFile', orNull(path), null);
  const keyFile = source.take<string | null>('http.keyFile', orNull(path), null);
  const config: NodeConfig = {
    name: source.take('name', partyName),
    dataDir: at(source.take('dataDir', path, 'state')),
    identity: {
      dir: at(source.take('identity.dir', path, 'identity')),
      passphraseFile: passphraseFile && at(passphraseFile),
    },
    listen,
    peers: source.takePeers().map((peer) => ({ ...peer, certificate: at(peer.certificate) })),
    data: {
      roots: source.take('data.roots', paths, ['data']).map(at),
      threads: source.take('data.threads', wholeNumber(1, 256), 2),
      memoryLimit: source.take('data.memoryLimit', memorySize, '1GB'),
    },
    policyFile: at(source.take('policyFile', path, 'policy.yaml')),
    resultDir: at(source.take('resultDir', path, 'results')),
    log: {
      level: source.take(
        'log.level',
        oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
        'info',
      ),
      pretty: source.take('log.pretty', flag, false),
    },
    http: {
      auth: source.take('http.auth', oneOf('token', 'off'), 'token'),
      tls:
        certificateFile && keyFile
          ? { certificateFile: at(certificateFile), keyFile: at(keyFile) }
          : null,
      allowPlaintext: source.take('http.allowPlaintext', flag, false),
      syncTimeoutSec: source.take('http.syncTimeoutSec', wholeNumber(1, 86_400, 'seconds'), 900),
      bodyLimitBytes: source.take('http.bodyLimit', byteSize(1024, 2 ** 30), '1MiB'),
      callsPerMinute: source.take('http.callsPerMinute', wholeNumber(0, 1_000_000), 600),
    },
    tasks: {
      peerTimeoutSec: source.take('tasks.peerTimeoutSec', wholeNumber(5, 86_400, 'seconds'), 120),
      contractLifetimeSec: source.take(
        'tasks.contractLifetimeSec',
        wholeNumber(30, 30 * 86_400, 'seconds'),
        3600,
      ),
      concurrent: source.take('tasks.concurrent', wholeNumber(1, 64), 2),
      timeoutSec: source.take('tasks.timeoutSec', wholeNumber(10, 30 * 86_400, 'seconds'), 86_400),
      memoryLimitBytes: source.take('tasks.memoryLimit', byteSize(2 ** 28, 2 ** 40), '4GiB'),
      spillBytes: source.take('tasks.spillBytes', byteSize(0, 2 ** 40), '512MiB'),
    },
    audit: { witnesses: source.take('audit.witnesses', witnesses, []) },
    psi: { workers: source.take('psi.workers', wholeNumber(1, 64), 2) },
  };
  source.refuseUnknown();
  if ((certificateFile === null) !== (keyFile === null)) {
    source.problems.push('http: certificateFile and keyFile belong together; give both or none');
  }
  if (source.problems.length === 0) source.problems.push(...contradictions(config));
  if (source.problems.length > 0) throw new ConfigError(source.problems);
  return config;
}

function orNull<T>(kind: Kind<T>): Kind<T | null> {
  return { ...kind, read: (value) => (value === null ? null : kind.read(value)) };
}

/** What is wrong between keys that are right one by one. */
function contradictions({ name, listen, peers, http, audit }: NodeConfig): string[] {
  const problems: string[] = [];
  if (http.auth === 'off' && !isLoopback(listen.http.host)) {
    problems.push(
      'http.auth: off is possible only while listen.http is a loopback address; use token',
    );
  }
  const open = http.auth === 'token' && !http.tls && !http.allowPlaintext;
  if (open && !isLoopback(listen.http.host)) {
    problems.push(
      'listen.http: tokens would travel unencrypted; give http.certificateFile and http.keyFile, or set http.allowPlaintext behind a proxy that does TLS',
    );
  }
  const { grpc } = listen;
  if (grpc.port !== 0 && grpc.port === listen.http.port && grpc.host === listen.http.host) {
    problems.push('listen.http: is the address of listen.grpc; choose another port');
  }
  const names = peers.map((peer) => peer.name.toLowerCase());
  names.forEach((peer, i) => {
    if (names.indexOf(peer) < i) problems.push(`peers[${i}].name: is the name of another peer`);
    if (peer === name.toLowerCase()) problems.push(`peers[${i}].name: is the name of this node`);
  });
  const known = [name.toLowerCase(), ...names];
  for (const [i, witness] of audit.witnesses.entries()) {
    const lowerCase = witness.name.toLowerCase();
    if (known.includes(lowerCase)) {
      problems.push(
        `audit.witnesses[${i}].name: is the name of this node, a peer or another witness`,
      );
    }
    known.push(lowerCase);
  }
  return problems;
}

/**
 * What the configuration names and the disk does not have. Folders the node writes to it creates
 * itself.
 */
async function missingFiles(config: NodeConfig): Promise<string[]> {
  const problems: string[] = [];
  const { passphraseFile } = config.identity;
  const files: [string, string][] = [
    ['policyFile', config.policyFile],
    ...(passphraseFile ? [['identity.passphraseFile', passphraseFile] as [string, string]] : []),
    ...(config.http.tls
      ? ([
          ['http.certificateFile', config.http.tls.certificateFile],
          ['http.keyFile', config.http.tls.keyFile],
        ] as [string, string][])
      : []),
    ...config.peers.map(({ certificate }, i): [string, string] => [
      `peers[${i}].certificate`,
      certificate,
    ]),
  ];
  for (const [key, file] of files) {
    await access(file).catch(() => problems.push(`${key}: ${file} cannot be read`));
  }
  for (const root of config.data.roots) {
    const status = await stat(root).catch(() => undefined);
    if (!status?.isDirectory()) problems.push(`data.roots: ${root} is not a folder; create it`);
    // The database would read such a path as a pattern.
    else if (/[*?[\]{}]/.test(root))
      problems.push(`data.roots: ${root} has * ? [ ] { or }; rename it`);
  }
  return problems;
}

/**
 * An organisation on this machine: a directory made by the command line, and a node process of its own.
 * Used by the demo, the benchmarks and the end-to-end tests; it does what a person would do.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NodeClient } from '../src/sdk/node-client.ts';

const CLI = fileURLToPath(new URL('../src/party/cli/main.js', import.meta.url));
const START_TIMEOUT_MS = 20_000;

export interface OrganisationOptions {
  readonly name: string;
  /** Made by this call; must not exist. */
  readonly directory: string;
  /** YAML of the policy file. Without it the node refuses everything. */
  readonly policy?: string;
  /** Further environment of the node process, e.g. `ENTENTE_...` values. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One organisation: its directory, its addresses, and its node once started. */
export class Organisation {
  readonly name: string;
  readonly directory: string;
  readonly grpc: string;
  readonly http: string;
  readonly #env: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;
  #token: string | undefined;

  private constructor(options: OrganisationOptions, grpc: string, http: string) {
    this.name = options.name;
    this.directory = options.directory;
    this.#env = options.env ?? {};
    this.grpc = grpc;
    this.http = http;
  }

  /** Runs `entente init`: identity, configuration, folders. */
  static async create(options: OrganisationOptions): Promise<Organisation> {
    const [grpc, http] = await freePorts(2);
    const organisation = new Organisation(options, `127.0.0.1:${grpc}`, `127.0.0.1:${http}`);
    await entente([
      ...['init', options.directory, '--name', options.name],
      ...['--grpc', organisation.grpc, '--http', organisation.http],
    ]);
    if (options.policy !== undefined) {
      await writeFile(join(options.directory, 'policy.yaml'), options.policy);
    }
    const { token } = (await organisation.cli(
      ...['token', 'create', '--role', 'coordinator', '--json'],
    )) as { token: string };
    organisation.#token = token;
    return organisation;
  }

  get config(): string {
    return join(this.directory, 'entente.yaml');
  }

  get certificate(): string {
    return join(this.directory, 'identity', 'identity.crt');
  }

  get client(): NodeClient {
    return new NodeClient({ url: `http://${this.http}`, token: this.#token! });
  }

  /** The bearer token of this organisation's coordinator. */
  get token(): string {
    return this.#token!;
  }

  /** Runs `entente ... --config`, and returns what it printed as JSON. */
  async cli(...args: readonly string[]): Promise<unknown> {
    const printed = await entente([...args, '--config', this.config]);
    return args.includes('--json') ? JSON.parse(printed) : printed;
  }

  /** Pins the other organisation's certificate and address: its own, or where something passes on to it. */
  async trust(peer: Organisation, address: string = peer.grpc): Promise<void> {
    await this.cli('peer', 'add', peer.name, address, '--certificate', peer.certificate);
  }

  /** Puts a file into this organisation's data folder; returns the name to use in requests. */
  async addData(file: string, name: string = basename(file)): Promise<string> {
    await mkdir(join(this.directory, 'data'), { recursive: true });
    await copyFile(file, join(this.directory, 'data', name));
    return name;
  }

  /** Starts the node and resolves once it answers. */
  async start(): Promise<void> {
    const log = await open(join(this.directory, 'node.log'), 'a');
    const child = spawn(process.execPath, [CLI, 'node', '--config', this.config], {
      // What uses organisations asks often how a task is.
      env: { ...process.env, ENTENTE_HTTP_CALLS_PER_MINUTE: '0', ...this.#env },
      stdio: ['ignore', log.fd, log.fd],
    });
    await log.close();
    this.#process = child;
    const end = (): void => void child.kill('SIGKILL'); // no node outlives what started it
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.client.isHealthy())) {
      if (hasExited(child) || Date.now() > deadline) {
        await this.stop('SIGKILL');
        throw new Error(`node ${this.name} did not start:\n${await this.log()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What the node has written so far, over all its starts. */
  async log(): Promise<string> {
    return readFile(join(this.directory, 'node.log'), 'utf8').catch(() => '');
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Stops the node, in order by default. Resolves with its exit code; null when a signal ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#process;
    if (!child || hasExited(child)) return child?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return exited;
  }

  /** Largest resident set of the node process so far, in MB. Linux only; 0 elsewhere. */
  async peakRssMb(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => '');
    return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
  }

  /** A file of the result directory. */
  async result(path: string): Promise<string> {
    return readFile(join(this.directory, path), 'utf8');
  }
}

/**
 * A policy that lets peers train with every dataset here, as columns of any kind, or do other things.
 *
 * @param minimumMargin - reconstruction margin of boosted trees; the node's default when left out.
 */
export function openPolicy(
  peers: readonly string[],
  algorithms: readonly string[] = ['vertical/*'],
  minimumMargin?: number,
): string {
  const list = JSON.stringify(peers);
  return `version: 1
rules:
  - name: joint work with ${peers.join(', ')}
    peers: ${list}
    purposes: ['*']
    algorithms: ${JSON.stringify(algorithms)}
    datasets: ['**']
    columns: { allow: ['*'] }
    receivers: ${list}
    model_release: [full, split]
${minimumMargin === undefined ? '' : `    minimum_margin: ${minimumMargin}\n`}`;
}

export interface StartOptions {
  /** Further environment of the node processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** What their policies allow; see `openPolicy`. */
  readonly algorithms?: readonly string[];
  readonly minimumMargin?: number;
}

/** Organisations that trust one another and whose policies allow joint work; nodes running. */
export async function startOrganisations(
  directory: string,
  names: readonly string[],
  { env = {}, algorithms, minimumMargin }: StartOptions = {},
): Promise<readonly Organisation[]> {
  await mkdir(directory, { recursive: true });
  const policy = openPolicy(names, algorithms, minimumMargin);
  const all = await Promise.all(
    names.map((name) =>
      Organisation.create({ name, directory: join(directory, name), policy, env }),
    ),
  );
  await Promise.all(all.map((each) => trustAll(each, all)));
  const started = await Promise.allSettled(all.map((each) => each.start()));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await Promise.all(all.map((each) => each.stop()));
    throw failed.reason;
  }
  return all;
}

/** Two of them, for training. */
export async function startPair(
  directory: string,
  names: readonly [string, string],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly [Organisation, Organisation]> {
  const [a, b] = await startOrganisations(directory, names, { env });
  return [a!, b!];
}

/** One after the other: each changes the same file. */
async function trustAll(own: Organisation, all: readonly Organisation[]): Promise<void> {
  for (const peer of all) if (peer !== own) await own.trust(peer);
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Runs the command line; what it printed. Throws when it fails. */
export async function entente(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args]);
  return stdout;
}

/** Ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

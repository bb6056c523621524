/** What commands ask of a running node. */
import { readFile, stat } from 'node:fs/promises';
import { NodeClient, NodeRequestError } from '../../sdk/node-client.ts';
import type { NodeConfig } from '../config.ts';
import { type Environment, TOKEN_VARIABLE, URL_VARIABLE } from '../config-source.ts';
import { operatorTokenFile } from '../node-folders.ts';
import { CliError, usageError } from './command.ts';
import { readConfig } from './read-config.ts';
import { unreadable } from './unreadable.ts';

/** Which node, and as whom. */
export interface NodeAddress {
  /** Without it the node of the configuration, on this machine. */
  readonly url?: string;
  /** Without it the token file beside that node's state. */
  readonly token?: string;
  readonly config: string;
  readonly env: Environment;
}

/** A node that can be asked, and what is known of it here. */
export interface Connection {
  readonly api: NodeClient;
  /** Null when it was named by its address: its files are elsewhere. */
  readonly config: NodeConfig | null;
}

/** The options that name a node; `--url` and `--token` win over the environment, it over files. */
export async function connect(address: NodeAddress): Promise<Connection> {
  const { env } = address;
  const given = address.url ?? (env[URL_VARIABLE] || undefined);
  const token = address.token ?? (env[TOKEN_VARIABLE] || undefined);
  if (given !== undefined) {
    const url = checkedUrl(given);
    return { api: clientOf(url, token), config: null };
  }
  const config = await readConfig(address);
  const url = localUrl(config);
  if (token !== undefined || config.http.auth === 'off') {
    return { api: clientOf(url, token), config };
  }
  return { api: clientOf(url, await operatorToken(config)), config };
}

/** Where the node of a configuration answers on this machine. */
export function localUrl({ http, listen }: Pick<NodeConfig, 'http' | 'listen'>): string {
  const { host, port } = listen.http;
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  const inUrl = reachable.includes(':') ? `[${reachable}]` : reachable;
  return `http${http.tls ? 's' : ''}://${inUrl}:${port}`;
}

/** Whether no node answered at all, so that none is running there. */
export function isAway(error: unknown): boolean {
  return error instanceof NodeRequestError && error.status === 0;
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && ['http:', 'https:'].includes(url.protocol)) return text;
  throw usageError(`${text} is no address of a node`, 'give one like http://127.0.0.1:7480');
}

async function operatorToken(config: NodeConfig): Promise<string> {
  const file = operatorTokenFile(config);
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      throw new CliError(`${file} can be read by others`, `chmod 600 ${file}`);
    }
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const hint =
      'give a token with --token or ENTENTE_TOKEN; "entente token create --role admin --save" makes the file while the node is stopped';
    throw unreadable(file, hint, cause);
  }
  return text.trim();
}

function clientOf(url: string, token: string | undefined): NodeClient {
  return new NodeClient(token === undefined ? { url } : { url, token });
}

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { isMap, isSeq, parseDocument } from 'yaml';
import { CliError } from './command.ts';

/** Folders of a node, relative to its configuration. */
export const FOLDERS = {
  identity: 'identity',
  peers: 'peers',
  data: 'data',
  state: 'state',
} as const;

/** What the commands need of a node's configuration; paths are absolute. */
export interface NodeConfig {
  readonly path: string;
  readonly text: string;
  readonly name: string;
  readonly identityDir: string;
  readonly storeDir: string;
  readonly peers: readonly ConfiguredPeer[];
}

export interface ConfiguredPeer {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
  /** Relative to the configuration. */
  readonly certificate: string;
}

const Peer = Type.Object({
  name: Type.String(),
  address: Type.String(),
  certificate: Type.String(),
});

/** The part that the commands read; the node itself checks the whole. */
const ConfigSchema = Type.Object({
  name: Type.String(),
  identity: Type.String(),
  state: Type.String(),
  peers: Type.Unsafe<readonly ConfiguredPeer[] | null>({ type: ['array', 'null'], items: Peer }),
});

/** A configuration that works as it is. */
export function sampleConfig({
  name,
  grpc,
  http,
}: {
  readonly name: string;
  readonly grpc: string;
  readonly http: string;
}): string {
  return `# Relative paths start at this file's folder.
name: ${JSON.stringify(name)}

grpc:
  listen: ${JSON.stringify(grpc)}
http:
  listen: ${JSON.stringify(http)}
  auth: token

identity: ${FOLDERS.identity}
policy: policy.yaml
state: ${FOLDERS.state}
data:
  - ${FOLDERS.data}

# "entente peer add" appends here.
peers: []
`;
}

/** Reads a configuration. Throws `CliError` that names the file and what is wrong. */
export async function readNodeConfig(path: string): Promise<NodeConfig> {
  const absolute = resolve(path);
  const text = await readFile(absolute, 'utf8').catch((cause: unknown) => {
    const hint = 'name it with --config, or create a node with "entente init"';
    throw new CliError(`${absolute} cannot be read`, hint, { cause });
  });
  const document = parseDocument(text);
  const [syntax] = document.errors;
  if (syntax) throw new CliError(`${absolute}: ${syntax.message}`, 'repair it and run this again');
  const value: unknown = document.toJS();
  if (!Value.Check(ConfigSchema, value)) {
    const [error] = Value.Errors(ConfigSchema, value);
    const field = error?.instancePath.slice(1).replaceAll('/', '.') || 'the file';
    const hint = 'repair it and run this again';
    throw new CliError(`${absolute}: ${field} ${error?.message ?? 'is invalid'}`, hint);
  }
  const folder = dirname(absolute);
  return {
    path: absolute,
    text,
    name: value.name,
    identityDir: resolve(folder, value.identity),
    storeDir: join(resolve(folder, value.state), 'store'),
    peers: value.peers ?? [],
  };
}

/** The text of a configuration with one more peer; everything else, comments too, stays. */
export function addPeer(text: string, peer: ConfiguredPeer): string {
  const document = parseDocument(text);
  const peers = document.get('peers');
  if (isSeq(peers)) {
    peers.flow = false;
    peers.add(document.createNode(peer));
  } else if (isMap(document.contents)) {
    document.set('peers', document.createNode([peer]));
  }
  return document.toString({ lineWidth: 0 });
}

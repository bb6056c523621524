import type { Identity } from '../../src/party/identity.ts';
import { createIdentity } from '../../src/party/identity.ts';
import { type PeerRecord, peerBook } from '../../src/party/peers.ts';
import { memoryAttempts } from '../../src/party/transport/attempts.ts';
import type { Session, SessionOptions, SessionTerms } from '../../src/party/transport/session.ts';
import type { Refusal } from '../../src/party/transport/tls.ts';
import { Transport, type TransportOptions } from '../../src/party/transport/transport.ts';
import { type FlakyProxy, startProxy } from './flaky-proxy.ts';

/** A started transport on loopback. */
export interface Node {
  readonly identity: Identity;
  readonly transport: Transport;
  /** How peers pin it. */
  readonly record: PeerRecord;
  /** Connections that it refused. */
  readonly refusals: Refusal[];
}

type Recorder = NonNullable<SessionOptions['record']>;

export type NodeOptions = Partial<TransportOptions>;

export async function startNode(name: string, options: NodeOptions = {}): Promise<Node> {
  const identity = options.identity ?? (await createIdentity(name));
  const refusals: Refusal[] = [];
  const transport = new Transport({
    identity,
    host: '127.0.0.1',
    port: 0,
    attempts: memoryAttempts(),
    onRefused: (refusal) => refusals.push(refusal),
    ...options,
  });
  const port = await transport.start();
  return { identity, transport, record: recordOf(identity, port), refusals };
}

export function recordOf(
  { name, certificatePem, fingerprint }: Identity,
  port: number,
  host = '127.0.0.1',
): PeerRecord {
  return { name, address: `${host}:${port}`, certificatePem, fingerprint };
}

/** Nodes that have pinned one another. */
export async function startNodes(
  names: readonly string[],
  options: NodeOptions = {},
): Promise<Node[]> {
  const nodes = await Promise.all(names.map((name) => startNode(name, options)));
  for (const node of nodes) {
    node.transport.setPeers(peerBook(nodes.filter((n) => n !== node).map((n) => n.record)));
  }
  return nodes;
}

export async function stopNodes(nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map(({ transport }) => transport.stop()));
}

/** Two nodes that reach each other through proxies only; each proxy stands before its node. */
export interface ProxiedNodes {
  readonly nodes: readonly [Node, Node];
  readonly proxies: readonly [FlakyProxy, FlakyProxy];
  stop(): Promise<void>;
}

export async function startProxied(options: NodeOptions = {}, delayMs = 0): Promise<ProxiedNodes> {
  const nodes = (await startNodes(['orgA', 'orgB'], options)) as [Node, Node];
  const [a, b] = nodes;
  const proxies = [
    await startProxy(portOf(a), delayMs),
    await startProxy(portOf(b), delayMs),
  ] as const;
  a.transport.setPeers(peerBook([recordOf(b.identity, proxies[1].port)]));
  b.transport.setPeers(peerBook([recordOf(a.identity, proxies[0].port)]));
  return {
    nodes,
    proxies,
    stop: async () => {
      await stopNodes(nodes);
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  };
}

export function portOf({ record }: Node): number {
  return Number(record.address.split(':')[1]);
}

/** The first attempt at a task that `tag` tells from others. */
export function termsOf(tag: number): Omit<SessionTerms, 'peer'> {
  return {
    taskId: new Uint8Array(32).fill(tag),
    certificateDigest: new Uint8Array(32).fill(0xce),
    attempt: 1,
  };
}

/** A session between two nodes, as each sees it. */
export function openPair(
  a: Node,
  b: Node,
  terms: Omit<SessionTerms, 'peer'>,
  signal?: AbortSignal,
  records: readonly [Recorder?, Recorder?] = [],
): Promise<[Session, Session]> {
  const open = (from: Node, to: Node, record: Recorder | undefined): Promise<Session> =>
    from.transport.openSession(
      { ...terms, peer: to.identity.name },
      { timeoutMs: 10_000, ...(signal && { signal }), ...(record && { record }) },
    );
  return Promise.all([open(a, b, records[0]), open(b, a, records[1])]);
}

import { deepEqual, equal, ok } from 'node:assert/strict';
import { peerBook } from '../../src/party/peers.ts';
import type { Session } from '../../src/party/transport/session.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import { linkChannel, type MessageLink } from '../../src/protocols/link-channel.ts';
import {
  type IntersectionOptions,
  openIntersection,
} from '../../src/protocols/psi/intersection.ts';
import { itemDigests } from '../../src/protocols/psi/item-digest.ts';
import { textColumn } from '../../src/protocols/psi/text-column.ts';
import { type FlakyProxy, startProxy } from '../support/flaky-proxy.ts';
import { seededRng } from '../support/seeded-rng.ts';
import { toyCurveEngine } from '../support/toy-curve-engine.ts';
import {
  type Node,
  openPair,
  recordOf,
  startNodes,
  stopNodes,
  termsOf,
} from '../support/transports.ts';
import {
  DEFAULTS,
  type SplitTable,
  syntheticTable,
  trainInMemory,
} from '../support/vertical-run.ts';

const CUTS = 20;

/** Two nodes that reach each other only through relays, which a test can cut. */
interface CutPair {
  readonly nodes: readonly [Node, Node];
  readonly proxies: readonly [FlakyProxy, FlakyProxy];
}

async function withPair(use: (pair: CutPair) => Promise<void>): Promise<void> {
  const nodes = (await startNodes(['orgA', 'orgB'])) as unknown as [Node, Node];
  const proxies = (await Promise.all(
    nodes.map(({ record }) => startProxy(Number(record.address.split(':')[1]))),
  )) as [FlakyProxy, FlakyProxy];
  for (const [i, node] of nodes.entries()) {
    const { identity } = nodes[1 - i]!;
    node.transport.setPeers(peerBook([recordOf(identity, proxies[1 - i]!.port)]));
  }
  try {
    await use({ nodes, proxies });
  } finally {
    await stopNodes(nodes);
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
}

/** The session's channel; `onMessage` is told of each message that is received. */
function watched({ link }: Session, onMessage: () => void): Channel {
  const counted: MessageLink = {
    send: (label, type, bytes) => link.send(label, type, bytes),
    receive: async (label) => {
      const message = await link.receive(label);
      onMessage();
      return message;
    },
  };
  return linkChannel(counted);
}

/** Runs a protocol over a session whose connections are all cut `CUTS` times, evenly over its messages. */
async function cutWhile<T>(
  { nodes, proxies }: CutPair,
  tag: number,
  messages: number,
  run: (channels: readonly [Channel, Channel]) => Promise<T>,
): Promise<T> {
  const sessions = await openPair(...nodes, termsOf(tag));
  let received = 0;
  let cuts = 0;
  const onMessage = (): void => {
    received += 1;
    if (cuts < CUTS && received >= ((cuts + 1) * messages) / (CUTS + 1)) {
      cuts += 1;
      for (const proxy of proxies) proxy.cut();
    }
  };
  const [a, b] = sessions.map((session) => watched(session, onMessage));
  const result = await run([a!, b!]);
  await Promise.all(sessions.map((session) => session.close()));
  equal(cuts, CUTS);
  equal(received, messages, 'no message was sent again');
  const [own, peer] = sessions.map((session) => session.receipt());
  deepEqual(own!.sent, peer!.received);
  deepEqual(own!.received, peer!.sent);
  return result;
}

/** The same run undisturbed, and how many messages both sides received. */
async function undisturbed<T>(
  { nodes }: CutPair,
  tag: number,
  run: (channels: readonly [Channel, Channel]) => Promise<T>,
): Promise<{ readonly result: T; readonly messages: number }> {
  const sessions = await openPair(...nodes, termsOf(tag));
  let messages = 0;
  const onMessage = (): void => {
    messages += 1;
  };
  const [a, b] = sessions.map((session) => watched(session, onMessage));
  const result = await run([a!, b!]);
  await Promise.all(sessions.map((session) => session.close()));
  return { result, messages };
}

describe('e2e: connections that are cut', function () {
  this.timeout(120_000);

  for (const [engine, buckets] of [
    ['ecdh', 1],
    ['rr22', 6],
  ] as const) {
    it(`do not change what a set intersection by ${engine} finds, nor make it start again`, () =>
      withPair(async (pair) => {
        const salt = new Uint8Array(32).fill(7);
        const keys = (from: number): string[] =>
          Array.from({ length: 20_000 }, (_, i) => `k${from + i}`);
        const sets = [0, 5000].map((from) => itemDigests([textColumn(keys(from))], salt));
        const options: IntersectionOptions = {
          engine,
          maxItems: 20_000,
          leader: 0,
          learners: [0, 1],
          curve: toyCurveEngine,
        };
        const intersect = async (channel: Channel, me: number): Promise<Uint32Array[]> => {
          const parties = { me, n: 2, channel: () => channel };
          const session = await openIntersection(parties, options, seededRng(me));
          const rows: Uint32Array[] = [];
          for (let k = 0; k < buckets; k++) rows.push((await session.intersect(sets[me]!))!);
          return rows;
        };
        const both = (channels: readonly [Channel, Channel]): Promise<Uint32Array[][]> =>
          Promise.all(channels.map(intersect));
        const { result, messages } = await undisturbed(pair, 1, both);
        equal(result[0]![0]!.length, 15_000);
        ok(messages > CUTS);
        deepEqual(await cutWhile(pair, 2, messages, both), result);
      }));
  }

  it('do not change a bit of a training', () =>
    withPair(async (pair) => {
      const table: SplitTable = syntheticTable(400, 3, 4, 'binary');
      const parameters = { ...DEFAULTS, epochs: 8 };
      const train = async (channels: readonly [Channel, Channel]) => {
        const run = await trainInMemory(table, 'logistic_regression', parameters, {
          channels,
          receivers: ['guest', 'host'],
          metrics: ['auc'],
        });
        return { weights: [run.guest.weights, run.host.weights], published: run.publications };
      };
      const { result, messages } = await undisturbed(pair, 3, train);
      ok(messages > CUTS);
      deepEqual(await cutWhile(pair, 4, messages, train), result);
    }));
});

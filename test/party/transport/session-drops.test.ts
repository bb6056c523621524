import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import type { PhaseReceipt } from '../../../src/party/audit/phase-statement.ts';
import { SessionError } from '../../../src/party/errors.ts';
import type { LinkLimits } from '../../../src/party/transport/link.ts';
import type { LinkSession } from '../../../src/party/transport/link-session.ts';
import type { Session } from '../../../src/party/transport/session.ts';
import type { ProtocolError } from '../../../src/protocols/errors.ts';
import { channelSuite, rawType, rejectsWith } from '../../contract/channel-suite.ts';
import { cutEvery } from '../../support/flaky-proxy.ts';
import {
  openPair,
  type ProxiedNodes,
  portOf,
  startNode,
  startProxied,
  termsOf,
} from '../../support/transports.ts';
import { until } from '../../support/until.ts';

const Raw = rawType('entente.test.Raw');
const KIB = 1 << 10;
const MIB = 1 << 20;

/** n bytes that differ by seed and by place; their period is no divisor of a frame. */
function pattern(seed: number, n: number): Uint8Array {
  const period = Uint8Array.from({ length: 251 }, (_, i) => (seed + i) & 0xff);
  return new Uint8Array(Buffer.alloc(n, period));
}

/**
 * Questions and answers of several MiB over several forks, one after the other. `onSending` is told of
 * every message that is on its way.
 */
async function converse([a, b]: readonly [Session, Session], onSending: () => void): Promise<void> {
  const forks = ([a, b] as const).map(({ channel }) => [
    channel,
    ...['x', 'y', 'z'].map((label) => channel.fork(label)),
  ]);
  for (let turn = 0; turn < 60; turn++) {
    const ends = [forks[0]![turn % 4]!, forks[1]![turn % 4]!];
    const [from, to] = turn % 2 === 0 ? ends : ends.toReversed();
    const message = pattern(turn, turn % 7 === 0 ? 2 * MIB + 5 : 64 * KIB * (turn % 5));
    const sent = from!.send(Raw, message);
    setImmediate(onSending);
    equal(Buffer.compare(await to!.receive(Raw), message), 0);
    await sent;
  }
}

describe('a session whose connections drop', () => {
  let far: ProxiedNodes;
  let tag = 0;

  before(async () => {
    far = await startProxied({ keepalive: { timeMs: 100, timeoutMs: 200 } });
  });

  after(() => far.stop());

  const open = (signal?: AbortSignal) => openPair(...far.nodes, termsOf(++tag), signal);

  const cut = (): void => {
    for (const proxy of far.proxies) proxy.cut();
  };

  describe('is a channel as any other', () => {
    channelSuite(async (signal) => {
      const sessions = await open(signal);
      cut();
      cutEvery(far.proxies, 16 * MIB, 3);
      return {
        channels: [sessions[0].channel, sessions[1].channel],
        close: async () => {
          await Promise.allSettled(sessions.map((session) => session.close()));
        },
      };
    });

    after(() => cutEvery(far.proxies, 0, 0));
  });

  it('carries the same bytes, and counts and hashes them alike, through 20 cuts of all', async () => {
    const receipts = [];
    for (const times of [0, 20]) {
      const phases: PhaseReceipt[][] = [[], []];
      const keep = (end: number) => async (receipt: PhaseReceipt) => phases[end]!.push(receipt);
      const terms = termsOf(++tag);
      const sessions = await openPair(...far.nodes, terms, undefined, [keep(0), keep(1)]);
      let [messages, cuts] = [0, 0];
      await converse(sessions, () => {
        messages += 1;
        if (messages % 8 === 0) sessions[0].mark({ phase: 'training', step: messages });
        if (messages % 3 > 0 || cuts === times) return;
        cuts += 1;
        cut();
      });
      equal(cuts, times);
      await Promise.all(sessions.map((session) => session.close()));
      const [a, b] = sessions.map((session) => session.receipt());
      deepEqual([a!.sent, a!.received], [b!.received, b!.sent]);
      const [mine, theirs] = phases.map((all) => all.map(({ signature }) => signature).toSorted());
      deepEqual(mine, theirs);
      ok(mine!.length > 4, `${mine!.length} phase receipts`);
      receipts.push([a!.sent, a!.received].map(({ frames, bytes }) => [frames, bytes]));
      receipts.push(sessions.map(({ channel }) => channel.stats));
    }
    // The hashes start from keys of the session's own.
    deepEqual(receipts.slice(2), receipts.slice(0, 2));
  });

  it('opens, carries a little and closes while connections hardly live', async () => {
    const cuts = cutEvery(far.proxies, 9 * KIB, 12);
    const sessions = await open();
    const [a, b] = sessions;
    for (let i = 0; i < 30; i++) {
      await a.channel.send(Raw, pattern(i, 500));
      deepEqual(await b.channel.receive(Raw), pattern(i, 500));
    }
    await Promise.all(sessions.map((session) => session.close()));
    deepEqual(a.receipt().sent, b.receipt().received);
    deepEqual(b.receipt().sent, a.receipt().received);
    ok(cuts() > 0, `${cuts()} cuts`);
    cutEvery(far.proxies, 0, 0);
  });

  it('goes on when only one direction drops', async () => {
    for (const proxy of far.proxies) {
      const [a, b] = await open();
      const waiting = [a.channel.receive(Raw), b.channel.receive(Raw)];
      proxy.cut();
      await Promise.all([a, b].map(({ channel }, i) => channel.send(Raw, pattern(i, 9))));
      deepEqual(await Promise.all(waiting), [pattern(1, 9), pattern(0, 9)]);
      await Promise.all([a.close(), b.close()]);
    }
  });

  it('replaces a connection that one end believes alive', async () => {
    const [a, b] = await open();
    const [, proxy] = far.proxies; // through it `a` pulls from `b`
    const { accepted } = proxy;
    proxy.strand();
    for (let i = 0; i < 4; i++) await b.channel.send(Raw, pattern(i, 3 * MIB));
    for (let i = 0; i < 4; i++) {
      equal(Buffer.compare(await a.channel.receive(Raw), pattern(i, 3 * MIB)), 0);
    }
    ok(proxy.accepted > accepted);
    await Promise.all([a.close(), b.close()]);
  });

  it('notices a connection on which nothing passes any more', async () => {
    const [a, b] = await open();
    for (const proxy of far.proxies) proxy.freeze();
    const sent = b.channel.send(Raw, pattern(1, 3 * MIB));
    equal(Buffer.compare(await a.channel.receive(Raw), pattern(1, 3 * MIB)), 0);
    await sent;
    await Promise.all([a.close(), b.close()]);
  });

  it('tells of an end with a reason, though the line was down when it was given', async () => {
    const [a, b] = await open();
    const pending = b.channel.receive(Raw).catch((error: Error) => error);
    for (const proxy of far.proxies) proxy.refuse(true);
    cut();
    await a.close(new Error('enough'));
    for (const proxy of far.proxies) proxy.refuse(false);
    const error = (await pending) as ProtocolError;
    ok(error.cause instanceof SessionError && error.cause.code === 'CLOSED', String(error.cause));
    await rejects(b.close(), { code: 'CLOSED' });
  });

  it('ends in order for a peer whose last word was lost, once the other knows it no more', async () => {
    const [a, b] = await open();
    const [proxy] = far.proxies; // through it `b` pulls from `a`
    await a.channel.send(Raw, pattern(1, 9));
    deepEqual(await b.channel.receive(Raw), pattern(1, 9));
    const closed = b.channel.receive(Raw).catch(() => proxy.freeze());
    await a.close();
    await closed;
    proxy.cut();
    await b.close();
    deepEqual(a.receipt().sent, b.receipt().received);
    deepEqual(b.receipt().sent, a.receipt().received);
  });
});

describe('a session whose peer is away', () => {
  const PEER_TIMEOUT_MS = 1_000;
  let far: ProxiedNodes | undefined;

  const open = async (limits: Partial<LinkLimits> = {}) => {
    far = await startProxied({ limits });
    const { nodes, proxies } = far;
    const refuse = (on: boolean): void => {
      for (const proxy of proxies) {
        proxy.refuse(on);
        if (on) proxy.cut();
      }
    };
    return { nodes, proxies, refuse, sessions: await openPair(...nodes, termsOf(1)) };
  };

  afterEach(() => far?.stop());

  it('ends at both, naming the peer, after the time-out; and does not flood meanwhile', async () => {
    const { sessions, proxies, refuse } = await open({ peerTimeoutMs: PEER_TIMEOUT_MS });
    const before = proxies.map(({ accepted }) => accepted);
    const pending = sessions.map(({ channel }) => channel.receive(Raw).catch((error) => error));
    const start = performance.now();
    refuse(true);
    for (const [i, error] of ((await Promise.all(pending)) as ProtocolError[]).entries()) {
      equal(error.code, 'CLOSED');
      ok(error.cause instanceof SessionError && error.cause.code === 'UNREACHABLE');
      match(error.cause.message, new RegExp(i === 0 ? 'orgB' : 'orgA'));
    }
    ok(performance.now() - start >= PEER_TIMEOUT_MS - 5);
    await rejects(sessions[0].close(), { code: 'UNREACHABLE' });
    const dials = proxies.map(({ accepted }, i) => accepted - before[i]!);
    ok(Math.max(...dials) <= 4, `${dials.join(' and ')} dials`); // after 50, 150, 350 and 750 ms
  });

  it('goes on when the peer comes back before', async () => {
    const { sessions, proxies, refuse } = await open();
    const [a, b] = sessions;
    const before = proxies[0].accepted;
    refuse(true);
    await until('it dials again', () => proxies[0].accepted >= before + 2);
    refuse(false);
    await a.channel.send(Raw, pattern(1, 9));
    deepEqual(await b.channel.receive(Raw), pattern(1, 9));
    await Promise.all([a.close(), b.close()]);
  });

  it('is resumed while reading is paused, and its peer is not taken for away', async () => {
    const limits = { peerTimeoutMs: PEER_TIMEOUT_MS, pauseAboveBytes: MIB };
    const { sessions, proxies } = await open(limits);
    const [a, b] = sessions;
    const [bulkA, bulkB] = [a.channel.fork('bulk'), b.channel.fork('bulk')];
    await bulkA.send(Raw, pattern(1, 3 * MIB));
    await until('it pauses', () => b.receipt().received.bytes > MIB);
    for (const proxy of proxies) proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 1.5 * PEER_TIMEOUT_MS));
    for (let i = 2; i < 5; i++) await bulkA.send(Raw, pattern(i, MIB));
    equal(Buffer.compare(await bulkB.receive(Raw), pattern(1, 3 * MIB)), 0);
    for (let i = 2; i < 5; i++) {
      equal(Buffer.compare(await bulkB.receive(Raw), pattern(i, MIB)), 0);
    }
    await Promise.all([a.close(), b.close()]);
  });

  it('ends when the peer was started anew and knows nothing of it', async () => {
    const { sessions, nodes, refuse } = await open();
    const [nodeA, nodeB] = nodes;
    const pending = sessions[0].channel.receive(Raw).catch((error: Error) => error);
    refuse(true);
    await nodeB.transport.stop();
    const { peers } = nodeB.transport;
    const anew = await startNode('orgB', { identity: nodeB.identity, port: portOf(nodeB), peers });
    refuse(false);
    const error = (await pending) as ProtocolError;
    ok(error.cause instanceof SessionError && error.cause.code === 'NO_SESSION', String(error));
    // A new attempt is another session.
    const again = await openPair(nodeA, anew, { ...termsOf(1), attempt: 2 });
    await again[0].channel.send(Raw, pattern(1, 9));
    deepEqual(await again[1].channel.receive(Raw), pattern(1, 9));
    await Promise.all(again.map((session) => session.close()));
    await anew.transport.stop();
  });

  it('hears of a verdict behind what it does not read', async () => {
    const { sessions } = await open({ pauseAboveBytes: MIB });
    const [a, b] = sessions;
    const fork = a.channel.fork('unread');
    for (let i = 0; i < 24; i++) await fork.send(Raw, new Uint8Array(MIB));
    await until('it pauses', () => b.receipt().received.bytes > MIB);
    await a.close(new Error('enough'));
    // No call of its own makes it read on: the connection is cut, and its next pull is answered.
    equal((await (b as LinkSession).ended)?.code, 'CLOSED');
    await rejectsWith('CLOSED', b.channel.receive(Raw));
  });
});

describe('a session over a round trip of 40 ms', () => {
  it('carries bursts of both sides at once', async () => {
    const far = await startProxied({}, 20);
    const sessions = await openPair(...far.nodes, termsOf(1));
    const burst = async ({ channel }: Session): Promise<void> => {
      for (let i = 0; i < 16; i++) await channel.send(Raw, pattern(i, MIB));
      for (let i = 0; i < 16; i++) {
        equal(Buffer.compare(await channel.receive(Raw), pattern(i, MIB)), 0);
      }
    };
    await Promise.all(sessions.map(burst));
    await Promise.all(sessions.map((session) => session.close()));
    await far.stop();
  });
});

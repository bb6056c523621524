import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict';
import { SessionError } from '../../../src/party/errors.ts';
import { peerBook } from '../../../src/party/peers.ts';
import type { Puller } from '../../../src/party/transport/data-plane.ts';
import { makeHello, readHello, sessionKeys } from '../../../src/party/transport/hello.ts';
import { DEFAULT_LINK_LIMITS } from '../../../src/party/transport/link.ts';
import { LinkSession } from '../../../src/party/transport/link-session.ts';
import type { ProtocolError } from '../../../src/protocols/errors.ts';
import { channelSuite, rawType, rejectsWith } from '../../contract/channel-suite.ts';
import { startProxy } from '../../support/tcp-proxy.ts';
import {
  type Node,
  openPair,
  recordOf,
  startNodes,
  stopNodes,
  termsOf,
} from '../../support/transports.ts';

const Raw = rawType('entente.test.Raw');

describe('session', () => {
  let nodes: Node[];
  let a: Node;
  let b: Node;
  let tag = 0;

  before(async () => {
    nodes = await startNodes(['orgA', 'orgB']);
    [a, b] = nodes as [Node, Node];
  });

  after(() => stopNodes(nodes));

  describe('channel over gRPC and mutual TLS', () => {
    channelSuite(async (signal) => {
      const sessions = await openPair(a, b, termsOf(++tag), signal);
      return {
        channels: [sessions[0].channel, sessions[1].channel],
        close: async () => {
          await Promise.all(sessions.map((session) => session.close()));
        },
      };
    });
  });

  it('gives both peers the same counts and hashes', async () => {
    const [sa, sb] = await openPair(a, b, termsOf(++tag));
    const start = sa.receipt();
    equal(start.sent.frames, 0);
    notDeepEqual(start.sent.hash, start.received.hash);
    const [fa, fb] = [sa.channel.fork('f'), sb.channel.fork('f')];
    await sa.channel.send(Raw, new Uint8Array(3 << 20));
    await fa.send(Raw, new Uint8Array(5));
    await sb.channel.send(Raw, new Uint8Array(7));
    await Promise.all([sb.channel.receive(Raw), fb.receive(Raw), sa.channel.receive(Raw)]);
    const [ra, rb] = [sa.receipt(), sb.receipt()];
    deepEqual(ra.sent, rb.received);
    deepEqual(rb.sent, ra.received);
    // Three chunks, a label (of two bytes) and a message.
    equal(ra.sent.frames, 5);
    equal(ra.sent.bytes, (3 << 20) + 2 + 5);
    notDeepEqual(ra.sent.hash, start.sent.hash);
    await Promise.all([sa.close(), sb.close()]);
  });

  it('derives keys that the peers share and other sessions do not', async () => {
    const pairs = [await openPair(a, b, termsOf(++tag)), await openPair(a, b, termsOf(++tag))];
    const [first, second] = pairs.map(([sa, sb]) => {
      deepEqual(sa.deriveKey('p', 16), sb.deriveKey('p', 16));
      notDeepEqual(sa.deriveKey('p', 16), sa.deriveKey('q', 16));
      return sa.deriveKey('p', 16);
    });
    notDeepEqual(first, second);
    await Promise.all(pairs.flat().map((session) => session.close()));
  });

  it('delivers what was sent before an orderly close', async () => {
    const [sa, sb] = await openPair(a, b, termsOf(++tag));
    for (let i = 0; i < 5; i++) await sa.channel.send(Raw, new Uint8Array(2 << 20).fill(i));
    await sa.close();
    for (let i = 0; i < 5; i++) equal((await sb.channel.receive(Raw))[0], i);
    await rejectsWith('CLOSED', sb.channel.receive(Raw));
    await rejectsWith('CLOSED', sb.channel.send(Raw, new Uint8Array(1)));
    await rejectsWith('CLOSED', sa.channel.send(Raw, new Uint8Array(1)));
    await sb.close();
  });

  it('ends both peers when one ends it with a reason', async () => {
    const [sa, sb] = await openPair(a, b, termsOf(++tag));
    const pending = [sa.channel.receive(Raw), sb.channel.receive(Raw)];
    const ended = pending.map((call) => rejectsWith('CLOSED', call));
    await sa.close(new Error('enough'));
    await Promise.all(ended);
    await sb.close();
  });

  it('ends both peers when a node stops with streams open', async () => {
    const [c, d] = (await startNodes(['orgC', 'orgD'])) as [Node, Node];
    const [sc, sd] = await openPair(c, d, termsOf(1));
    const pending = [sc.channel.receive(Raw), sd.channel.receive(Raw)];
    const ended = pending.map((call) => rejectsWith('CLOSED', call));
    await c.transport.stop();
    await Promise.all(ended);
    await d.transport.stop();
  });

  it('ends with a reason that names the peer', async () => {
    const [c, d] = (await startNodes(['orgC', 'orgD'])) as [Node, Node];
    const [, sd] = await openPair(c, d, termsOf(1));
    const pending = sd.channel.receive(Raw).catch((error: Error) => error);
    await c.transport.stop();
    ok((await pending) instanceof Error && /orgC/.test(((await pending) as Error).message));
    await d.transport.stop();
  });

  it('ends both peers when a connection breaks', async () => {
    const [c, d] = (await startNodes(['orgC', 'orgD'])) as [Node, Node];
    const proxy = await startProxy(Number(d.record.address.split(':')[1]));
    c.transport.setPeers(peerBook([recordOf(d.identity, proxy.port)]));
    const [sc, sd] = await openPair(c, d, termsOf(1));
    const pending = [sc, sd].map(({ channel }) => channel.receive(Raw).catch((error) => error));
    proxy.cut();
    for (const error of (await Promise.all(pending)) as ProtocolError[]) {
      equal(error.code, 'CLOSED');
      ok(error.cause instanceof SessionError && error.cause.code === 'UNREACHABLE');
    }
    await proxy.close();
    await stopNodes([c, d]);
  });

  it('ends when a peer buffers more than this side holds', async () => {
    const limits = { pauseAboveBytes: 1 << 20, maxBufferedBytes: 4 << 20 };
    const [c, d] = (await startNodes(['orgC', 'orgD'], { limits })) as [Node, Node];
    const [sc, sd] = await openPair(c, d, termsOf(1));
    // A call that waits keeps the link reading; what arrives is for another fork.
    const waiting = rejectsWith('CLOSED', sd.channel.receive(Raw));
    const flood = async (): Promise<void> => {
      const fork = sc.channel.fork('flood');
      for (;;) await fork.send(Raw, new Uint8Array(1 << 20));
    };
    await Promise.all([waiting, rejectsWith('CLOSED', flood())]);
    await stopNodes([c, d]);
  });

  describe('its stream', () => {
    /** A session that `a` would serve, the keys with it, and a peer that pulls. */
    const served = () => {
      const terms = { ...termsOf(1), checkpointDigest: new Uint8Array(32) };
      const offer = makeHello(b.identity, a.record, { ...terms, peer: 'orgA' });
      const heard = readHello(offer.signed, b.record, a.identity);
      const answer = makeHello(a.identity, b.record, { ...terms, peer: 'orgB' }, offer.signed);
      const keys = sessionKeys(offer.signed, answer.signed, answer.ephemeral, heard);
      const session = new LinkSession(a.identity, b.record, 1, keys, DEFAULT_LINK_LIMITS);
      const mac = keys.streamMac('pull', 'orgA', 1, 0);
      const frames: Uint8Array[] = [];
      const puller = {
        peer: b.record,
        hello: { session: keys.id, attempt: 1, next: 0n, mac },
        sink: { write: (head: Uint8Array) => frames.push(head), end: () => {} },
        fail: () => {},
        onEnd: () => {},
      } satisfies Puller;
      return { session, puller, frames };
    };

    it('opens for its peer, once', async () => {
      const { session, puller, frames } = served();
      session.attach(puller);
      await session.pulled;
      equal(frames.length, 1);
      throws(() => session.attach(puller), { code: 'STREAM_IN_USE' });
    });

    it('opens for nobody else, and not after the end', () => {
      const { session, puller, frames } = served();
      throws(() => session.attach({ ...puller, peer: a.record }), { code: 'NO_SESSION' });
      session.abort(new SessionError('CLOSED', 'over'));
      throws(() => session.attach(puller), { code: 'NO_SESSION' });
      equal(frames.length, 0);
    });
  });
});

import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import { channelSuite, rawType, rejectsWith } from '../../contract/channel-suite.ts';
import { type Node, openPair, startNodes, stopNodes, termsOf } from '../../support/transports.ts';

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
});

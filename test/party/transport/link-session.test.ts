import {
  deepEqual,
  equal,
  match,
  notDeepEqual,
  notEqual,
  ok,
  rejects,
  throws,
} from 'node:assert/strict';
import { mock } from 'node:test';
import {
  encodeStatement,
  PHASE_COUNTER_DOMAIN,
  PHASE_DOMAIN,
  type PhaseReceipt,
} from '../../../src/party/audit/phase-statement.ts';
import { SessionError, type SessionErrorCode } from '../../../src/party/errors.ts';
import { verifySignature } from '../../../src/party/identity.ts';
import type { Puller } from '../../../src/party/transport/data-plane.ts';
import { decodeFrame, type Frame } from '../../../src/party/transport/frame.ts';
import { makeHello, readHello, sessionKeys } from '../../../src/party/transport/hello.ts';
import { DEFAULT_LINK_LIMITS } from '../../../src/party/transport/link.ts';
import { LinkSession } from '../../../src/party/transport/link-session.ts';
import { DEFAULT_KEEPALIVE } from '../../../src/party/transport/tls.ts';
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
          await Promise.allSettled(sessions.map((session) => session.close()));
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

  it('has phase receipts with both signatures, kept before it is closed', async () => {
    const kept: PhaseReceipt[][] = [[], []];
    const slow = (end: number) => async (receipt: PhaseReceipt) => {
      await new Promise(setImmediate);
      kept[end]!.push(receipt);
    };
    const terms = termsOf(++tag);
    const [sa, sb] = await openPair(a, b, terms, undefined, [slow(0), slow(1)]);
    deepEqual([sa.id, sa.transcript], [sb.id, sb.transcript]);
    notEqual(sa.id, sa.transcript);
    deepEqual([sa.fingerprint, sb.fingerprint], [b.identity.fingerprint, a.identity.fingerprint]);
    await sa.channel.send(Raw, new Uint8Array(100));
    sa.mark({ phase: 'aligning', step: 3 });
    await sb.channel.receive(Raw);
    await Promise.all([sa.close(), sb.close()]);
    const byParty = kept.map((each) =>
      each.toSorted((x, y) => (x.signature < y.signature ? -1 : 1)),
    );
    deepEqual(byParty[0], byParty[1]);
    equal(kept[0]!.length, 3);
    for (const { statement, signature, countersignature } of kept[0]!) {
      const [from, to] = statement.from === 'orgA' ? [a, b] : [b, a];
      equal(statement.session, sa.id);
      const bytes = encodeStatement(statement);
      const signed = (node: Node, domain: string, hex: string): boolean =>
        verifySignature(node.record.certificatePem, domain, bytes, Buffer.from(hex, 'hex'));
      ok(signed(from, PHASE_DOMAIN, signature));
      ok(signed(to, PHASE_COUNTER_DOMAIN, countersignature));
    }
    const last = kept[0]!.find(({ statement }) => statement.last && statement.from === 'orgA');
    const { frames, hash } = sa.receipt().sent;
    // After the last mark there is nothing but itself and countersignatures.
    ok(
      last &&
        last.statement.frames < frames &&
        last.statement.hash !== Buffer.from(hash).toString('hex'),
    );
  });

  it('ends when a phase receipt cannot be kept', async () => {
    const full = async (): Promise<never> => Promise.reject(new Error('disk full'));
    const [sa, sb] = await openPair(a, b, termsOf(++tag), undefined, [full]);
    sa.mark({ phase: 'aligning', step: 3 });
    const pending = rejectsWith('CLOSED', sa.channel.receive(Raw));
    await pending;
    await rejects(sa.close(), { code: 'NOT_RECORDED' });
    await rejects(sb.close());
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
    await rejects(sb.close(), { code: 'CLOSED' });
    await rejects(sa.close(), { code: 'CLOSED' });
    await sb.close(new Error('over anyway'));
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

  describe('its stream', () => {
    const limits = { ...DEFAULT_LINK_LIMITS, peerTimeoutMs: 50 };

    /** A session that `a` would serve, the keys with it, and what makes pullers of its peer. */
    const served = () => {
      const terms = { ...termsOf(1), checkpointDigest: new Uint8Array(32) };
      const offer = makeHello(b.identity, a.record, { ...terms, peer: 'orgA' });
      const heard = readHello(offer.signed, b.record, a.identity);
      const answer = makeHello(a.identity, b.record, { ...terms, peer: 'orgB' }, offer.signed);
      const keys = sessionKeys(offer.signed, answer.signed, answer.ephemeral, heard);
      const options = { limits, keepalive: DEFAULT_KEEPALIVE };
      const session = new LinkSession(a.identity, b.record, terms, keys, options);
      const pullerOf = (stream: number, next = 0) => {
        const mac = keys.streamMac('pull', 'orgA', { attempt: 1, next, stream });
        const frames: Frame[] = [];
        const seen = { frames, dropped: 0, failed: '', breaks: (): void => {} };
        const puller = {
          peer: b.record,
          hello: { session: keys.id, attempt: 1, next: BigInt(next), mac, stream },
          sink: {
            write: (head: Uint8Array, payload: Uint8Array, done: () => void) => {
              frames.push(decodeFrame(Buffer.concat([head, payload])));
              done();
            },
            end: () => {},
          },
          fail: (error: Error) => {
            seen.failed = (error as SessionError).code;
          },
          drop: () => {
            seen.dropped += 1;
          },
          onBreak: (listener: () => void) => {
            seen.breaks = listener;
          },
        } satisfies Puller;
        return { ...seen, seen, puller };
      };
      return { session, keys, pullerOf };
    };

    it('opens for its peer, with a proof of its own', async () => {
      const { session, keys, pullerOf } = served();
      const { puller, frames } = pullerOf(1);
      session.attach(puller);
      await session.pulled;
      const proof = keys.streamMac('open', 'orgA', { attempt: 1, next: 0, stream: 1 });
      deepEqual([frames.length, frames[0]?.kind, frames[0]?.payload], [1, 'open', proof]);
      session.abort(new SessionError('CLOSED', 'over'));
    });

    it('opens for nobody else, and after the end tells why there is none', () => {
      const { session, pullerOf } = served();
      const { puller, frames } = pullerOf(1);
      throws(() => session.attach({ ...puller, peer: a.record }), { code: 'NO_SESSION' });
      session.abort(new SessionError('TOO_LARGE', 'over'));
      throws(() => session.attach(puller), { code: 'TOO_LARGE' });
      equal(frames.length, 0);
    });

    it('is resumed by its peer alone, once a number, from a frame that it may lack', async () => {
      const { session, pullerOf } = served();
      session.attach(pullerOf(1).puller);
      for (let i = 0; i < 3; i++) await session.channel.send(Raw, Uint8Array.of(i));
      const refuses = (puller: Puller, code: SessionErrorCode): void =>
        throws(() => session.attach(puller), { code });
      const { puller } = pullerOf(2, 1);
      const { hello } = puller;
      refuses({ ...puller, peer: a.record }, 'NO_SESSION');
      refuses({ ...puller, hello: { ...hello, attempt: 2 } }, 'STALE_ATTEMPT');
      refuses({ ...puller, hello: { ...hello, next: 2n } }, 'BAD_MAC');
      refuses({ ...puller, hello: { ...hello, stream: 3 } }, 'BAD_MAC');
      refuses(pullerOf(1, 1).puller, 'REPLAYED_HELLO');
      refuses(pullerOf(2, 4).puller, 'MALFORMED'); // not sent yet
      session.attach(puller);
      refuses(pullerOf(3, 0).puller, 'MALFORMED'); // it had frame 0 when it asked for frame 1
      refuses(puller, 'REPLAYED_HELLO');
      session.abort(new SessionError('CLOSED', 'over'));
    });

    it('replaces an older one that seems to live, and hears of it no more', async () => {
      const { session, pullerOf } = served();
      const [old, replacing] = [pullerOf(1), pullerOf(4, 1)];
      session.attach(old.puller);
      await session.channel.send(Raw, Uint8Array.of(1));
      await session.channel.send(Raw, Uint8Array.of(2));
      session.attach(replacing.puller);
      equal(old.seen.dropped, 1);
      old.seen.breaks();
      await session.channel.send(Raw, Uint8Array.of(3));
      deepEqual(
        replacing.frames.map(({ kind, sequence }) => [kind, sequence]),
        [
          ['open', 1],
          ['data', 1],
          ['data', 2],
        ],
      );
      equal(old.frames.length, 3);
      session.abort(new SessionError('CLOSED', 'over'));
      deepEqual([old.seen.failed, replacing.seen.failed], ['', 'CLOSED']);
    });

    it('ends when the peer does not sign for what it got in time', async () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const { session, pullerOf } = served();
        const { puller, frames } = pullerOf(1);
        session.attach(puller);
        const closed = rejects(session.close(), { code: 'TIMED_OUT' });
        equal(frames.at(-1)?.kind, 'mark');
        mock.timers.tick(120_000);
        await closed;
      } finally {
        mock.timers.reset();
      }
    });

    it('ends the session when it stays broken, naming the peer', async () => {
      const { session, pullerOf } = served();
      const { puller, seen } = pullerOf(1);
      session.attach(puller);
      seen.breaks();
      const failure = await session.ended;
      equal(failure?.code, 'UNREACHABLE');
      match(failure?.message ?? '', /orgB .* not back in 0.05 s/);
      await rejects(session.close(), failure);
    });
  });
});

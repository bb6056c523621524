import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { Hello, type PullHello, type SignedHello } from '../../../proto/gen/session.ts';
import { RefusalError, SessionError, type SessionErrorCode } from '../../../src/party/errors.ts';
import { peerBook } from '../../../src/party/peers.ts';
import { type AttemptStore, memoryAttempts } from '../../../src/party/transport/attempts.ts';
import { pullFrames } from '../../../src/party/transport/data-plane.ts';
import { makeHello, readHello, sessionKeys } from '../../../src/party/transport/hello.ts';
import { DEFAULT_LINK_LIMITS } from '../../../src/party/transport/link.ts';
import type { SessionTerms } from '../../../src/party/transport/session.ts';
import { HELLO, SessionBroker } from '../../../src/party/transport/session-broker.ts';
import { DEFAULT_KEEPALIVE } from '../../../src/party/transport/tls.ts';
import {
  type Node,
  openPair,
  startNode,
  startNodes,
  stopNodes,
  termsOf,
} from '../../support/transports.ts';

/** What a node of another version answers. */
const REFUSAL = 'refused by version 7 of the session protocol';

const DOMAIN = 'entente/session/v1';

/** The promise rejects with this code, as a `SessionError` or as the peer's refusal. */
async function fails(promise: Promise<unknown>, code: SessionErrorCode): Promise<void> {
  await rejects(promise, (error) => {
    ok(error instanceof SessionError || error instanceof RefusalError, String(error));
    equal(error.code, code);
    return true;
  });
}

describe('opening a session', () => {
  let nodes: Node[];
  /** The side that offers the hello. */
  let first: Node;
  /** The side that answers it. */
  let second: Node;
  let third: Node;
  let attempts: AttemptStore;
  let tag = 0;

  before(async () => {
    attempts = memoryAttempts();
    nodes = await startNodes(['orgA', 'orgB', 'orgC']);
    nodes.sort((x, y) => (x.identity.fingerprint < y.identity.fingerprint ? -1 : 1));
    [first, second, third] = nodes as [Node, Node, Node];
  });

  after(() => stopNodes(nodes));

  const open = (node: Node, peer: Node, terms: Omit<SessionTerms, 'peer'>, timeoutMs = 10_000) =>
    node.transport.openSession({ ...terms, peer: peer.identity.name }, { timeoutMs });

  const sendHello = (hello: SignedHello, timeoutMs = 10_000): Promise<SignedHello> =>
    first.transport.call(second.identity.name, HELLO, hello, { timeoutMs });

  const full = (terms: Omit<SessionTerms, 'peer'>, peer: Node) => ({
    ...terms,
    peer: peer.identity.name,
    checkpointDigest: new Uint8Array(32),
  });

  /** The hello that `first` would send, changed and signed again, by `signer`. */
  const forged = (change: Partial<Hello>, terms = termsOf(++tag), signer = first): SignedHello => {
    const { signed } = makeHello(first.identity, second.record, full(terms, second));
    const hello = Hello.encode({ ...Hello.decode(signed.hello), ...change }).finish();
    return { hello, signature: signer.identity.sign(DOMAIN, hello) };
  };

  it('waits for whoever comes later', async () => {
    for (const [early, late] of [
      [first, second],
      [second, first],
    ] as const) {
      const terms = termsOf(++tag);
      const opening = open(early, late, terms);
      // A round trip of the other kind gives the early side time to ask.
      await fails(open(late, early, { ...termsOf(++tag) }, 50), 'TIMED_OUT');
      const sessions = await Promise.all([opening, open(late, early, terms)]);
      await Promise.all(sessions.map((session) => session.close()));
    }
  });

  it('waits for a peer that is not up yet', async () => {
    const [x, y] = (await startNodes(['orgX', 'orgY'])) as [Node, Node];
    const port = Number(y.record.address.split(':')[1]);
    await y.transport.stop();
    const opening = open(x, y, termsOf(1));
    const peers = peerBook([x.record]);
    const late = await startNode('orgY', { identity: y.identity, port, peers });
    const sessions = await Promise.all([opening, open(late, x, termsOf(1))]);
    await Promise.all(sessions.map((session) => session.close()));
    await stopNodes([x, late]);
  });

  it('gives up when the peer does not open it', async () => {
    await fails(open(first, second, termsOf(++tag), 200), 'TIMED_OUT');
    await fails(open(second, first, termsOf(++tag), 200), 'TIMED_OUT');
  });

  it('gives up when it is cancelled', async () => {
    for (const [node, peer] of [
      [first, second],
      [second, first],
    ] as const) {
      const signal = AbortSignal.abort();
      const terms = { ...termsOf(++tag), peer: peer.identity.name };
      await fails(node.transport.openSession(terms, { signal }), 'CANCELLED');
    }
  });

  it('opens many sessions of many tasks at once', async () => {
    const pairs = await Promise.all(
      Array.from({ length: 8 }, () => openPair(first, second, termsOf(++tag))),
    );
    await Promise.all(pairs.flat().map((session) => session.close()));
  });

  it('fails at both when the peers differ on a term', async () => {
    for (const change of ['certificateDigest', 'checkpointDigest'] as const) {
      const terms = termsOf(++tag);
      const other = { ...terms, [change]: new Uint8Array(32).fill(1) };
      await Promise.all([
        fails(open(first, second, terms), 'HELLO_MISMATCH'),
        fails(open(second, first, other), 'HELLO_MISMATCH'),
      ]);
    }
  });

  it('uses no attempt twice', async () => {
    const terms = termsOf(++tag);
    const sessions = await openPair(first, second, terms);
    await Promise.all(sessions.map((session) => session.close()));
    await fails(open(first, second, terms), 'STALE_ATTEMPT');
    await fails(open(second, first, terms), 'STALE_ATTEMPT');
    const next = await openPair(first, second, { ...terms, attempt: 2 });
    await Promise.all(next.map((session) => session.close()));
  });

  it('leaves an attempt behind at the side that lags', async () => {
    const terms = termsOf(++tag);
    const lagging = fails(open(second, first, terms), 'STALE_ATTEMPT');
    const leading = open(first, second, { ...terms, attempt: 3 });
    await lagging;
    const sessions = await Promise.all([leading, open(second, first, { ...terms, attempt: 3 })]);
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('opens none for a finished task', async () => {
    const finished = memoryAttempts();
    const terms = termsOf(1);
    await finished.finish(terms.taskId);
    const node = await startNode('orgF', { attempts: finished, peers: peerBook([first.record]) });
    await fails(open(node, first, terms), 'TASK_FINISHED');
    await node.transport.stop();
  });

  it('checks its arguments', async () => {
    const terms = { ...termsOf(++tag), peer: second.identity.name };
    for (const change of [
      { taskId: new Uint8Array(31) },
      { certificateDigest: new Uint8Array(33) },
      { checkpointDigest: new Uint8Array(0) },
      { attempt: 0 },
      { attempt: 1.5 },
      { attempt: 2 ** 32 },
    ]) {
      await rejects(first.transport.openSession({ ...terms, ...change }), RangeError);
    }
    await fails(first.transport.openSession({ ...terms, peer: 'nobody' }), 'UNKNOWN_PEER');
  });

  it('refuses each kind of wrong hello, by code', async () => {
    await fails(sendHello(forged({ version: 1 })), 'VERSION_MISMATCH');
    await fails(sendHello(forged({}, termsOf(++tag), third)), 'BAD_SIGNATURE');
    await fails(sendHello(forged({ from: third.identity.name })), 'HELLO_MISMATCH');
    await fails(sendHello(forged({ to: third.identity.name })), 'HELLO_MISMATCH');
    await fails(sendHello(forged({ tlsFrom: new Uint8Array(32) })), 'HELLO_MISMATCH');
    await fails(sendHello(forged({ tlsTo: new Uint8Array(32) })), 'HELLO_MISMATCH');
    await fails(sendHello(forged({ answers: new Uint8Array(32) })), 'HELLO_MISMATCH');
    for (const field of ['taskId', 'certificateDigest', 'checkpointDigest', 'ephemeral', 'nonce']) {
      await fails(sendHello(forged({ [field]: new Uint8Array(31) })), 'MALFORMED');
    }
    const garbage = { hello: Uint8Array.of(0x0a, 200), signature: new Uint8Array(64) };
    await fails(sendHello(garbage), 'MALFORMED');
    const { hello } = forged({});
    await fails(sendHello({ hello, signature: new Uint8Array(63) }), 'BAD_SIGNATURE');
  });

  it('says both versions to the side that is refused', async () => {
    const refusing = {
      handle: () => {},
      call: () => Promise.reject(new RefusalError('VERSION_MISMATCH', REFUSAL)),
    };
    const options = { limits: DEFAULT_LINK_LIMITS, keepalive: DEFAULT_KEEPALIVE };
    const peers = peerBook([second.record]);
    const broker = new SessionBroker(
      first.identity,
      () => peers,
      refusing,
      memoryAttempts(),
      options,
    );
    await rejects(broker.open({ ...termsOf(++tag), peer: second.identity.name }), (error) => {
      ok(error instanceof SessionError && error.code === 'VERSION_MISMATCH');
      match(error.message, /speaks version 7 of the session protocol, this side 2/);
      return true;
    });
  });

  it('refuses a key of small order', async () => {
    const terms = termsOf(++tag);
    const opening = fails(open(second, first, terms), 'MALFORMED');
    await fails(sendHello(forged({ ephemeral: new Uint8Array(32) }, terms)), 'MALFORMED');
    await opening;
  });

  it('refuses a hello that was used, and one of an earlier attempt', async () => {
    const terms = { ...termsOf(++tag), attempt: 2 };
    const opening = open(second, first, terms, 500);
    const { signed } = makeHello(first.identity, second.record, full(terms, second));
    const answer = await sendHello(signed);
    // Whoever lost the answer with its connection asks again, and gets the same one.
    deepEqual(await sendHello(signed), answer);
    await fails(sendHello(forged({}, terms)), 'STALE_ATTEMPT');
    await fails(sendHello(forged({}, { ...terms, attempt: 1 })), 'STALE_ATTEMPT');
    // Whoever sent the hello never pulled.
    await fails(opening, 'TIMED_OUT');
    await fails(sendHello(signed), 'REPLAYED_HELLO');
  });

  it('refuses an offer from the side that should answer', async () => {
    const terms = termsOf(++tag);
    const { signed } = makeHello(second.identity, first.record, full(terms, first));
    await fails(second.transport.call(first.identity.name, HELLO, signed), 'HELLO_MISMATCH');
  });

  describe('streams', () => {
    /** The code with which `second` ends a pull that `node` tries. */
    const pull = (node: Node, hello: PullHello): Promise<SessionErrorCode | 'opened' | 'ended'> =>
      new Promise((resolve) => {
        const source = pullFrames(
          node.identity,
          second.record,
          hello,
          () => {
            resolve('opened');
            source.close();
          },
          (end) => {
            resolve(end.kind === 'ended' ? 'ended' : end.error.code);
            source.close();
          },
        );
      });

    it('are refused by code unless they prove the session', async () => {
      const terms = termsOf(++tag);
      const opening = open(second, first, terms, 3_000);
      const mine = makeHello(first.identity, second.record, full(terms, second));
      const answer = await sendHello(mine.signed);
      const theirs = readHello(answer, second.record, first.identity);
      const keys = sessionKeys(mine.signed, answer, mine.ephemeral, theirs);
      const sender = second.identity.name;
      const start = { attempt: 1, next: 0, stream: 3 };
      const mac = keys.streamMac('pull', sender, start);
      const good = { session: keys.id, attempt: 1, next: 0n, mac, stream: 3 };

      equal(await pull(first, { ...good, session: new Uint8Array(32) }), 'NO_SESSION');
      equal(await pull(first, { ...good, session: new Uint8Array(0) }), 'NO_SESSION');
      equal(await pull(third, good), 'NO_SESSION'); // pinned, but not this session's peer
      equal(await pull(first, { ...good, attempt: 2 }), 'STALE_ATTEMPT');
      equal(await pull(first, { ...good, mac: new Uint8Array(32) }), 'BAD_MAC');
      equal(await pull(first, { ...good, mac: mac.subarray(1) }), 'BAD_MAC');
      equal(await pull(first, { ...good, next: 1n }), 'BAD_MAC');
      equal(await pull(first, { ...good, stream: 4 }), 'BAD_MAC');
      const other = keys.streamMac('pull', first.identity.name, start);
      equal(await pull(first, { ...good, mac: other }), 'BAD_MAC'); // the other direction's
      const ahead = keys.streamMac('pull', sender, { ...start, next: 5 });
      equal(await pull(first, { ...good, next: 5n, mac: ahead }), 'MALFORMED');
      equal(await pull(first, { ...good, next: 2n ** 53n }), 'MALFORMED');

      equal(await pull(first, good), 'opened');
      // `first` does not know the session that its test made, so `second` cannot pull it.
      await fails(opening, 'NO_SESSION');
      // That session is over, and its pullers hear why.
      equal(await pull(first, good), 'NO_SESSION');
    });

    it('are refused under a number that was used', async () => {
      const terms = termsOf(++tag);
      const opening = open(second, first, terms, 3_000);
      const mine = makeHello(first.identity, second.record, full(terms, second));
      const answer = await sendHello(mine.signed);
      const theirs = readHello(answer, second.record, first.identity);
      const keys = sessionKeys(mine.signed, answer, mine.ephemeral, theirs);
      const hello = (stream: number): PullHello => {
        const mac = keys.streamMac('pull', second.identity.name, { attempt: 1, next: 0, stream });
        return { session: keys.id, attempt: 1, next: 0n, mac, stream };
      };
      const refused = fails(opening, 'NO_SESSION'); // as above
      equal(await pull(first, hello(0)), 'REPLAYED_HELLO');
      equal(await pull(first, hello(2)), 'opened');
      await refused;
    });
  });

  it('claims before it asks', async () => {
    const order: string[] = [];
    const recording: AttemptStore = {
      ...attempts,
      claim: async (...args) => {
        order.push('claimed');
        return attempts.claim(...args);
      },
    };
    const [x, y] = (await startNodes(['orgX', 'orgY'], { attempts: recording })) as [Node, Node];
    const terms = termsOf(++tag);
    await Promise.allSettled([open(x, y, terms, 200), open(y, x, { ...terms, attempt: 1 }, 200)]);
    equal(order.length, 2);
    await fails(open(x, y, terms, 200), 'STALE_ATTEMPT');
    await stopNodes([x, y]);
  });
});

import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { SessionError, type SessionErrorCode } from '../../../src/party/errors.ts';
import {
  CHUNK_BYTES,
  chunksOf,
  encodeHead,
  type FrameBody,
  plainBody,
} from '../../../src/party/transport/frame.ts';
import { Inbox } from '../../../src/party/transport/inbox.ts';

const LIMITS = { maxMessageBytes: 8 << 20, maxBufferedBytes: 16 << 20, maxLabels: 2 };
const NOTHING = new Uint8Array(0);
const OPEN = plainBody('open', 0, new Uint8Array(32));
const CLOSE = plainBody('close', 0, NOTHING);
const ACK = plainBody('ack', 0, NOTHING);
/** One byte instead of a signed statement: whether it is the last. */
const MARK = plainBody('mark', 0, Uint8Array.of(0));
const LAST = plainBody('mark', 0, Uint8Array.of(1));
const COUNTERSIGN = plainBody('countersign', 0, new Uint8Array(64));

/** An inbox that accepts bodies under the numbers that are due. */
function feed(bodies: readonly FrameBody[]): Inbox {
  const inbox = new Inbox(new Uint8Array(32), LIMITS, ([last]) => last === 1);
  for (const body of bodies) inbox.accept(numbered(inbox, body));
  return inbox;
}

function numbered(inbox: Inbox, body: FrameBody): Uint8Array {
  return Buffer.concat([encodeHead(body, inbox.next), body.payload]);
}

/** The last body is refused with this code, those before are not. */
function refuses(bodies: readonly FrameBody[], code: SessionErrorCode = 'MALFORMED'): void {
  const inbox = feed(bodies.slice(0, -1));
  throws(
    () => inbox.accept(numbered(inbox, bodies.at(-1)!)),
    (error) => error instanceof SessionError && error.code === code,
  );
}

const label = (id: number, path: string): FrameBody => plainBody('label', id, Buffer.from(path));
const data = (id: number, n: number): FrameBody[] => chunksOf(id, 'T', new Uint8Array(n));

describe('inbox', () => {
  it('joins chunks, also when labels alternate', async () => {
    const bytes = new Uint8Array(2 * CHUNK_BYTES + 5).map((_, i) => i % 251);
    const [one, two] = [chunksOf(0, 'T', bytes), chunksOf(1, 'T', bytes.subarray(3))];
    const mixed = one.flatMap((chunk, i) => [chunk, two[i]!]);
    const inbox = feed([OPEN, label(1, '/f'), ...mixed]);
    equal(Buffer.compare((await inbox.receive('')).bytes, bytes), 0);
    equal(Buffer.compare((await inbox.receive('/f')).bytes, bytes.subarray(3)), 0);
    equal(inbox.buffered, 0);
  });

  it('hands messages to those who wait, in order', async () => {
    const inbox = feed([OPEN]);
    const waiting = [inbox.receive(''), inbox.receive('')];
    equal(inbox.waiting, 2);
    for (const n of [1, 2]) inbox.accept(numbered(inbox, data(0, n)[0]!));
    deepEqual(
      (await Promise.all(waiting)).map(({ bytes }) => bytes.length),
      [1, 2],
    );
    equal(inbox.waiting, 0);
    equal(inbox.buffered, 0);
  });

  it('hashes and counts every frame with a number of its own but the close', () => {
    const said = [OPEN, ...data(0, 9), MARK, COUNTERSIGN, LAST];
    const [open, more, closed] = [[OPEN], said, [...said, CLOSE]].map((bodies) =>
      feed(bodies).receipt(),
    );
    deepEqual(open, { hash: new Uint8Array(32), frames: 0, bytes: 0 });
    deepEqual([more!.frames, more!.bytes], [4, 9 + 1 + 64 + 1]);
    deepEqual(closed, more);
  });

  it('has marks checked against what came before them', () => {
    const counted: number[][] = [];
    const inbox = new Inbox(new Uint8Array(32), LIMITS, ([last], { frames, bytes }) => {
      counted.push([frames, bytes]);
      return last === 1;
    });
    for (const body of [OPEN, MARK, ...data(0, 9), COUNTERSIGN, LAST]) {
      inbox.accept(numbered(inbox, body));
    }
    deepEqual(counted, [
      [0, 0],
      [3, 74],
    ]);
    deepEqual([inbox.finished, inbox.closed], [true, false]);
  });

  it('refuses what breaks the order', () => {
    const [whole, [first, middle, last]] = [data(0, 1)[0]!, data(0, 2 * CHUNK_BYTES + 1)];
    refuses([whole]); // before it is opened
    refuses([OPEN, OPEN]);
    refuses([OPEN, CLOSE]); // without a last mark
    refuses([OPEN, MARK, CLOSE]);
    refuses([OPEN, LAST, whole]);
    refuses([OPEN, LAST, label(1, '/f')]);
    refuses([OPEN, LAST, MARK]);
    refuses([OPEN, LAST, CLOSE, COUNTERSIGN]);
    refuses([OPEN, LAST, CLOSE, CLOSE]);
    refuses([OPEN, first!, LAST]); // within a message
    refuses([OPEN, middle!]); // without its first
    refuses([OPEN, first!, first!]);
    refuses([OPEN, first!, whole]);
    refuses([OPEN, first!, last!]); // a chunk is missing
    refuses([OPEN, first!, middle!, middle!]);
    refuses([OPEN, first!, { ...middle!, payload: middle!.payload.subarray(1) }]);
    refuses([OPEN, { ...whole, messageLength: 2 }]);
    refuses([OPEN, { ...whole, last: false }]);
  });

  it('refuses labels that are unknown, out of order, or known', () => {
    refuses([OPEN, ...data(1, 1)]);
    refuses([OPEN, label(2, '/a')]);
    refuses([OPEN, label(1, '')]);
    refuses([OPEN, label(1, '/a'), label(2, '/a')]);
    refuses([OPEN, label(1, '/a\n')]);
    refuses([OPEN, label(1, '/a'), label(2, '/b'), label(3, '/c')], 'TOO_LARGE');
  });

  it('refuses a frame out of turn', () => {
    const inbox = feed([OPEN]);
    const body = data(0, 1)[0]!;
    for (const number of [1, 2 ** 40]) {
      throws(() => inbox.accept(Buffer.concat([encodeHead(body, number), body.payload])), {
        code: 'MALFORMED',
      });
    }
  });

  it('takes acks anywhere within a stream, and counts none', () => {
    const inbox = feed([OPEN, ACK, data(0, 2 * CHUNK_BYTES)[0]!, ACK]);
    inbox.accept(numbered(inbox, data(0, 2 * CHUNK_BYTES)[1]!));
    for (const number of [0, 2 ** 40]) {
      const { kind, sequence } = inbox.accept(encodeHead(ACK, number));
      deepEqual([kind, sequence], ['ack', number]);
    }
    deepEqual([inbox.next, inbox.receipt().frames], [2, 2]);
    const closed = feed([OPEN, LAST, COUNTERSIGN, CLOSE, ACK]);
    deepEqual([closed.next, closed.receipt().frames, closed.closed], [3, 2, true]);
    refuses([ACK]); // before the stream is open
    refuses([OPEN, plainBody('ack', 0, new Uint8Array(1))]);
  });

  it('goes on with a new stream where the last one broke, within a message too', async () => {
    const bytes = new Uint8Array(2 * CHUNK_BYTES + 5).map((_, i) => i % 249);
    const chunks = chunksOf(0, 'T', bytes);
    const inbox = feed([OPEN]);
    for (const chunk of chunks) {
      inbox.accept(numbered(inbox, chunk));
      inbox.restart();
      throws(() => inbox.accept(numbered(inbox, ACK)), { code: 'MALFORMED' });
      inbox.accept(numbered(inbox, OPEN));
    }
    equal(Buffer.compare((await inbox.receive('')).bytes, bytes), 0);
    equal(inbox.receipt().frames, 3);
  });

  it('refuses a stream that begins elsewhere, or brings a frame again', () => {
    const whole = data(0, 1)[0]!;
    const at = (body: FrameBody, number: number): Uint8Array =>
      Buffer.concat([encodeHead(body, number), body.payload]);
    for (const number of [0, 1, 3]) {
      const inbox = feed([OPEN, whole, whole]);
      inbox.restart();
      throws(() => inbox.accept(at(OPEN, number)), { code: 'MALFORMED' });
    }
    const inbox = feed([OPEN, whole, whole]);
    inbox.restart();
    inbox.accept(at(OPEN, 2));
    throws(() => inbox.accept(at(whole, 1)), { code: 'MALFORMED' });
    const closed = feed([OPEN, whole, LAST, CLOSE]);
    closed.restart();
    throws(() => closed.accept(at(OPEN, 2)), { code: 'MALFORMED' });
    closed.accept(at(OPEN, 3));
    throws(() => closed.accept(at(whole, 3)), { code: 'MALFORMED' });
  });

  it('refuses what is too long before it allocates', () => {
    const first = data(0, 2 * CHUNK_BYTES)[0]!;
    refuses([OPEN, { ...first, messageLength: 0xffff_ffff }], 'TOO_LARGE');
    refuses([OPEN, { ...first, messageLength: LIMITS.maxMessageBytes + 1 }], 'TOO_LARGE');
    // Announced, not arrived: what counts is what would have to be held.
    const announced = { ...first, messageLength: LIMITS.maxMessageBytes };
    const forks = [label(1, '/a'), label(2, '/b')];
    const begun = [announced, { ...announced, label: 1 }];
    refuses([OPEN, ...forks, ...begun], 'TOO_LARGE');
  });

  it('counts empty messages against its bound', () => {
    const inbox = feed([OPEN]);
    throws(
      () => {
        for (;;) inbox.accept(numbered(inbox, data(0, 0)[0]!));
      },
      { code: 'TOO_LARGE' },
    );
    ok(inbox.receipt().frames < 1 << 20);
  });

  it('keeps what arrived when it is closed, and nothing when it discards', async () => {
    const reason = new Error('over');
    const inbox = feed([OPEN, ...data(0, 1), ...data(0, 2), LAST, CLOSE]);
    inbox.close(reason);
    equal((await inbox.receive('')).bytes.length, 1);
    inbox.discard(reason);
    await rejects(inbox.receive(''), reason);
    equal(inbox.buffered, 0);
  });

  it('meets any sequence of frames with a typed error or a message', () => {
    const payload = fc.constantFrom(0, 1, 9, CHUNK_BYTES).map((n) => new Uint8Array(n));
    const body = fc
      .record({
        kind: fc.constantFrom(
          'data',
          'data',
          'data',
          'label',
          'close',
          'open',
          'ack',
          'mark',
          'countersign',
        ),
        label: fc.nat(2),
        first: fc.boolean(),
        last: fc.boolean(),
        messageLength: fc.constantFrom(0, 1, 9, CHUNK_BYTES, CHUNK_BYTES + 9),
        payload,
      })
      .map((b) => (b.kind === 'data' ? b : { ...b, first: false, last: false }))
      .map((b) => ({
        ...b,
        type: b.first ? 'T' : '',
        messageLength: b.first ? b.messageLength : 0,
      }));
    let delivered = 0;
    fc.assert(
      fc.property(fc.array(body, { maxLength: 8 }), (bodies) => {
        const inbox = feed([OPEN]);
        try {
          for (const b of bodies) inbox.accept(numbered(inbox, b as FrameBody));
        } catch (error) {
          ok(error instanceof SessionError, String(error));
        }
        delivered += inbox.buffered > 0 ? 1 : 0;
      }),
      { numRuns: 500, seed: 2 },
    );
    ok(delivered > 10, 'some sequences carried messages');
  });
});

import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { decodeFrame, encodeHead, plainBody } from '../../../src/party/transport/frame.ts';
import { DEFAULT_LINK_LIMITS, Link, type LinkLimits } from '../../../src/party/transport/link.ts';
import type { FrameSink } from '../../../src/party/transport/outbox.ts';
import { testMarks } from '../../support/phase-marks.ts';

const MIB = 1 << 20;
const MAC = new Uint8Array(32);
const START = new Uint8Array(32);

interface Held {
  readonly written: { frame: Uint8Array; done: () => void }[];
}

function sinkOf({ written }: Held): FrameSink {
  return {
    write: (head, payload, done) => {
      written.push({ frame: Buffer.concat([head, payload]), done });
    },
    end: () => {},
  };
}

/** A link whose frames go nowhere until they are released one by one. */
function openLink(limits: Partial<LinkLimits> = {}, self = 'orgA') {
  const written: Held['written'] = [];
  const reading: boolean[] = [];
  const { marks, receipts } = testMarks(self, self === 'orgA' ? 'orgB' : 'orgA');
  const link = new Link(
    { sent: START, received: START },
    { ...DEFAULT_LINK_LIMITS, ...limits },
    marks,
    (on) => reading.push(on),
  );
  link.attach(sinkOf({ written }), 0, MAC);
  return {
    link,
    written,
    reading,
    receipts,
    /** Lets the oldest frames leave, until none is left. */
    release: (to?: Link) => {
      for (let next = written.shift(); next; next = written.shift()) {
        to?.accept(next.frame);
        next.done();
      }
    },
  };
}

type Opened = ReturnType<typeof openLink>;

/** Lets frames leave both ways until none is left. */
function pump(a: Opened, b: Opened): void {
  while (a.written.length > 0 || b.written.length > 0) {
    a.release(b.link);
    b.release(a.link);
  }
}

/** The kinds of the frames that wait to leave. */
function kinds({ written }: Opened): string[] {
  return written.map(({ frame }) => decodeFrame(frame).kind);
}

/** Whether a promise settles without anything else happening. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const settle = (): void => {
    done = true;
  };
  promise.then(settle, settle);
  await new Promise(setImmediate);
  return done;
}

describe('link', () => {
  it('lets send wait while the stream takes nothing', async () => {
    const { link, release } = openLink();
    const sends = Array.from({ length: 16 }, () => link.send('', 'T', new Uint8Array(MIB)));
    const before = await Promise.all(sends.map(settled));
    deepEqual([before[0], before[15]], [true, false]);
    release();
    await Promise.all(sends);
  });

  it('writes the chunks of different forks in turns', async () => {
    const from = openLink();
    const to = openLink({}, 'orgB');
    void from.link.send('', 'T', new Uint8Array(32 * MIB));
    void from.link.send('/f', 'T', new Uint8Array(1));
    const small = to.link.receive('/f');
    let frames = 0;
    for (; !(await settled(small)); frames++) {
      const { frame, done } = from.written.shift()!;
      to.link.accept(frame);
      done();
    }
    // The small message waits for what is in flight, not for the whole of the long one.
    ok(frames < 12, `${frames} frames came before`);
  });

  it('stops reading above its bound while nobody waits, and resumes when somebody does', async () => {
    const from = openLink();
    const to = openLink({ pauseAboveBytes: 2 * MIB }, 'orgB');
    const send = (label: string, n: number): void => {
      void from.link.send(label, 'T', new Uint8Array(n));
      from.release(to.link);
    };
    send('/f', 2 * MIB);
    deepEqual(to.reading, [false]);
    const waiting = to.link.receive('');
    deepEqual(to.reading, [false, true]);
    // What it waits for lies behind more of the other fork.
    send('/f', 2 * MIB);
    deepEqual(to.reading, [false, true]);
    send('', 1);
    await waiting;
    deepEqual(to.reading, [false, true, false]);
    await to.link.receive('/f');
    deepEqual(to.reading, [false, true, false]);
    await to.link.receive('/f');
    deepEqual(to.reading, [false, true, false, true]);
  });

  it('reads on while a send waits for room', () => {
    const from = openLink();
    const to = openLink({ pauseAboveBytes: MIB }, 'orgB');
    void from.link.send('', 'T', new Uint8Array(2 * MIB));
    from.release(to.link);
    deepEqual(to.reading, [false]);
    void to.link.send('', 'T', new Uint8Array(32 * MIB));
    deepEqual(to.reading, [false, true]);
  });

  it('reads on while it cannot send for lack of an ack, though nobody waits', () => {
    const from = openLink();
    const to = openLink({ pauseAboveBytes: MIB, maxUnackedBytes: MIB }, 'orgB');
    void from.link.send('', 'T', new Uint8Array(2 * MIB));
    from.release(to.link);
    deepEqual(to.reading, [false]);
    // Both messages fit: the second waits behind the bound, and nobody for it.
    void to.link.send('', 'T', new Uint8Array(MIB));
    deepEqual(to.reading, [false]);
    void to.link.send('', 'T', new Uint8Array(1));
    deepEqual(to.reading, [false, true]);
    to.release(from.link);
    from.release(to.link);
    deepEqual(to.reading, [false, true, false]);
  });

  it('acknowledges after a MiB or 64 frames, and the rest when it is told to', () => {
    const from = openLink();
    const to = openLink({}, 'orgB');
    to.release(from.link); // its open frame
    const send = (n: number, times: number): void => {
      for (let i = 0; i < times; i++) void from.link.send('', 'T', new Uint8Array(n));
      from.release(to.link);
    };
    send(1, 63);
    deepEqual([kinds(to), to.link.owesAck], [[], true]);
    send(1, 1);
    deepEqual([kinds(to), to.link.owesAck], [['ack'], false]);
    send(MIB / 2, 1);
    deepEqual([kinds(to), to.link.owesAck], [['ack'], true]);
    send(MIB / 2, 1);
    deepEqual([kinds(to), to.link.owesAck], [['ack', 'ack'], false]);
    send(1, 1);
    to.link.acknowledge();
    deepEqual([kinds(to), to.link.owesAck], [['ack', 'ack', 'ack'], false]);
    // Acks themselves are not acknowledged, or it would never end.
    to.release(from.link);
    deepEqual([kinds(from), from.link.owesAck], [[], false]);
  });

  it('gets acks through while both ends send and neither receives', async () => {
    const limits = { pauseAboveBytes: MIB, maxUnackedBytes: 2 * MIB };
    const ends = [openLink(limits), openLink(limits, 'orgB')] as const;
    const sends = ends.map(async ({ link }) => {
      for (let i = 0; i < 64; i++) await link.send('', 'T', new Uint8Array(MIB));
    });
    let sent = false;
    const all = Promise.all(sends).then(() => (sent = true));
    for (let turns = 0; !sent; turns++) {
      pump(...ends);
      await new Promise(setImmediate);
      ok(turns < 1000, 'both ends wait');
    }
    await all;
  });

  it('goes on in a new stream as if there had been one', async () => {
    const [from, to] = [openLink(), openLink({}, 'orgB')];
    const bytes = new Uint8Array(8 * MIB).map((_, i) => i % 253);
    void from.link.send('/f', 'T', bytes);
    for (let i = 0; i < 3; i++) to.link.accept(from.written.shift()!.frame);
    const lost = from.written.splice(0);
    ok(lost.length > 0);
    from.link.detach();
    to.link.restart();
    from.link.checkResume(to.link.next);
    from.link.attach(sinkOf(from), to.link.next, MAC);
    pump(from, to);
    equal(Buffer.compare((await to.link.receive('/f')).bytes, bytes), 0);
    deepEqual(to.link.receipt().received, from.link.receipt().sent);
    // A frame of the lost ones, written late, is out of turn.
    throws(() => to.link.accept(lost[0]!.frame), { code: 'MALFORMED' });
  });

  it('tells again in a new stream what has arrived', () => {
    const [from, to] = [openLink(), openLink({}, 'orgB')];
    void from.link.send('', 'T', new Uint8Array(1));
    from.release(to.link);
    to.written.length = 0;
    to.link.detach();
    to.link.attach(sinkOf(to), 0, MAC);
    deepEqual(kinds(to), ['open', 'ack']);
  });

  it('refuses to send what the peer would not take', async () => {
    const { link } = openLink({ maxMessageBytes: 10 });
    await rejects(link.send('', 'T', new Uint8Array(11)), RangeError);
    await rejects(link.send('', '', new Uint8Array(1)), RangeError);
    await rejects(link.send('\u00e9', 'T', new Uint8Array(1)), RangeError);
  });

  it('closes after what was queued, and answers a close', async () => {
    const [from, to] = [openLink(), openLink({}, 'orgB')];
    void from.link.send('', 'T', new Uint8Array(32 * MIB)).catch(() => {});
    from.link.close();
    equal(from.link.closing, false);
    pump(from, to);
    deepEqual(
      [from, to].map(({ link }) => [link.closing, link.done]),
      [
        [true, true],
        [true, true],
      ],
    );
    equal((await to.link.receive('')).bytes.length, 32 * MIB);
    await rejects(to.link.receive(''), { code: 'CLOSED' });
    await rejects(to.link.send('', 'T', new Uint8Array(1)), { code: 'CLOSED' });
    deepEqual(to.link.receipt().received, from.link.receipt().sent);
    deepEqual(from.link.receipt().received, to.link.receipt().sent);
  });

  it('has what was sent signed by both ends, at marks and at the end', async () => {
    const [from, to] = [openLink(), openLink({}, 'orgB')];
    void from.link.send('/f', 'T', new Uint8Array(9));
    from.link.mark({ phase: 'aligning', step: 1 });
    pump(from, to);
    void to.link.send('', 'T', new Uint8Array(5));
    from.link.close();
    pump(from, to);
    deepEqual([from.link.done, to.link.done], [true, true]);
    const story = ({ receipts }: Opened) =>
      receipts.map(({ statement: { from: party, phase, frames, last } }) =>
        [party, phase, frames, last].join(' '),
      );
    // A label and a message; then the mark itself.
    deepEqual(story(from).toSorted(), [
      'orgA aligning 2 false',
      'orgA closing 3 true',
      'orgB closing 3 true',
    ]);
    deepEqual(story(to).toSorted(), story(from).toSorted());
    deepEqual(to.link.receipt().received, from.link.receipt().sent);
    deepEqual(from.link.receipt().received, to.link.receipt().sent);
  });

  it('signs for what went through broken streams as if there had been one', () => {
    const [from, to] = [openLink(), openLink({}, 'orgB')];
    void from.link.send('', 'T', new Uint8Array(9));
    from.link.mark({ phase: 'aligning', step: 1 });
    to.link.accept(from.written.shift()!.frame); // open
    to.link.accept(from.written.shift()!.frame); // the message, not the mark
    from.written.length = 0;
    from.link.detach();
    to.link.restart();
    from.link.attach(sinkOf(from), to.link.next, MAC);
    from.release(to.link);
    // Its countersignature is lost, too.
    to.written.length = 0;
    to.link.detach();
    from.link.restart();
    to.link.attach(sinkOf(to), from.link.next, MAC);
    from.link.close();
    pump(from, to);
    deepEqual([from.link.done, to.link.done], [true, true]);
    equal(from.receipts.length, 3);
    equal(to.receipts.length, 3);
  });

  it('refuses a close of a peer that did not sign for all it got', () => {
    const [from, to] = [openLink(), openLink({}, 'orgB')];
    to.link.close();
    pump(from, to);
    // As a peer would that drops what it should sign: its own frames are well-formed.
    const [lazy, honest] = [openLink({}, 'orgB'), openLink()];
    honest.link.mark({ phase: 'aligning', step: 1 });
    lazy.link.close();
    const wire = lazy.written.map(({ frame }) => frame);
    for (const frame of wire) honest.link.accept(frame);
    throws(() => honest.link.accept(encodeHead(plainBody('close', 0, new Uint8Array(0)), 1)), {
      code: 'RECEIPT_MISMATCH',
    });
  });

  it('does not mark on while the peer signs for nothing', () => {
    const { link, written } = openLink();
    for (let step = 1; step <= 100; step++) link.mark({ phase: 'training', step });
    equal(written.length, 1 + 64);
  });

  it('tells why it was aborted', async () => {
    const { link } = openLink();
    const cause = new Error('the line broke');
    const pending = link.receive('');
    link.abort(cause);
    await rejects(pending, { code: 'CLOSED', message: 'the line broke', cause });
    await rejects(link.send('', 'T', new Uint8Array(1)), { code: 'CLOSED' });
  });
});

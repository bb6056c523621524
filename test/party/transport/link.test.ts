import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { DEFAULT_LINK_LIMITS, Link, type LinkLimits } from '../../../src/party/transport/link.ts';

const MIB = 1 << 20;
const MAC = new Uint8Array(32);
const START = new Uint8Array(32);

/** A link whose frames go nowhere until they are released one by one. */
function openLink(limits: Partial<LinkLimits> = {}) {
  const written: { frame: Uint8Array; done: () => void }[] = [];
  const reading: boolean[] = [];
  let allSent = false;
  const link = new Link(
    { sent: START, received: START },
    { ...DEFAULT_LINK_LIMITS, ...limits },
    { onReading: (on) => reading.push(on), onAllSent: () => (allSent = true) },
  );
  link.attach(
    {
      write: (head, payload, done) => written.push({ frame: Buffer.concat([head, payload]), done }),
      end: () => {},
    },
    MAC,
  );
  return {
    link,
    written,
    reading,
    allSent: () => allSent,
    /** Lets the oldest frames leave, until none is left. */
    release: (to?: Link) => {
      for (let next = written.shift(); next; next = written.shift()) {
        to?.accept(next.frame);
        next.done();
      }
    },
  };
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
    const to = openLink();
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
    const to = openLink({ pauseAboveBytes: 2 * MIB });
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
    const to = openLink({ pauseAboveBytes: MIB });
    void from.link.send('', 'T', new Uint8Array(2 * MIB));
    from.release(to.link);
    deepEqual(to.reading, [false]);
    void to.link.send('', 'T', new Uint8Array(32 * MIB));
    deepEqual(to.reading, [false, true]);
  });

  it('refuses to send what the peer would not take', async () => {
    const { link } = openLink({ maxMessageBytes: 10 });
    await rejects(link.send('', 'T', new Uint8Array(11)), RangeError);
    await rejects(link.send('', '', new Uint8Array(1)), RangeError);
    await rejects(link.send('\u00e9', 'T', new Uint8Array(1)), RangeError);
  });

  it('closes after what was queued, and answers a close', async () => {
    const [from, to] = [openLink(), openLink()];
    void from.link.send('', 'T', new Uint8Array(32 * MIB)).catch(() => {});
    from.link.close();
    equal(from.allSent(), false);
    from.release(to.link);
    equal(from.allSent(), true);
    equal((await to.link.receive('')).bytes.length, 32 * MIB);
    await rejects(to.link.receive(''), { code: 'CLOSED' });
    await rejects(to.link.send('', 'T', new Uint8Array(1)), { code: 'CLOSED' });
    to.release(from.link);
    equal(to.allSent(), true);
    deepEqual(to.link.receipt().received, from.link.receipt().sent);
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

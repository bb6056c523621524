import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { decodeFrame } from '../../../src/party/transport/frame.ts';
import { Inbox } from '../../../src/party/transport/inbox.ts';
import { Outbox } from '../../../src/party/transport/outbox.ts';
import type { PhasePlace } from '../../../src/party/transport/phase-marks.ts';

const MAC = new Uint8Array(32);
const START = new Uint8Array(32);
const MIB = 1 << 20;

type Written = [kind: string, label: number, sequence: number];

/** A stream whose frames leave at once, or, while it `holds`, when they are released. */
function recordingSink(holds = false) {
  const written: Written[] = [];
  const bytes: Uint8Array[] = [];
  const held: (() => void)[] = [];
  let ends = 0;
  return {
    written,
    bytes,
    held,
    ends: () => ends,
    write: (head: Uint8Array, payload: Uint8Array, done: () => void) => {
      const frame = Buffer.concat([head, payload]);
      const { kind, label, sequence } = decodeFrame(frame);
      written.push([kind, label, sequence]);
      bytes.push(frame);
      if (holds) held.push(done);
      else done();
    },
    end: () => (ends += 1),
  };
}

/** One byte instead of a signed statement: whether it is the last. */
const toyMark = (place: PhasePlace | null): Uint8Array => Uint8Array.of(place ? 0 : 1);

function newOutbox(maxUnackedBytes = 32 * MIB) {
  let stalls = 0;
  const outbox = new Outbox(START, maxUnackedBytes, toyMark, () => (stalls += 1));
  return { outbox, stalls: () => stalls };
}

/** An outbox with n messages of one byte in a stream. */
function sentMessages(n: number) {
  const { outbox } = newOutbox();
  const sink = recordingSink();
  outbox.attach(sink, 0, MAC);
  for (let i = 0; i < n; i++) void outbox.send('', 'T', Uint8Array.of(i));
  return { outbox, sink };
}

const malformed = { code: 'MALFORMED' };

describe('outbox', () => {
  it('numbers labels and messages from 0, and announces a label once', () => {
    const { outbox } = newOutbox();
    const sink = recordingSink();
    outbox.attach(sink, 0, MAC);
    for (const label of ['', '/f', '/f', '/g', '']) void outbox.send(label, 'T', new Uint8Array(1));
    deepEqual(sink.written, [
      ['open', 0, 0],
      ['data', 0, 0],
      ['label', 1, 1],
      ['data', 1, 2],
      ['data', 1, 3],
      ['label', 2, 4],
      ['data', 2, 5],
      ['data', 0, 6],
    ]);
    equal(outbox.receipt().frames, 7);
    equal(outbox.receipt().bytes, 5 + '/f'.length + '/g'.length);
  });

  it('keeps what is sent before the stream opens, and while it is broken', () => {
    const { outbox } = newOutbox();
    const [first, second] = [recordingSink(), recordingSink()];
    void outbox.send('', 'T', new Uint8Array(1));
    outbox.attach(first, 0, MAC);
    outbox.detach();
    void outbox.send('', 'T', new Uint8Array(1));
    deepEqual(first.written, [
      ['open', 0, 0],
      ['data', 0, 0],
    ]);
    outbox.attach(second, 1, MAC);
    deepEqual(second.written, [
      ['open', 0, 1],
      ['data', 0, 1],
    ]);
  });

  it('closes once, when the peer has said its last, and leaves the stream open', () => {
    const { outbox } = newOutbox();
    const sink = recordingSink();
    outbox.attach(sink, 0, MAC);
    outbox.countersign(new Uint8Array(64), false);
    outbox.close(new Error('over'));
    outbox.close(new Error('again'));
    const said: Written[] = [
      ['open', 0, 0],
      ['countersign', 0, 0],
      ['mark', 0, 1],
    ];
    deepEqual(sink.written, said);
    deepEqual([outbox.finished, outbox.closeWritten], [true, false]);
    outbox.countersign(new Uint8Array(64), true);
    deepEqual(sink.written, [...said, ['countersign', 0, 2], ['close', 0, 3]]);
    equal(outbox.acknowledged, false);
    equal(sink.ends(), 0);
    outbox.acknowledge(4);
    equal(outbox.acknowledged, true);
    outbox.end();
    outbox.end();
    equal(sink.ends(), 1);
  });

  it('marks what was numbered before, ahead of what is queued, and the newest place of a phase', () => {
    const marks: (readonly [PhasePlace | null, number])[] = [];
    const make = (place: PhasePlace | null, { frames }: { frames: number }): Uint8Array => {
      marks.push([place, frames]);
      return toyMark(place);
    };
    const outbox = new Outbox(START, 3 * MIB, make, () => {});
    const sink = recordingSink();
    outbox.attach(sink, 0, MAC);
    for (let i = 0; i < 4; i++) void outbox.send('', 'T', new Uint8Array(MIB)).catch(() => {});
    outbox.mark({ phase: 'aligning', step: 2 });
    outbox.mark({ phase: 'training', step: 1 });
    outbox.mark({ phase: 'training', step: 3 });
    deepEqual(marks, []); // so much is unacknowledged
    outbox.acknowledge(1);
    deepEqual(
      sink.written.slice(4).map(([kind]) => kind),
      ['mark', 'mark', 'data'],
    );
    outbox.close(new Error('over'));
    outbox.mark({ phase: 'evaluating', step: 0 }); // too late
    deepEqual(marks, [
      [{ phase: 'aligning', step: 2 }, 3],
      [{ phase: 'training', step: 3 }, 4],
      [null, 6],
    ]);
  });

  it('writes the same bytes again from where the peer asks', () => {
    const { outbox, sink } = sentMessages(5);
    outbox.mark({ phase: 'training', step: 1 });
    outbox.close(new Error('over'));
    outbox.countersign(new Uint8Array(64), true);
    const receipt = outbox.receipt();
    outbox.acknowledge(2);
    for (const next of [3, 2, 9]) {
      // A peer that asks for frame 3 has those before it; it cannot want one back.
      if (next === 2) {
        throws(() => outbox.checkResume(next), malformed);
        continue;
      }
      const again = recordingSink();
      outbox.checkResume(next);
      outbox.attach(again, next, MAC);
      deepEqual(again.written[0], ['open', 0, next]);
      deepEqual(again.bytes.slice(1), sink.bytes.slice(1 + next));
    }
    deepEqual(outbox.receipt(), receipt);
    equal(outbox.acknowledged, true);
  });

  it('begins no stream at a frame that it forgot or never wrote', () => {
    const { outbox } = sentMessages(3);
    outbox.acknowledge(2);
    for (const next of [0, 1, 4]) throws(() => outbox.checkResume(next), malformed);
    outbox.checkResume(2);
    outbox.checkResume(3);
    // What waits for its turn has no number yet.
    const { outbox: idle } = newOutbox();
    void idle.send('', 'T', new Uint8Array(1));
    throws(() => idle.checkResume(1), malformed);
  });

  it('takes no ack of what it did not write, nor of less than before', () => {
    const { outbox } = sentMessages(3);
    throws(() => outbox.acknowledge(4), malformed);
    outbox.acknowledge(2);
    throws(() => outbox.acknowledge(1), malformed);
    // An ack may come again on a new stream, or late: frames of two connections overtake each other.
    outbox.acknowledge(2);
    const sink = recordingSink(true);
    outbox.attach(sink, 3, MAC);
    outbox.acknowledge(2);
    throws(() => outbox.acknowledge(4), malformed);
  });

  it('takes no ack of a frame that the new stream has not come to', () => {
    const { outbox } = newOutbox();
    const first = recordingSink();
    outbox.attach(first, 0, MAC);
    for (let i = 0; i < 8; i++) void outbox.send('', 'T', new Uint8Array(MIB));
    const second = recordingSink(true);
    outbox.attach(second, 0, MAC);
    const written = second.written.length - 1;
    ok(written < 8, `${written} frames are in flight`);
    throws(() => outbox.acknowledge(written + 1), malformed);
    outbox.acknowledge(written);
  });

  it('sends an ack ahead of what is queued, and only the newest', () => {
    const { outbox } = newOutbox();
    outbox.sendAck(5);
    outbox.sendAck(9);
    void outbox.send('', 'T', new Uint8Array(1));
    const sink = recordingSink();
    outbox.attach(sink, 0, MAC);
    outbox.sendAck(12);
    deepEqual(sink.written, [
      ['open', 0, 0],
      ['ack', 0, 9],
      ['data', 0, 0],
      ['ack', 0, 12],
    ]);
    deepEqual(outbox.receipt().frames, 1);
  });

  it('stops at its bound until the peer acknowledges, and lets sends wait', async () => {
    const { outbox, stalls } = newOutbox(4 * MIB);
    const sink = recordingSink();
    outbox.attach(sink, 0, MAC);
    const sends = Array.from({ length: 12 }, () => outbox.send('', 'T', new Uint8Array(MIB)));
    equal(sink.written.length, 1 + 4);
    ok(outbox.stalled && stalls() > 0 && outbox.waiting > 0);
    outbox.acknowledge(3);
    equal(sink.written.length, 1 + 7);
    outbox.acknowledge(7);
    outbox.acknowledge(11);
    await Promise.all(sends);
    equal(outbox.stalled, false);
  });

  it('counts empty messages against its bound', () => {
    const { outbox } = newOutbox(1 << 16);
    const sink = recordingSink();
    outbox.attach(sink, 0, MAC);
    for (let i = 0; i < 1000; i++) void outbox.send('', 'T', new Uint8Array(0));
    ok(sink.written.length < 300, `${sink.written.length} frames are kept`);
    equal(outbox.stalled, true);
  });

  it('hears no late word of a stream that was replaced', () => {
    const { outbox } = newOutbox();
    const [old, replaced] = [recordingSink(true), recordingSink(true)];
    outbox.attach(old, 0, MAC);
    for (let i = 0; i < 16; i++) void outbox.send('', 'T', new Uint8Array(MIB)).catch(() => {});
    outbox.attach(replaced, 0, MAC);
    const inFlight = replaced.written.length;
    for (const done of old.held) done();
    equal(old.written.length, inFlight);
    equal(replaced.written.length, inFlight);
    replaced.held.shift()?.();
    replaced.held.shift()?.();
    equal(replaced.written.length, inFlight + 1);
  });

  it('loses and doubles nothing, wherever streams break and acks get lost', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('send' as const), fork: fc.nat(2), bytes: fc.nat(40) }),
      fc.record({ do: fc.constant('break' as const), lost: fc.nat(6) }),
      fc.record({ do: fc.constant('ack' as const) }),
      fc.record({ do: fc.constant('mark' as const) }),
      fc.record({ do: fc.constant('countersign' as const) }),
    );
    let resumed = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { outbox } = newOutbox(2000);
        const limits = { maxMessageBytes: 100, maxBufferedBytes: MIB, maxLabels: 3 };
        const inbox = new Inbox(START, limits, ([last]) => last === 1);
        let sink = recordingSink();
        /** Frames of the current stream that have arrived. */
        let taken = 0;
        const arrive = (lost: number): void => {
          const until = Math.max(taken, sink.bytes.length - lost);
          for (const frame of sink.bytes.slice(taken, until)) inbox.accept(frame);
          taken = until;
        };
        const resume = (): void => {
          const { next } = inbox;
          outbox.checkResume(next);
          inbox.restart();
          [sink, taken] = [recordingSink(), 0];
          outbox.attach(sink, next, MAC);
          resumed += 1;
        };
        outbox.attach(sink, 0, MAC);
        for (const s of steps) {
          if (s.do === 'send') {
            void outbox.send(s.fork === 0 ? '' : `/${s.fork}`, 'T', new Uint8Array(s.bytes));
          } else if (s.do === 'mark') {
            outbox.mark({ phase: 'training', step: 1 });
          } else if (s.do === 'countersign') {
            outbox.countersign(new Uint8Array(64), false);
          } else if (s.do === 'ack') {
            arrive(0);
            outbox.acknowledge(inbox.next);
          } else {
            arrive(s.lost);
            outbox.detach();
            resume();
          }
        }
        outbox.close(new Error('over'));
        outbox.countersign(new Uint8Array(64), true);
        while (!outbox.acknowledged) {
          arrive(0);
          outbox.acknowledge(inbox.next);
        }
        equal(inbox.closed, true);
        deepEqual(inbox.receipt(), outbox.receipt());
      }),
      { numRuns: 300, seed: 3 },
    );
    ok(resumed > 300, `${resumed} streams were resumed`);
  });
});

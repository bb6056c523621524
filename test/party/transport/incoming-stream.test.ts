import { deepEqual, equal } from 'node:assert/strict';
import { mock } from 'node:test';
import { SessionError } from '../../../src/party/errors.ts';
import type { StreamEnd } from '../../../src/party/transport/data-plane.ts';
import { IncomingStream } from '../../../src/party/transport/incoming-stream.ts';

const BROKEN: StreamEnd = {
  kind: 'broken',
  error: new SessionError('UNREACHABLE', 'the line broke'),
};

/** A stream over connections that do what the test says. */
function newStream(again: (end: StreamEnd) => boolean = () => true) {
  const dials: {
    onFrame: (bytes: Uint8Array) => void;
    onEnd: (end: StreamEnd) => void;
    calls: string[];
  }[] = [];
  const ends: StreamEnd['kind'][] = [];
  let frames = 0;
  const stream = new IncomingStream({
    dial: (number, onFrame, onEnd) => {
      equal(number, dials.length + 1);
      const calls: string[] = [];
      dials.push({ onFrame, onEnd, calls });
      return {
        pause: () => calls.push('pause'),
        resume: () => calls.push('resume'),
        close: () => calls.push('close'),
      };
    },
    onFrame: () => (frames += 1),
    onEnd: (end) => {
      ends.push(end.kind);
      return again(end);
    },
  });
  return { stream, dials, ends, frames: () => frames };
}

describe('incoming stream', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('dials again after 50 ms, and after twice as long each time, up to 2 s', () => {
    const { stream, dials } = newStream();
    stream.start();
    for (const delayMs of [50, 100, 200, 400, 800, 1600, 2000, 2000]) {
      dials.at(-1)!.onEnd(BROKEN);
      const { length } = dials;
      mock.timers.tick(delayMs - 1);
      equal(dials.length, length, `before ${delayMs} ms`);
      mock.timers.tick(1);
      equal(dials.length, length + 1, `after ${delayMs} ms`);
    }
    equal(stream.stream, 9);
    stream.close();
  });

  it('begins with 50 ms again after progress, not after a mere opening', () => {
    const { stream, dials } = newStream();
    stream.start();
    for (const [progress, delayMs] of [
      [false, 50],
      [false, 100],
      [true, 50],
      [false, 100],
    ] as const) {
      stream.opened();
      if (progress) stream.progressed();
      dials.at(-1)!.onEnd(BROKEN);
      const { length } = dials;
      mock.timers.tick(delayMs - 1);
      equal(dials.length, length);
      mock.timers.tick(1);
      equal(dials.length, length + 1);
    }
    stream.close();
  });

  it('gives up a connection that does not open in 5 s, and keeps one that does', () => {
    const { stream, dials, ends } = newStream();
    stream.start();
    mock.timers.tick(5_000);
    deepEqual([ends, dials[0]!.calls], [['broken'], ['close']]);
    mock.timers.tick(50);
    stream.opened();
    mock.timers.tick(60_000);
    deepEqual([dials.length, dials[1]!.calls], [2, []]);
    stream.close();
    deepEqual(dials[1]!.calls, ['close']);
  });

  it('hears nothing of connections that it left', () => {
    const { stream, dials, ends, frames } = newStream();
    stream.start();
    dials[0]!.onFrame(new Uint8Array(1));
    dials[0]!.onEnd(BROKEN);
    dials[0]!.onFrame(new Uint8Array(1));
    dials[0]!.onEnd(BROKEN);
    mock.timers.tick(50);
    dials[0]!.onFrame(new Uint8Array(1));
    dials[0]!.onEnd(BROKEN);
    dials[1]!.onFrame(new Uint8Array(1));
    deepEqual([frames(), ends, dials.length], [2, ['broken'], 2]);
    stream.close();
    dials[1]!.onEnd(BROKEN);
    equal(ends.length, 1);
  });

  it('dials no more when it is told not to, or closed while it waits', () => {
    for (const told of [true, false]) {
      const { stream, dials } = newStream(() => !told);
      stream.start();
      dials[0]!.onEnd({ kind: 'ended' });
      if (!told) stream.close();
      mock.timers.tick(60_000);
      equal(dials.length, 1);
      deepEqual(dials[0]!.calls, ['close']);
    }
    const { stream, dials } = newStream();
    stream.close();
    stream.start();
    equal(dials.length, 0);
  });

  it('pauses a connection only once it is open', () => {
    const { stream, dials } = newStream();
    stream.start();
    stream.pause();
    deepEqual(dials[0]!.calls, []);
    stream.opened();
    deepEqual(dials[0]!.calls, ['pause']);
    dials[0]!.onEnd(BROKEN);
    mock.timers.tick(50);
    stream.opened();
    stream.resume();
    deepEqual(dials[1]!.calls, ['pause', 'resume']);
    stream.close();
  });
});

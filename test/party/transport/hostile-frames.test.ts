import { equal, ok } from 'node:assert/strict';
import { seededGenerator } from '../../../src/ml/data/random.ts';
import { SessionError } from '../../../src/party/errors.ts';
import { DEFAULT_LINK_LIMITS, Link } from '../../../src/party/transport/link.ts';
import { testMarks } from '../../support/phase-marks.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const FRAMES = 100_000;

/** What a link may hold for a peer that it has not yet caught: far below what so many frames would take. */
const GROWTH_MB = 150;

const START = new Uint8Array(32);
const MAC = new Uint8Array(32);

/** A link that sends nowhere. */
function newLink(self: string, peer: string): Link {
  const { marks } = testMarks(self, peer);
  return new Link({ sent: START, received: START }, DEFAULT_LINK_LIMITS, marks, () => {});
}

/** The frames of an honest conversation: three forks, empty and large messages, marks, an end. */
function honestFrames(): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const link = newLink('orgA', 'orgB');
  link.attach(
    {
      write: (head, payload, done) => {
        frames.push(Buffer.concat([head, payload]));
        done();
      },
      end: () => {},
    },
    0,
    MAC,
  );
  for (const label of ['', '/a', '/a/b']) {
    for (const length of [0, 1, 300, 70_000]) {
      link.send(label, `T${length}`, new Uint8Array(length)).catch(() => undefined);
    }
    link.mark({ phase: 'training', step: frames.length });
  }
  link.close();
  return frames;
}

describe('a link under hostile frames', () => {
  it(`takes or refuses each of ${FRAMES}, by a code, in bounded memory`, function () {
    this.timeout(120_000);
    const next = seededGenerator(99);
    const rng = seededRng('frames');
    const honest = honestFrames();
    ok(honest.length > 12);
    const mutated = (frame: Uint8Array): Uint8Array => {
      switch (next() % 8) {
        case 0:
          return rng(next() % 200);
        case 1:
          return frame.slice(0, next() % frame.length);
        case 2:
          return Buffer.concat([frame, rng(1 + (next() % 40))]);
        case 3:
          return honest[next() % honest.length]!;
        case 4: {
          // In the head, where lengths, labels and numbers are.
          const copy = Uint8Array.from(frame);
          copy[next() % Math.min(24, copy.length)]! ^= 1 << (next() % 8);
          return copy;
        }
        default:
          return frame;
      }
    };

    const codes = new Map<string, number>();
    let fed = 0;
    let conversations = 0;
    const before = process.memoryUsage().rss;
    while (fed < FRAMES) {
      const victim = newLink('orgB', 'orgA');
      conversations += 1;
      try {
        for (const frame of honest) {
          fed += 1;
          victim.accept(mutated(frame));
        }
      } catch (error) {
        ok(error instanceof SessionError, String(error));
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      }
      victim.abort(new SessionError('CLOSED', 'over'));
    }
    const grownMb = (process.memoryUsage().rss - before) / 2 ** 20;
    ok(grownMb < GROWTH_MB, `grew by ${grownMb} MB`);
    const expected = ['MALFORMED', 'TOO_LARGE', 'BAD_SIGNATURE', 'RECEIPT_MISMATCH'];
    for (const code of codes.keys()) ok(expected.includes(code), code);
    ok((codes.get('MALFORMED') ?? 0) > conversations / 2);
    // The untouched conversation is one that the link takes whole.
    const link = newLink('orgB', 'orgA');
    for (const frame of honest) link.accept(frame);
    equal(link.next > 12, true);
  });
});

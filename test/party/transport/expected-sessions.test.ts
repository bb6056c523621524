import { equal, rejects, throws } from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { Hello } from '../../../proto/gen/session.ts';
import type { SessionError } from '../../../src/party/errors.ts';
import { type Expected, ExpectedSessions } from '../../../src/party/transport/expected-sessions.ts';

const TASK = new Uint8Array(32).fill(7);
const NEVER = new AbortController().signal;

/** A local `open` of an attempt with orgB, and the error that ended it. */
function opening(attempt: number, taskId = TASK): Expected & { error?: SessionError } {
  const digest = new Uint8Array(32);
  const terms = {
    peer: 'orgB',
    taskId,
    certificateDigest: digest,
    attempt,
    checkpointDigest: digest,
  };
  const expected: Expected & { error?: SessionError } = {
    terms,
    record: undefined,
    settle: () => {},
    fail: (error) => {
      expected.error = error;
    },
  };
  return expected;
}

const helloOf = (attempt: number, taskId = TASK): Hello =>
  Hello.fromPartial({ from: 'orgB', taskId, attempt });

describe('expected sessions', () => {
  it('are found by their hello, whichever comes first', async () => {
    const sessions = new ExpectedSessions();
    const other = new Uint8Array(32).fill(8);
    const [early, late] = [opening(1), opening(1, other)];
    sessions.add(early);
    equal(await sessions.take(helloOf(1), NEVER), early);
    const taken = sessions.take(helloOf(1, other), NEVER);
    sessions.add(late);
    equal(await taken, late);
  });

  it('are one for each task and peer, until taken or removed', async () => {
    const sessions = new ExpectedSessions();
    const first = opening(1);
    sessions.add(first);
    throws(() => sessions.add(opening(1)), { code: 'STREAM_IN_USE' });
    sessions.remove(opening(1)); // another one
    throws(() => sessions.add(opening(1)), { code: 'STREAM_IN_USE' });
    sessions.remove(first);
    sessions.add(opening(1));
    await sessions.take(helloOf(1), NEVER);
    sessions.add(opening(2));
  });

  it('refuse a hello that they left behind, and fail where the peer left them behind', async () => {
    const sessions = new ExpectedSessions();
    sessions.add(opening(3));
    await rejects(sessions.take(helloOf(2), NEVER), { code: 'STALE_ATTEMPT' });
    const other = new Uint8Array(32);
    const [old, next] = [opening(3, other), opening(4, other)];
    sessions.add(old);
    const taken = sessions.take(helloOf(4, other), NEVER);
    equal(old.error?.code, 'STALE_ATTEMPT');
    sessions.add(next);
    equal(await taken, next);
  });

  it('keep a bounded number of hellos waiting, each until its peer gives up', async () => {
    const sessions = new ExpectedSessions();
    const calls = new AbortController();
    setMaxListeners(0, calls.signal);
    const waiting = Array.from({ length: 64 }, () => sessions.take(helloOf(1), calls.signal));
    await rejects(sessions.take(helloOf(1), NEVER), { code: 'TOO_LARGE' });
    const given = Promise.all(
      waiting.map((hello) => rejects(hello, { code: 'TIMED_OUT', message: /orgB gave up/ })),
    );
    calls.abort();
    await given;
    const expected = opening(1);
    sessions.add(expected);
    equal(await sessions.take(helloOf(1), NEVER), expected);
  });
});

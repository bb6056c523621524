import { deepEqual, equal, rejects } from 'node:assert/strict';
import { RefusalError, SessionError } from '../../../src/party/errors.ts';
import {
  MEET,
  type Meetings,
  type TaskStatus,
  taskMeetings,
} from '../../../src/party/tasks/meeting.ts';
import { encodeStanding, type Standing } from '../../../src/party/tasks/standing.ts';
import type { ControlClient, ControlServer } from '../../../src/party/transport/control.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';

const TASK = 'ab'.repeat(32);
const NEVER = new AbortController().signal;
const PATIENCE_MS = 60_000;

const standing = (changes: Partial<Standing> = {}): Standing => ({
  taskId: TASK,
  nextAttempt: 1,
  state: 'READY',
  checkpoints: [],
  ...changes,
});
const OPEN: TaskStatus = { state: 'open', nextAttempt: 1 };
const START = { next: 'attempt', attempt: 1, checkpoint: null } as const;

interface Party {
  readonly meetings: Meetings;
  status: (peer: string) => TaskStatus;
  up: boolean;
}

/** Parties whose calls reach one another at once, while they are up. */
function partiesOf(...names: readonly string[]) {
  const clock: FakeClock = fakeClock();
  const handlers = new Map<string, (from: string, message: unknown) => Promise<unknown>>();
  const parties = new Map<string, Party>();
  const calls: string[] = [];
  for (const name of names) {
    const server: ControlServer = {
      handle: (method, handler) => {
        equal(method.name, MEET.name);
        handlers.set(name, (from, message) =>
          handler(
            { name: from, address: '', certificatePem: '', fingerprint: '' },
            message as never,
            {
              signal: NEVER,
            },
          ),
        );
      },
    };
    const peers: ControlClient = {
      call: async (to, _method, request) => {
        calls.push(`${name} -> ${to}`);
        if (!parties.get(to)!.up) throw new SessionError('UNREACHABLE', `${to} is down`);
        return (await handlers.get(to)!(name, request)) as never;
      },
    };
    const party: Party = {
      status: () => OPEN,
      up: true,
      meetings: taskMeetings(server, {
        peers,
        clock,
        status: async (taskId, peer) => {
          equal(taskId, TASK);
          return party.status(peer);
        },
      }),
    };
    parties.set(name, party);
  }
  const at = (name: string): Party => parties.get(name)!;
  const meet = (
    name: string,
    own = standing(),
    signal = NEVER,
    patienceMs: number | null = PATIENCE_MS,
  ) =>
    at(name).meetings.meet(
      own,
      names.filter((other) => other !== name),
      { signal, patienceMs },
    );
  return { clock, at, meet, calls, handlers };
}

describe('task meeting', () => {
  it('brings all parties to one decision, whoever comes first', async () => {
    const { meet, clock } = partiesOf('orgA', 'orgB', 'orgC');
    const id = { attempt: 2, step: 7 };
    const early = meet('orgA', standing({ nextAttempt: 3, checkpoints: [id] }));
    await clock.advance(3000);
    const later = meet('orgB', standing({ nextAttempt: 4, checkpoints: [id] }));
    await clock.advance(3000);
    const last = meet('orgC', standing({ nextAttempt: 3, checkpoints: [id] }));
    const expected = { next: 'attempt', attempt: 4, checkpoint: id };
    deepEqual(await Promise.all([early, later, last]), [expected, expected, expected]);
  });

  it('waits for a peer that is alive, however long, with a call every ten seconds', async () => {
    const { meet, clock, calls } = partiesOf('orgA', 'orgB');
    const waits = meet('orgA');
    await clock.advance(10 * PATIENCE_MS);
    equal(calls.length, 61);
    const other = meet('orgB');
    deepEqual(await Promise.all([waits, other]), [START, START]);
    equal(clock.waiting, 0);
  });

  it('gives up a peer that is out of reach for too long, counted from when it was heard last', async () => {
    const { meet, clock, at } = partiesOf('orgA', 'orgB', 'orgC');
    void meet('orgC').catch(() => undefined);
    const waits = meet('orgA');
    waits.catch(() => undefined);
    await clock.advance(50_000);
    at('orgB').up = false;
    await clock.advance(PATIENCE_MS - 15_000);
    let over = false;
    waits.catch(() => {
      over = true;
    });
    await clock.advance(1000);
    equal(over, false);
    await clock.advance(30_000);
    await rejects(waits, { code: 'UNREACHABLE', message: /^orgB could not be reached for 6\d s/ });
  });

  it('waits for ever where it is told so, until the signal', async () => {
    const { meet, clock, at } = partiesOf('orgA', 'orgB');
    at('orgB').up = false;
    const controller = new AbortController();
    const waits = meet('orgA', standing({ state: 'PREPARED' }), controller.signal, null);
    await clock.advance(100 * PATIENCE_MS);
    controller.abort(new Error('cancelled by orgA'));
    await rejects(waits, /cancelled by orgA/);
    equal(clock.waiting, 0);
  });

  it('fails with the reason of a peer at which the task has ended, and tells strangers nothing', async () => {
    const { meet, at } = partiesOf('orgA', 'orgB', 'orgC');
    at('orgB').status = () => ({ state: 'ended', reason: 'orgB: too\nfew rows' });
    void meet('orgC').catch(() => undefined);
    await rejects(meet('orgA'), { code: 'PEER_FAILED', message: 'orgB: orgB: too few rows' });
    at('orgB').status = () => ({ state: 'cancelled', reason: 'cancelled by orgC' });
    await rejects(meet('orgA'), { code: 'CANCELLED', message: 'cancelled by orgC' });
    at('orgB').status = (peer) => (peer === 'orgA' ? { state: 'unknown' } : OPEN);
    await rejects(meet('orgA'), { code: 'PEER_FAILED', message: 'orgB: no such task' });
  });

  it('publishes what a peer has published', async () => {
    const { meet, at } = partiesOf('orgA', 'orgB');
    at('orgB').status = () => ({ state: 'completed', nextAttempt: 2 });
    const decision = await meet('orgA', standing({ nextAttempt: 2, state: 'PREPARED' }));
    deepEqual(decision, { next: 'publish' });
  });

  it('answers the same once more while its attempt begins: the peer lost the answer', async () => {
    const { meet, at } = partiesOf('orgA', 'orgB');
    const decisions = await Promise.all([meet('orgA'), meet('orgB')]);
    deepEqual(decisions, [START, START]);
    let left = 0;
    at('orgA').meetings.begin(TASK, 1, () => left++);
    // orgB was killed before it used the attempt, and comes again as it was.
    deepEqual(await meet('orgB'), START);
    equal(left, 0);
  });

  it('is called out of an attempt that a peer has left', async () => {
    const { meet, at, clock } = partiesOf('orgA', 'orgB');
    await Promise.all([meet('orgA'), meet('orgB')]);
    let left = 0;
    at('orgA').meetings.begin(TASK, 1, () => left++);
    at('orgB').meetings.leave(TASK);
    const again = meet('orgB', standing({ nextAttempt: 2 }));
    await clock.advance(100);
    equal(left, 1);
    at('orgA').meetings.leave(TASK);
    const own = meet('orgA', standing({ nextAttempt: 2 }));
    const second = { ...START, attempt: 2 };
    deepEqual(await Promise.all([again, own]), [second, second]);
  });

  it('holds one call a peer and task, and lets a refused or malformed one go at once', async () => {
    const { handlers, clock } = partiesOf('orgA', 'orgB');
    const call = handlers.get('orgA')!;
    const message = encodeStanding(standing());
    const calls = [1, 2, 3].map(() => call('orgB', message));
    await clock.advance(10_000);
    const states = (await Promise.all(calls)).map((answer) => (answer as { state: number }).state);
    deepEqual(states, [2, 2, 2]);
    equal(clock.waiting, 0);
    await rejects(call('orgB', { ...message, taskId: new Uint8Array(4) }), { code: 'MALFORMED' });
  });

  it('takes no answer about another task', async () => {
    const { meet, handlers, clock } = partiesOf('orgA', 'orgB');
    handlers.set('orgB', async () => encodeStanding(standing({ taskId: 'cd'.repeat(32) })));
    const waits = rejects(meet('orgA'), { code: 'UNREACHABLE', message: /another task/ });
    await clock.advance(2 * PATIENCE_MS);
    await waits;
    handlers.set('orgB', () => Promise.reject(new RefusalError('NO', 'no')));
    await rejects(meet('orgA'), { code: 'PEER_FAILED' });
  });
});

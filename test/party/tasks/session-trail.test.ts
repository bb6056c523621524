import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { PhaseReceipt } from '../../../src/party/audit/phase-statement.ts';
import { SessionError } from '../../../src/party/errors.ts';
import { sessionTrail } from '../../../src/party/tasks/session-trail.ts';
import type { Session } from '../../../src/party/transport/session.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';
import { SAMPLE_BODIES, SAMPLE_TASK } from '../../support/audit-entries.ts';
import { memoryTrail } from '../../support/memory-trail.ts';

const HEX = (digit: string): string => digit.repeat(64);
const SCOPE = {
  taskId: SAMPLE_TASK,
  attempt: 2,
  certificate: HEX('8'),
  checkpoint: HEX('0'),
  implementation: HEX('1'),
};
const TRAFFIC = { hash: new Uint8Array(32).fill(0x55), frames: 3, bytes: 70 };

const session = (peer: string): Session =>
  ({
    peer,
    fingerprint: HEX('b'),
    id: HEX('c'),
    transcript: HEX('d'),
    receipt: () => ({ sent: TRAFFIC, received: TRAFFIC }),
  }) as unknown as Session;

const RECEIPT = SAMPLE_BODIES.phase_receipt as PhaseReceipt;

describe('sessions in the audit log', () => {
  it('are opened before anything is said of them, and end once', async () => {
    const log = memoryTrail();
    const trail = sessionTrail(log, SCOPE);
    let early: Promise<unknown> = Promise.resolve();
    const opened = await trail.opened(async (record) => {
      early = record(RECEIPT);
      await new Promise(setImmediate);
      deepEqual(log.entries, [], 'the receipt waits');
      return session('orgB');
    });
    await early;
    await trail.closed(opened, null);
    await trail.closed(opened, new Error('late'));
    deepEqual(
      log.entries.map(({ kind, task, attempt }) => [kind, task, attempt]),
      ['session_opened', 'phase_receipt', 'session_closed'].map((kind) => [kind, SAMPLE_TASK, 2]),
    );
    deepEqual(log.of('session_opened')[0]!.body, SAMPLE_BODIES.session_opened);
    deepEqual(log.of('session_closed')[0]!.body, SAMPLE_BODIES.session_closed);
  });

  it('say by a code why they ended', async () => {
    const lost = new SessionError('UNREACHABLE', 'gone');
    for (const [error, code] of [
      [lost, 'UNREACHABLE'],
      [new ProtocolError('CLOSED', 'closed', { cause: lost }), 'UNREACHABLE'],
      [new ProtocolError('CHECK_FAILED', 'secret 17'), 'CHECK_FAILED'],
      [new TypeError('secret 17'), 'internal'],
    ] as const) {
      const log = memoryTrail();
      await sessionTrail(log, SCOPE).closed(session('orgB'), error);
      equal(log.of('session_closed')[0]!.body.code, code);
    }
  });

  it('that do not open leave nothing, and their receipts fail', async () => {
    const log = memoryTrail();
    let early: Promise<unknown> = Promise.resolve();
    const failed = sessionTrail(log, SCOPE).opened(async (record) => {
      early = record(RECEIPT);
      early.catch(() => undefined);
      throw new SessionError('TIMED_OUT', 'nobody came');
    });
    await rejects(failed, { code: 'TIMED_OUT' });
    await rejects(early);
    deepEqual(log.entries, []);
  });
});

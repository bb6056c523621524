import { deepEqual, equal, throws } from 'node:assert/strict';
import { Check } from 'typebox/value';
import { encodeStatement, type PhaseReceipt } from '../../../src/party/audit/phase-statement.ts';
import { PhaseReceiptBody } from '../../../src/party/audit/run-entries.ts';
import type { SessionErrorCode } from '../../../src/party/errors.ts';
import type { PhaseMarks } from '../../../src/party/transport/phase-marks.ts';
import type { DirectionReceipt } from '../../../src/party/transport/session.ts';
import { testMarks } from '../../support/phase-marks.ts';

const COUNTED: DirectionReceipt = { frames: 4, bytes: 90, hash: new Uint8Array(32).fill(9) };
const PLACE = { phase: 'training', step: 7 };

/** Both ends of a session. */
const bothEnds = () => ({ a: testMarks('orgA', 'orgB'), b: testMarks('orgB', 'orgA') });

function refuses(marks: PhaseMarks, payload: Uint8Array, code: SessionErrorCode, what = ''): void {
  throws(() => marks.check(payload, COUNTED), { name: 'SessionError', code }, what);
}

describe('phase marks', () => {
  it('give both ends the same receipt, with both signatures', () => {
    const { a, b } = bothEnds();
    const { countersignature, last } = b.marks.check(a.marks.make(PLACE, COUNTED), COUNTED);
    equal(last, false);
    equal(a.marks.open, 1);
    a.marks.countersigned(countersignature);
    equal(a.marks.open, 0);
    deepEqual(a.receipts, b.receipts);
    const [receipt] = a.receipts as [PhaseReceipt];
    deepEqual(receipt.statement, {
      taskId: '7'.repeat(64),
      attempt: 1,
      session: 'c'.repeat(64),
      from: 'orgA',
      to: 'orgB',
      number: 0,
      phase: 'training',
      step: 7,
      last: false,
      frames: 4,
      bytes: 90,
      hash: '09'.repeat(32),
    });
    equal(Check(PhaseReceiptBody, receipt), true);
  });

  it('say which is the last', () => {
    const { a, b } = bothEnds();
    const { last } = b.marks.check(a.marks.make(null, COUNTED), COUNTED);
    equal(last, true);
    equal(b.receipts[0]?.statement.phase, 'closing');
  });

  it('are refused when other frames arrived, each count alone', () => {
    for (const other of [{ frames: 5 }, { bytes: 91 }, { hash: new Uint8Array(32) }]) {
      const { a, b } = bothEnds();
      const payload = a.marks.make(PLACE, { ...COUNTED, ...other });
      refuses(b.marks, payload, 'RECEIPT_MISMATCH', Object.keys(other)[0]);
      deepEqual(b.receipts, []);
    }
  });

  it('are refused of another session, task, attempt or pair', () => {
    const others = [
      { session: 'd'.repeat(64) },
      { taskId: '8'.repeat(64) },
      { attempt: 2 },
      { self: 'orgC' },
      { peer: 'orgC' },
    ];
    for (const other of others) {
      const { marks } = testMarks('orgA', 'orgB', other);
      const { b } = bothEnds();
      refuses(b.marks, marks.make(PLACE, COUNTED), 'MALFORMED', Object.keys(other)[0]);
    }
  });

  it('are refused with a wrong signature, of both sides, and in the other side’s domain', () => {
    const { a, b } = bothEnds();
    const payload = a.marks.make(PLACE, COUNTED);
    const own = b.marks.check(payload, COUNTED).countersignature;
    const flipped = Uint8Array.from(payload);
    flipped[0]! ^= 1;
    refuses(bothEnds().b.marks, flipped, 'BAD_SIGNATURE');
    const swapped = Uint8Array.from(payload);
    swapped.set(own);
    refuses(bothEnds().b.marks, swapped, 'BAD_SIGNATURE');
    throws(() => a.marks.countersigned(payload.subarray(0, 64)), { code: 'BAD_SIGNATURE' });
    deepEqual(a.receipts, []);
  });

  it('are refused when they are no statement', () => {
    const { a, b } = bothEnds();
    const payload = a.marks.make(PLACE, COUNTED);
    for (const odd of [0, 63, 64, 65, payload.length - 1]) {
      refuses(b.marks, payload.subarray(0, odd), 'MALFORMED', `${odd} bytes`);
    }
    refuses(b.marks, Buffer.concat([payload, Buffer.alloc(2000, ' ')]), 'MALFORMED');
    const statement = { ...b.receipts[0]?.statement, step: -1 };
    const bytes = encodeStatement(statement as never);
    refuses(b.marks, Buffer.concat([new Uint8Array(64), bytes]), 'MALFORMED');
  });

  it('are numbered: none is taken twice, and none can be left out', () => {
    const { a, b } = bothEnds();
    const [first, second, third] = [0, 1, 2].map(() => a.marks.make(PLACE, COUNTED));
    b.marks.check(first!, COUNTED);
    refuses(b.marks, first!, 'MALFORMED');
    const later = bothEnds().b;
    refuses(later.marks, second!, 'MALFORMED');
    const skipped = bothEnds().b;
    skipped.marks.check(first!, COUNTED);
    refuses(skipped.marks, third!, 'MALFORMED');
    deepEqual(
      b.receipts.map(({ statement }) => statement.number),
      [0],
    );
  });

  it('take no countersignature that nothing waits for, or of another length', () => {
    const { a } = bothEnds();
    throws(() => a.marks.countersigned(new Uint8Array(64)), { code: 'MALFORMED' });
    a.marks.make(PLACE, COUNTED);
    throws(() => a.marks.countersigned(new Uint8Array(63)), { code: 'MALFORMED' });
  });

  it('are signed only so often', () => {
    const { a } = bothEnds();
    let now = 0;
    const { marks } = testMarks('orgB', 'orgA', { now: () => now });
    const next = (): Uint8Array => a.marks.make(PLACE, COUNTED);
    for (let i = 0; i < 256; i++) marks.check(next(), COUNTED);
    refuses(marks, next(), 'TOO_LARGE');
    now = 60_000;
    for (let i = 0; i < 119; i++) marks.check(next(), COUNTED);
    refuses(marks, next(), 'TOO_LARGE');
  });
});

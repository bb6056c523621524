import { deepEqual, equal, rejects } from 'node:assert/strict';
import { OpenedShare } from '../../../proto/gen/sharing.ts';
import type { DisclosureLedger, DisclosureTerms } from '../../../src/protocols/disclosure.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import {
  CHUNK_WORDS,
  open,
  revealReceiver,
  revealSender,
} from '../../../src/protocols/sharing/open.ts';
import { share } from '../../../src/protocols/sharing/share.ts';
import { memoryLedger } from '../../support/ledger.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

const CLASS = 'validation_scores';
const disclosure = (elements: number, ...to: string[]): DisclosureTerms => ({
  class: CLASS,
  to,
  elements,
});

describe('opening', () => {
  it('reveals to one party, and records it on both sides', async () => {
    for (const n of [0, 1, 129, CHUNK_WORDS + 1]) {
      const [a, b] = memoryChannelPair();
      const [left, right] = [memoryLedger(CLASS), memoryLedger(CLASS)];
      const x = randomWords(n, seededRng('x'));
      const [x0, x1] = share(x, seededRng('r'));
      const [, seen] = await Promise.all([
        revealSender(a, left, disclosure(n, 'b'), x0),
        revealReceiver(b, right, disclosure(n, 'b'), x1),
      ]);
      deepEqual(seen, x, `n = ${n}`);
      deepEqual([left.recorded, right.recorded], [[disclosure(n, 'b')], [disclosure(n, 'b')]]);
      equal(b.stats.messagesSent, 0, 'the receiver sends nothing');
    }
  });

  it('opens to both', async () => {
    const [a, b] = memoryChannelPair();
    const [left, right] = [memoryLedger(CLASS), memoryLedger(CLASS)];
    const x = randomWords(300, seededRng('x'));
    const [x0, x1] = share(x, seededRng('r'));
    const record = disclosure(300, 'a', 'b');
    deepEqual(await Promise.all([open(a, left, record, x0), open(b, right, record, x1)]), [x, x]);
    deepEqual([left.recorded, right.recorded], [[record], [record]]);
  });

  it('costs what its header says', async () => {
    const cases = [
      { n: 0, messages: 0, framing: 0 },
      { n: 100, messages: 1, framing: 3 }, // proto tag and length
      { n: CHUNK_WORDS, messages: 1, framing: 4 },
      { n: CHUNK_WORDS + 100, messages: 2, framing: 4 + 3 },
    ];
    for (const { n, messages, framing } of cases) {
      const [a, b] = memoryChannelPair();
      const ledger = memoryLedger(CLASS);
      const x = new BigUint64Array(n);
      const record = disclosure(n, 'a', 'b');
      await Promise.all([open(a, ledger, record, x), open(b, ledger, record, x)]);
      for (const { stats } of [a, b]) {
        equal(stats.messagesSent, messages, `n = ${n}`);
        equal(stats.bytesSent, 8 * n + framing, `n = ${n}`);
      }
    }
  });

  it('sends nothing when the ledger refuses', async () => {
    const x = BigUint64Array.of(7n);
    const refusing = memoryLedger('something_else');
    for (const run of [revealSender, revealReceiver, open]) {
      const [a, b] = memoryChannelPair();
      const record = run === open ? disclosure(1, 'a', 'b') : disclosure(1, 'b');
      await b.send(OpenedShare, { share: new Uint8Array(8) });
      await rejects(run(a, refusing, record, x), { code: 'NOT_DECLARED' });
      deepEqual([a.stats.messagesSent, a.stats.messagesReceived], [0, 0], run.name);
    }
    deepEqual(refusing.recorded, []);
  });

  it('records before it sends', async () => {
    const [a, b] = memoryChannelPair();
    const counts: number[] = [];
    const watching: DisclosureLedger = {
      async record() {
        counts.push(a.stats.messagesSent, a.stats.messagesReceived);
      },
    };
    const x = BigUint64Array.of(7n);
    await b.send(OpenedShare, { share: new Uint8Array(8) });
    await open(a, watching, disclosure(1, 'a', 'b'), x);
    deepEqual(counts, [0, 0]);
    equal(a.stats.messagesSent, 1);
  });

  it('refuses a record that does not say what happens', async () => {
    const [a] = memoryChannelPair();
    const ledger = memoryLedger(CLASS);
    const x = new BigUint64Array(2);
    await rejects(revealSender(a, ledger, disclosure(1, 'b'), x), RangeError);
    await rejects(revealSender(a, ledger, disclosure(2, 'a', 'b'), x), RangeError);
    await rejects(revealReceiver(a, ledger, disclosure(2), x), RangeError);
    await rejects(open(a, ledger, disclosure(2, 'a'), x), RangeError);
    await rejects(open(a, ledger, disclosure(2, 'a', 'a'), x), RangeError);
    deepEqual(ledger.recorded, []);
    equal(a.stats.messagesSent, 0);
  });

  it('refuses shares of the wrong length', async () => {
    for (const length of [0, 8, 15, 24]) {
      const [a, b] = memoryChannelPair();
      await b.send(OpenedShare, { share: new Uint8Array(length) });
      const run = revealReceiver(a, memoryLedger(CLASS), disclosure(2, 'a'), new BigUint64Array(2));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, `${length} bytes`);
    }
  });
});

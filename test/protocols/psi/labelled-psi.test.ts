import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  LabelledReceiverSize,
  LabelledRecords,
  LabelledSenderSize,
  Rr22Masks,
} from '../../../proto/gen/psi.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../../src/protocols/memory-channel.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import {
  type LabelledPsiOptions,
  labelledPsiReceiver,
  labelledPsiSender,
  MAX_RECORD_BYTES,
} from '../../../src/protocols/psi/labelled-psi.ts';
import {
  decodeRecords,
  longestRecord,
  type Payload,
  textPayload,
} from '../../../src/protocols/psi/payload-records.ts';
import { MAX_EVALUATED } from '../../../src/protocols/psi/rr22-oprf.ts';
import { rr22PsiReceiver } from '../../../src/protocols/psi/rr22-psi.ts';
import { textAt, textColumn } from '../../../src/protocols/psi/text-column.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { commonRows, itemsOf, range } from '../../support/item-sets.ts';
import { type Rr22Session, rr22Session } from '../../support/rr22-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';
import { type Frame, transcript } from '../../support/transcript.ts';

/** The record of a key: some bytes that no other key has. */
const recordOf = (key: number, L: number): Uint8Array => seededRng(`record ${key}`)(L);

const recordsOf = (keys: readonly number[], L: number): Payload => ({
  recordBytes: L,
  records: (rows) => new Uint8Array(Buffer.concat([...rows].map((row) => recordOf(keys[row]!, L)))),
});

const BOTH: LabelledPsiOptions = { maxItems: 100_000, maxRecordBytes: 5000, resultTo: 'both' };

interface Pair extends Rr22Session {
  readonly chR: Channel;
  readonly chS: Channel;
}

async function session(channel: MemoryChannelOptions = {}): Promise<Pair> {
  const [chR, chS] = memoryChannelPair(channel);
  return { chR, chS, ...(await rr22Session(chR, chS, 'session')) };
}

async function labelled(
  { chR, chS, receiver, sender }: Pair,
  X: readonly number[],
  Y: readonly number[],
  payload: Payload,
  options: LabelledPsiOptions = BOTH,
  seed = 'S',
) {
  const [a, b] = await Promise.all([
    labelledPsiReceiver(chR, receiver, itemsOf(X), options),
    labelledPsiSender(chS, sender, itemsOf(Y), payload, options, seededRng(seed)),
  ]);
  return { a, b };
}

/** The ideal functionality: rows of X, and the records of their items. */
function ideal(X: readonly number[], Y: readonly number[], L: number) {
  const rows = commonRows(X, Y);
  const records = Buffer.concat(rows.map((row) => recordOf(X[row]!, L)));
  return {
    rows: Uint32Array.from(rows),
    records: new Uint8Array(records),
    recordBytes: L,
  };
}

const fieldOf = <M>(frames: readonly Frame[], type: MessageType<M>): M[] =>
  frames.filter((frame) => frame.type === type.$type).map(({ bytes }) => type.decode(bytes));

describe('labelled PSI', () => {
  const shapes: readonly (readonly [what: string, X: number[], Y: number[], L: number])[] = [
    ['no common item', range(20), range(20, 100), 7],
    ['all items common', range(20), range(20).reverse(), 16],
    ['some items common', range(30).reverse(), range(30, 17), 17],
    ['one and one', [7], [7], 1],
    ['one against many', [41], range(3000), 33],
    ['many against one', range(3000), [41], 32],
    ['nothing against something', [], range(5), 4],
    ['something against nothing', range(5), [], 4],
    ['several messages of records', range(400, 100), range(400), 4999],
    ['a record a message', range(3, 1), range(4), 65_536],
  ];
  for (const [what, X, Y, L] of shapes) {
    it(`gives the receiver the records of its items: ${what}`, async () => {
      const options = { ...BOTH, maxRecordBytes: MAX_RECORD_BYTES };
      const { a, b } = await labelled(await session(), X, Y, recordsOf(Y, L), options);
      deepEqual(a, ideal(X, Y, L));
      deepEqual([...b!], commonRows(Y, X));
    });
  }

  it('agrees with the ideal functionality in 200 small runs of one session', async () => {
    const set = fc.uniqueArray(fc.nat(30), { maxLength: 20 });
    const pair = await session();
    await fc.assert(
      fc.asyncProperty(set, set, fc.integer({ min: 1, max: 70 }), fc.nat(), async (X, Y, L, s) => {
        const { a, b } = await labelled(pair, X, Y, recordsOf(Y, L), BOTH, `${s}`);
        deepEqual(a, ideal(X, Y, L));
        deepEqual([...b!], commonRows(Y, X));
      }),
      { numRuns: 200 },
    );
  });

  it('carries texts', async () => {
    const columns = [textColumn(['ä', 'b', '']), textColumn(['1', '22', '😀'])];
    const payload = textPayload(columns, longestRecord(columns) + 3);
    const { a } = await labelled(await session(), [6, 5], [5, 6, 7], payload);
    const opened = decodeRecords(a.records, a.recordBytes, 2);
    deepEqual(
      [0, 1].map((k) => opened.map((column) => textAt(column, k))),
      [
        ['b', '22'],
        ['ä', '1'],
      ],
    );
  });

  it('tells the sender nothing if only the receiver is to learn', async () => {
    const { frames, taps } = transcript();
    const options = { ...BOTH, resultTo: 'receiver' } as const;
    const { b } = await labelled(
      await session(taps),
      range(9),
      range(9),
      recordsOf(range(9), 5),
      options,
    );
    equal(b, undefined);
    deepEqual(
      frames.filter(({ from }) => from === 0).map(({ type }) => type.split('.').at(-1)),
      ['Rr22ReceiverHello', 'LabelledReceiverSize', 'Rr22Seed', 'Rr22Correction'],
    );
  });
});

describe('labelled PSI: cost and views', () => {
  it('sends n_y records of L bytes, and nothing that depends on their lengths', async () => {
    const [X, Y] = [range(40), range(60, 20)];
    const sizes: number[][] = [];
    for (const texts of [Y.map(() => ''), Y.map((key) => 'x'.repeat(key % 50))]) {
      const { frames, taps } = transcript();
      await labelled(await session(taps), X, Y, textPayload([textColumn(texts)], 60));
      sizes.push(frames.map(({ bytes }) => bytes.length));
      const records = fieldOf(frames, LabelledRecords);
      equal(
        records.reduce((sum, each) => sum + each.records.length, 0),
        60 * 60,
      );
    }
    deepEqual(sizes[0], sizes[1]);
  });

  it('replays a pinned transcript', async () => {
    const { frames, taps } = transcript();
    await labelled(await session(taps), range(12), range(9, 7), recordsOf(range(9, 7), 40));
    const texts = frames.map(
      ({ from, label, type, bytes }) =>
        `${from} ${label} ${type} ${Buffer.from(bytes).toString('hex')}\n`,
    );
    equal(
      createHash('sha256').update(texts.sort().join('')).digest('hex'),
      '91a39d1550050f0f8b82d7430d8eb42b30b3721b17360cd37107680a77ce1563',
    );
  });

  it('encrypts afresh: equal records give uniform bytes, in every run', async () => {
    const Y = range(300, 1000);
    const zeros: Payload = {
      recordBytes: 48,
      records: (rows) => new Uint8Array(48 * rows.length),
    };
    const { frames, taps } = transcript();
    const pair = await session(taps);
    for (let run = 0; run < 2; run++) await labelled(pair, range(5), Y, zeros);
    const [first, second] = fieldOf(frames, LabelledRecords).map(({ records }) => records);
    looksUniform(first!, 'records of one run');
    looksUniform(second!, 'records of the next run');
    const blocks = [first!, second!].flatMap((bytes) =>
      range(bytes.length / 16).map((k) =>
        Buffer.from(bytes.subarray(16 * k, 16 * k + 16)).toString('hex'),
      ),
    );
    equal(new Set(blocks).size, blocks.length, 'no key stream block occurs twice');
  });

  it('does not open a record with what the masks show', async () => {
    // The masks are prefixes of F(y): a key made of F(y) would have few bytes left to guess.
    const [X, Y] = [range(40), range(40)];
    const { frames, taps } = transcript();
    const pair = await session(taps);
    const [{ masks, keys }, other] = await Promise.all([
      pair.receiver.evaluateWithKeys(itemsOf(X)),
      pair.sender.evaluateWithKeys(itemsOf(Y), 40),
    ]);
    deepEqual([masks, keys], [other.masks, other.keys]);
    for (let i = 0; i < 40; i++) {
      notDeepEqual(keys.subarray(16 * i, 16 * i + 8), masks.subarray(16 * i, 16 * i + 8));
    }
    equal(fieldOf(frames, Rr22Masks).length, 0);
    looksUniform(
      new Uint8Array([...keys, ...keys.map((byte, i) => byte ^ masks[i]!)]),
      'keys and their differences from masks',
    );
  });
});

describe('labelled PSI: what it refuses', () => {
  const OPTIONS: LabelledPsiOptions = { ...BOTH, maxItems: 50, maxRecordBytes: 20 };

  async function refuses<M>(victim: 'R' | 'S', type: MessageType<M>, change: Change<M>) {
    const end = new AbortController();
    const [r, s] = memoryChannelPair({ signal: end.signal });
    const chR = victim === 'R' ? r : tamperingChannel(r, type, change);
    const chS = victim === 'S' ? s : tamperingChannel(s, type, change);
    const { receiver, sender } = await rr22Session(chR, chS, 's');
    const [X, Y] = [range(9), range(9, 3)];
    const runs = {
      R: labelledPsiReceiver(chR, receiver, itemsOf(X), OPTIONS),
      S: labelledPsiSender(chS, sender, itemsOf(Y), recordsOf(Y, 20), OPTIONS, seededRng('S')),
    };
    const closed: Promise<unknown> = runs[victim === 'R' ? 'S' : 'R'].catch(() => {});
    await rejects(runs[victim], { code: 'MALFORMED_MESSAGE' });
    end.abort();
    await closed;
  }

  it('sizes larger than agreed', async () => {
    for (const n of [51, MAX_EVALUATED + 1, 2 ** 32 - 1]) {
      await refuses('R', LabelledSenderSize, (size) => ({ ...size, items: n }));
      await refuses('S', LabelledReceiverSize, () => ({ items: n }));
    }
  });

  it('R: records that are empty or longer than agreed', async () => {
    for (const recordBytes of [0, 21, 2 ** 32 - 1]) {
      await refuses('R', LabelledSenderSize, ({ items: n }) => ({ items: n, recordBytes }));
    }
  });

  it('R: records of another length than announced, or another number', async () => {
    await refuses('R', LabelledSenderSize, ({ items: n }) => ({ items: n, recordBytes: 19 }));
    await refuses('R', LabelledRecords, ({ records }) => ({ records: records.subarray(1) }));
    await refuses('R', LabelledRecords, ({ records }) => ({ records: records.subarray(20) }));
    await refuses('R', LabelledRecords, ({ records }) => ({
      records: new Uint8Array([...records, ...records.subarray(0, 20)]),
    }));
  });

  it('a changed record opens as other bytes, which its decoder refuses', async () => {
    const [chR, s] = memoryChannelPair();
    const chS = tamperingChannel(s, LabelledRecords, ({ records }) => ({
      records: records.map((byte, i) => (i % 20 === 3 ? byte ^ 0x80 : byte)),
    }));
    const { receiver, sender } = await rr22Session(chR, chS, 's');
    const payload = textPayload([textColumn(['a', 'b'])], 20);
    const [{ records, recordBytes }] = await Promise.all([
      labelledPsiReceiver(chR, receiver, itemsOf([1]), OPTIONS),
      labelledPsiSender(chS, sender, itemsOf([1, 2]), payload, OPTIONS, systemRng),
    ]);
    try {
      decodeRecords(records, recordBytes, 1);
      throw new Error('it was taken');
    } catch (error) {
      equal((error as { code?: string }).code, 'MALFORMED_MESSAGE');
    }
  });

  it('a peer in the same role, and one that intersects without labels', async () => {
    const { chR, chS, receiver } = await session();
    const other = await session();
    for (const [first, second] of [
      [
        labelledPsiReceiver(chR.fork('a'), receiver, itemsOf([1]), OPTIONS),
        labelledPsiReceiver(chS.fork('a'), other.receiver, itemsOf([1]), OPTIONS),
      ],
      [
        labelledPsiSender(
          chR.fork('b'),
          other.sender,
          itemsOf([1]),
          recordsOf([1], 4),
          OPTIONS,
          systemRng,
        ),
        rr22PsiReceiver(chS.fork('b'), receiver, itemsOf([1]), OPTIONS),
      ],
    ] as const) {
      await rejects(first, { code: 'UNEXPECTED_MESSAGE' });
      await rejects(second, { code: 'UNEXPECTED_MESSAGE' });
    }
  });

  it('own records and bounds that break the rules, before it sends anything', async () => {
    const { chR, chS, receiver, sender } = await session();
    for (const maxRecordBytes of [0, MAX_RECORD_BYTES + 1, Number.NaN]) {
      const options = { ...OPTIONS, maxRecordBytes };
      await rejects(labelledPsiReceiver(chR, receiver, itemsOf([1]), options), RangeError);
      await rejects(
        labelledPsiSender(chS, sender, itemsOf([1]), recordsOf([1], 4), options, systemRng),
        RangeError,
      );
    }
    for (const L of [0, 21, 1.5]) {
      await rejects(
        labelledPsiSender(chS, sender, itemsOf([1]), recordsOf([1], L), OPTIONS, systemRng),
        RangeError,
      );
    }
    deepEqual([chR.stats.messagesSent, chS.stats.messagesSent], [1, 1], 'the hellos');
  });
});

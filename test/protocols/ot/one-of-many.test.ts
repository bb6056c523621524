import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { ExtensionColumns, MaskedBits } from '../../../proto/gen/ot.ts';
import type { Channel } from '../../../src/protocols/channel.ts';
import {
  type BitsOf,
  MAX_CHOICES,
  oneOfManyReceiver,
  oneOfManySender,
  rowsOf,
} from '../../../src/protocols/ot/one-of-many.ts';
import { bitAt, packBits } from '../../../src/protocols/primitives/bits.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { type OtPair, otPair } from '../../support/ot-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { tamper } from '../../support/tamper.ts';

/** The functionality: the bit of each row's index, 0 where it is 0. */
function ideal(x: readonly Uint8Array[], indices: Uint16Array): Uint8Array {
  return packBits(Array.from(indices, (v, i) => (v === 0 ? 0 : bitAt(x[v - 1]!, i))));
}

/** V packed bit vectors over n rows; what fills the last byte is random too. */
function randomBits(n: number, V: number, seed: string): Uint8Array[] {
  const rng = seededRng(seed);
  return Array.from({ length: V }, () => rng(Math.ceil(n / 8)));
}

function randomIndices(n: number, V: number, seed: string): Uint16Array {
  const words = new Uint16Array(new Uint8Array(seededRng(seed)(2 * n)).buffer);
  return words.map((word) => word % (V + 1));
}

function bitsOf(x: readonly Uint8Array[]): BitsOf {
  return (v, from, n) => x[v - 1]!.subarray(from / 8, Math.ceil((from + n) / 8));
}

const xor = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ b[i]!);

describe('1-out-of-N oblivious transfer of bits [NP99]', () => {
  let pair: OtPair;
  const sent: { type: string; bytes: Uint8Array }[] = [];
  before(async () => {
    const record = (_label: string, type: string, bytes: Uint8Array) => {
      sent.push({ type, bytes: bytes.slice() });
    };
    pair = await otPair('one of many', { tapFirst: record, tapSecond: record });
  });
  beforeEach(() => {
    sent.length = 0;
  });

  async function run(x: readonly Uint8Array[], indices: Uint8Array | Uint16Array, V = x.length) {
    const [, out] = await Promise.all([
      oneOfManySender(pair.chSender, pair.sender, bitsOf(x), indices.length, V),
      oneOfManyReceiver(pair.chReceiver, pair.receiver, indices, V),
    ]);
    return out;
  }

  async function agrees(n: number, V: number): Promise<void> {
    const x = randomBits(n, V, `bits ${n} ${V}`);
    const indices = randomIndices(n, V, `indices ${n} ${V}`);
    const out = await run(x, indices);
    equal(Buffer.compare(out, ideal(x, indices)), 0, `${n} rows, ${V} indices`);
  }

  it('gives every row the bit of its index', async () => {
    const sizes = [0, 1, 7, 8, 9, 127, 128, 129, 1000];
    for (const V of [1, 2, 3, 4, 7, 8, 16, 31, 32, 33, 127, 128, 129, 300]) {
      for (const n of sizes) await agrees(n, V);
    }
  });

  it('gives every row the bit of its index: any rows, any indices', async () => {
    const rows = fc
      .integer({ min: 1, max: 40 })
      .chain((V) =>
        fc.tuple(fc.constant(V), fc.array(fc.integer({ min: 0, max: V }), { maxLength: 60 })),
      );
    await fc.assert(
      fc.asyncProperty(rows, fc.nat(), async ([V, list], seed) => {
        const x = randomBits(list.length, V, `${seed}`);
        deepEqual(await run(x, Uint16Array.from(list)), ideal(x, Uint16Array.from(list)));
      }),
      { numRuns: 30 },
    );
  });

  it('cuts rows into messages at any size', async () => {
    for (const V of [1, 5, 200]) {
      const rows = rowsOf(V);
      equal(rows % 8, 0);
      for (const n of [rows - 1, rows, rows + 1, 2 * rows + 9]) await agrees(n, V);
    }
  });

  it('takes the largest number of indices, and every one of them', async () => {
    const n = 20;
    const x = Array.from({ length: MAX_CHOICES }, (_, k) =>
      seededRng(`many ${k % 97}`)(Math.ceil(n / 8)),
    );
    const indices = Uint16Array.from(
      { length: n },
      (_, i) => [0, 1, MAX_CHOICES, MAX_CHOICES - 1, 127, 128, 255, 256][i % 8]!,
    );
    deepEqual(await run(x, indices), ideal(x, indices));
    const V = 255;
    const every = Uint8Array.from({ length: V + 1 }, (_, v) => v);
    const bits = randomBits(V + 1, V, 'every');
    deepEqual(await run(bits, every), ideal(bits, Uint16Array.from(every)));
  });

  it('costs what its header says', async () => {
    const framed = (bytes: number) =>
      bytes + 1 + (bytes < 128 ? 1 : bytes < 16_384 ? 2 : bytes < 2 ** 21 ? 3 : 4);
    for (const [n, V, L] of [
      [1003, 1, 1],
      [1003, 2, 2],
      [1000, 16, 5],
      [rowsOf(7) + 1, 7, 3],
    ] as const) {
      const [s, r] = [{ ...pair.chSender.stats }, { ...pair.chReceiver.stats }];
      await run(randomBits(n, V, 'cost'), new Uint16Array(n));
      const full = Math.floor(n / rowsOf(V));
      const chunks = [...Array.from({ length: full }, () => rowsOf(V)), n - full * rowsOf(V)];
      const widths = chunks.filter((rows) => rows > 0).map((rows) => Math.ceil(rows / 8));
      const total = (bytes: (width: number) => number) =>
        widths.reduce((sum, width) => sum + framed(bytes(width)), 0);
      const name = `${n} rows, ${V} indices`;
      const { bytesSent, messagesSent } = pair.chSender.stats;
      equal(
        bytesSent - s.bytesSent,
        total((width) => V * width),
        name,
      );
      equal(messagesSent - s.messagesSent, widths.length, name);
      const back = pair.chReceiver.stats;
      equal(
        back.bytesSent - r.bytesSent,
        total((width) => 128 * L * width),
        name,
      );
      equal(back.messagesSent - r.messagesSent, widths.length, name);
    }
  });

  it('keeps at most two chunks under way, and lets other work run between them', async () => {
    const V = 255;
    const n = 5 * rowsOf(V);
    let turns = 0;
    let running = true;
    const other = (async () => {
      while (running) {
        turns += 1;
        await setImmediate();
      }
    })();
    const x = new Uint8Array(n / 8);
    await run(Array<Uint8Array>(V).fill(x), new Uint8Array(n));
    running = false;
    await other;
    ok(turns >= 5, `${turns} turns`);
    equal(sent.length, 10);
    let unanswered = 0;
    for (const { type } of sent) {
      unanswered += type === ExtensionColumns.$type ? 1 : -1;
      ok(unanswered >= 0 && unanswered <= 2);
    }
  });

  it('asks for the bits of a chunk only, in order', async () => {
    const V = 3;
    const n = rowsOf(V) + 10;
    const asked: string[] = [];
    const bits: BitsOf = (v, from, rows) => {
      asked.push(`${v} ${from} ${rows}`);
      return new Uint8Array(Math.ceil(rows / 8));
    };
    await Promise.all([
      oneOfManySender(pair.chSender, pair.sender, bits, n, V),
      oneOfManyReceiver(pair.chReceiver, pair.receiver, new Uint8Array(n), V),
    ]);
    const expected = [1, 2, 3].map((v) => `${v} 0 ${rowsOf(V)}`);
    deepEqual(asked, [...expected, ...[1, 2, 3].map((v) => `${v} ${rowsOf(V)} 10`)]);
  });

  it('shows the sender columns that look uniform whatever the indices', async () => {
    const n = 2048;
    const V = 15;
    for (const v of [0, 5, 15]) {
      sent.length = 0;
      await run(randomBits(n, V, 'view'), new Uint8Array(n).fill(v));
      const { u } = ExtensionColumns.decode(messages(ExtensionColumns.$type)[0]!);
      equal(u.length, (128 * 4 * n) / 8);
      looksUniform(u, `columns for index ${v}`);
    }
  });

  it('shows the receiver bits that look uniform but for its own, and no pad twice', async () => {
    const n = 8192;
    const V = 7;
    for (const fill of [0x00, 0xff]) {
      for (const v of [0, 3]) {
        sent.length = 0;
        const x = new Uint8Array(n / 8).fill(fill);
        await run(Array<Uint8Array>(V).fill(x), new Uint8Array(n).fill(v));
        const { y } = MaskedBits.decode(messages(MaskedBits.$type)[0]!);
        const row = (k: number) => y.subarray(((k - 1) * n) / 8, (k * n) / 8);
        looksUniform(y, `bits ${fill}, index ${v}`);
        const sums: Uint8Array[] = [];
        for (let a = 1; a <= V; a++) for (let b = 1; b < a; b++) sums.push(xor(row(a), row(b)));
        // An index's bit is in two keys with that of another: no sum of up to four rows is known.
        sums.push(xor(xor(row(1), row(2)), row(3)));
        sums.push(xor(xor(row(4), row(5)), xor(row(6), row(7))));
        looksUniform(Buffer.concat(sums), `sums of rows, bits ${fill}, index ${v}`);
        looksBiased(x, 'the bits themselves');
      }
    }
  });

  it('masks equal bits afresh in every call', async () => {
    const n = 16_384;
    const x = [new Uint8Array(n / 8)];
    const first = await transcript(x, n);
    const second = await transcript(x, n);
    looksUniform(xor(first, second), 'sum of two calls');
  });

  async function transcript(x: Uint8Array[], n: number): Promise<Uint8Array> {
    sent.length = 0;
    await run(x, new Uint8Array(n));
    return MaskedBits.decode(messages(MaskedBits.$type)[0]!).y;
  }

  function messages(type: string): Uint8Array[] {
    return sent.filter((message) => message.type === type).map(({ bytes }) => bytes);
  }

  it('refuses numbers, indices and bits out of range before anything is sent', async () => {
    const { chSender, sender, chReceiver, receiver } = pair;
    const none: BitsOf = () => new Uint8Array(1);
    for (const V of [0, -1, 1.5, MAX_CHOICES + 1, Number.NaN]) {
      await rejects(oneOfManySender(chSender, sender, none, 8, V), RangeError);
      await rejects(oneOfManyReceiver(chReceiver, receiver, new Uint8Array(8), V), RangeError);
    }
    await rejects(oneOfManySender(chSender, sender, none, -1, 3), RangeError);
    await rejects(oneOfManySender(chSender, sender, none, 1.5, 3), RangeError);
    await rejects(oneOfManyReceiver(chReceiver, receiver, Uint8Array.of(1, 4, 0), 3), (error) => {
      ok(error instanceof RangeError);
      ok(error.message.includes('row 1') && !error.message.includes('got 4'), error.message);
      return true;
    });
    equal(sent.length, 0);
    await agrees(9, 3); // nothing was lost
  });

  it('refuses bits of the wrong length from its caller', async () => {
    const { chSender, sender, chReceiver, receiver } = await otPair('caller');
    const long: BitsOf = () => new Uint8Array(2);
    const waiting = oneOfManyReceiver(chReceiver, receiver, new Uint8Array(8), 1);
    waiting.catch(() => undefined); // it waits for ever: its peer has failed
    await rejects(oneOfManySender(chSender, sender, long, 8, 1), RangeError);
  });

  it('refuses masked bits of another number of rows or indices', async () => {
    const edits: ((y: Uint8Array) => Uint8Array)[] = [
      (y) => y.subarray(1),
      (y) => Buffer.concat([y, y]),
      () => new Uint8Array(0),
    ];
    for (const edit of edits) {
      const { chSender, sender, chReceiver, receiver } = await otPair('malformed');
      const changed: Channel = tamper(chSender, MaskedBits, ({ y }) => ({ y: edit(y) }));
      await Promise.all([
        oneOfManySender(changed, sender, () => new Uint8Array(2), 16, 5),
        rejects(oneOfManyReceiver(chReceiver, receiver, new Uint8Array(16), 5), {
          code: 'MALFORMED_MESSAGE',
        }),
      ]);
      await rejects(oneOfManyReceiver(chReceiver, receiver, new Uint8Array(16), 5), TypeError);
    }
  }).timeout(60_000);
});

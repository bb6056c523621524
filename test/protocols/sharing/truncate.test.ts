import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { reconstruct, share } from '../../../src/protocols/sharing/share.ts';
import { segmentShifts, truncate } from '../../../src/protocols/sharing/truncate.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { type OtPair, otPair } from '../../support/ot-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

const LIMIT = 2n ** 62n - 1n;

describe('faithful truncation', () => {
  let pair: OtPair;
  before(async () => {
    pair = await otPair('truncate');
  });

  /** Shares v, truncates both shares, and returns the signed results. */
  async function run(
    v: readonly bigint[],
    shifts: number | Uint8Array,
    [x0, x1] = share(BigUint64Array.from(v), seededRng('shares')),
  ): Promise<bigint[]> {
    const [y0, y1] = await Promise.all([
      truncate(pair.sender, x0, shifts),
      truncate(pair.receiver, x1, shifts),
    ]);
    return Array.from(reconstruct(y0, y1), (y) => BigInt.asIntN(64, y));
  }

  it('rounds down or up, never further, for every shift and sign', async () => {
    const value = fc.bigInt({ min: -LIMIT, max: LIMIT });
    const shift = fc.integer({ min: 1, max: 62 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(value, shift), { maxLength: 40 }), async (cases) => {
        const v = cases.map(([x]) => x);
        const y = await run(
          v,
          Uint8Array.from(cases, ([, f]) => f),
        );
        cases.forEach(([x, f], i) => {
          const floor = x >> BigInt(f);
          ok(y[i] === floor || y[i] === floor + 1n, `${x} >> ${f} gave ${y[i]}`);
        });
      }),
    );
  });

  it('is right on 100 000 values with fresh shares', async () => {
    const rng = seededRng('many');
    const v = randomWords(100_000, rng).map((word) => BigInt.asUintN(64, BigInt.asIntN(63, word)));
    const y = await run([...v], 20, share(v, rng));
    v.forEach((x, i) => {
      const floor = BigInt.asIntN(64, x) >> 20n;
      ok(y[i] === floor || y[i] === floor + 1n, `element ${i}`);
    });
  });

  it('is exact on multiples, whatever the shares', async () => {
    for (const f of [1, 12, 31, 32, 33, 61]) {
      const unit = 1n << BigInt(f);
      const v = [0n, unit, -unit, (LIMIT / unit) * unit, -(LIMIT / unit) * unit];
      for (const x0 of [0n, 1n, unit - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
        const first = new BigUint64Array(v.length).fill(x0);
        const second = BigUint64Array.from(v, (x) => x - x0);
        deepEqual(
          await run(v, f, [first, second]),
          v.map((x) => x / unit),
          `shift ${f}, share ${x0}`,
        );
      }
    }
  });

  it('rounds up with the probability of the part cut off', async () => {
    const n = 20_000;
    for (const [v, probability] of [
      [3n, 3 / 8],
      [-5n, 3 / 8],
      [7n, 7 / 8],
    ] as const) {
      const values = new BigUint64Array(n).fill(BigInt.asUintN(64, v));
      const y = await run([...values], 3, share(values, seededRng(`rounding ${v}`)));
      const up = y.filter((x) => x === (v >> 3n) + 1n).length;
      ok(Math.abs(up / n - probability) < 0.02, `${v}: ${up / n}`);
    }
  });

  it('gives each party a share that looks uniform', async () => {
    const [x0, x1] = share(new BigUint64Array(4000).fill(12_345n), seededRng('view'));
    const outputs = await Promise.all([
      truncate(pair.sender, x0, 21),
      truncate(pair.receiver, x1, 21),
    ]);
    outputs.forEach((y, party) => {
      looksUniform(new Uint8Array(y.buffer), `party ${party}`);
    });
  });

  it('keeps the boundary sizes', async () => {
    for (const n of [0, 1, 127, 128, 129]) {
      const v = Array.from({ length: n }, (_, i) => BigInt(i - 64) * 1024n);
      deepEqual(
        await run(v, 10),
        v.map((x) => x >> 10n),
        `n = ${n}`,
      );
    }
  });

  it('takes a shift a segment', async () => {
    const shifts = segmentShifts([
      { count: 2, shift: 4 },
      { count: 0, shift: 9 },
      { count: 3, shift: 8 },
    ]);
    deepEqual([...shifts], [4, 4, 8, 8, 8]);
    deepEqual(await run([16n, -32n, 256n, 512n, -256n], shifts), [1n, -2n, 1n, 2n, -1n]);
  });

  it('costs what its header says', async () => {
    const n = 1000;
    const before = [{ ...pair.chSender.stats }, { ...pair.chReceiver.stats }] as const;
    await run(Array<bigint>(n).fill(5n), 2);
    const [s, r] = [pair.chSender.stats, pair.chReceiver.stats];
    deepEqual(
      [s.messagesSent - before[0].messagesSent, r.messagesSent - before[1].messagesSent],
      [1, 1],
    );
    deepEqual(
      [s.bytesSent - before[0].bytesSent, r.bytesSent - before[1].bytesSent],
      [8 * n + 3, 128 * Math.ceil(n / 8) + 3], // proto tag and length
    );
  });

  it('refuses shifts out of range before anything is sent', async () => {
    const sent = pair.chReceiver.stats.messagesSent;
    const x = new BigUint64Array(2);
    for (const shifts of [0, 63, 1.5, Number.NaN, Uint8Array.of(1), Uint8Array.of(1, 63)]) {
      await rejects(truncate(pair.receiver, x, shifts), RangeError);
      await rejects(truncate(pair.sender, x, shifts), RangeError);
    }
    throws(() => segmentShifts([{ count: 1, shift: 63 }]), RangeError);
    equal(pair.chReceiver.stats.messagesSent, sent);
  });
});

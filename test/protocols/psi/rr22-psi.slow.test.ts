import { deepEqual, equal, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Channel } from '../../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { labelledPsiReceiver, labelledPsiSender } from '../../../src/protocols/psi/labelled-psi.ts';
import { rr22PsiReceiver, rr22PsiSender } from '../../../src/protocols/psi/rr22-psi.ts';
import { silentVole } from '../../../src/protocols/vole/silent-vole.ts';
import { range } from '../../support/item-sets.ts';
import { type Rr22Session, rr22Session } from '../../support/rr22-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** n items from a stream, `common` of them those of another stream, in an order of their own. */
function sets(nX: number, nY: number, common: number, seed: string): [Uint8Array, Uint8Array] {
  const [X, Y] = [seededRng(`${seed} X`)(16 * nX), seededRng(`${seed} Y`)(16 * nY)];
  for (let k = 0; k < common; k++) {
    const [from, to] = [nX - 1 - k, (7 * k) % nY];
    Y.set(X.subarray(16 * from, 16 * from + 16), 16 * to);
  }
  return [X, Y];
}

/** The rows of `own` in `other`. */
function common(own: Uint8Array, other: Uint8Array): number[] {
  const text = (bytes: Uint8Array, i: number): string =>
    Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('latin1');
  const others = new Set(range(other.length / 16).map((i) => text(other, i)));
  return range(own.length / 16).filter((i) => others.has(text(own, i)));
}

interface Pair extends Rr22Session {
  readonly chR: Channel;
  readonly chS: Channel;
}

async function silentSession(seed: string): Promise<Pair> {
  const [chR, chS] = memoryChannelPair();
  return { chR, chS, ...(await rr22Session(chR, chS, seed, { vole: silentVole })) };
}

async function intersect({ chR, chS, receiver, sender }: Pair, X: Uint8Array, Y: Uint8Array) {
  const options = { maxItems: 2 ** 21, resultTo: 'both' } as const;
  return Promise.all([
    rr22PsiReceiver(chR, receiver, X, options),
    rr22PsiSender(chS, sender, Y, options, systemRng),
  ]);
}

describe('RR22 PSI over silent VOLE', () => {
  it('misses nothing in 1000 small runs', async () => {
    for (let at = 0; at < 1000; at += 250) {
      const pair = await silentSession(`small ${at}`);
      for (let run = at; run < at + 250; run++) {
        const [nX, nY] = [1 + (run % 70), 1 + ((13 * run) % 71)];
        const both = run % (Math.min(nX, nY) + 1);
        const [X, Y] = sets(nX, nY, nY % 7 === 0 ? 0 : both, `run ${run}`);
        const [a, b] = await intersect(pair, X, Y);
        deepEqual([...a], common(X, Y), `run ${run}`);
        deepEqual([...b!], common(Y, X), `run ${run}`);
      }
    }
  });

  it('finds the intersection at odd and at unequal sizes, in one session', async () => {
    const pair = await silentSession('odd');
    for (const [nX, nY, both] of [
      [6789, 13_243, 3000],
      [13_243, 6789, 6000],
      [2 ** 14 - 1, 2 ** 14 + 1, 999],
      [2 ** 14 + 1, 2 ** 14, 2 ** 14],
      [2 ** 17, 2 ** 17 + 5, 40_000],
      [3, 300_000, 2],
      [300_000, 3, 1],
    ] as const) {
      const [X, Y] = sets(nX, nY, both, `${nX} ${nY}`);
      const [a, b] = await intersect(pair, X, Y);
      deepEqual([...a], common(X, Y), `${nX} x ${nY}`);
      deepEqual([...b!], common(Y, X), `${nX} x ${nY}`);
    }
  });

  it('finds the intersection of 2^20 items each', async () => {
    const [X, Y] = sets(2 ** 20, 2 ** 20, 350_000, 'large');
    const pair = await silentSession('large');
    const [a, b] = await intersect(pair, X, Y);
    const digest = (rows: readonly number[]): string =>
      createHash('sha256').update(Uint32Array.from(rows)).digest('hex');
    equal(digest([...a]), digest(common(X, Y)));
    equal(digest([...b!]), digest(common(Y, X)));
    const megabytes = (pair.chR.stats.bytesSent + pair.chS.stats.bytesSent) / 1e6;
    ok(megabytes < 40, `${megabytes} MB`);
  });

  it('opens the records of 20 000 common items', async () => {
    const [X, Y] = sets(30_000, 50_000, 20_000, 'labelled');
    const { chR, chS, receiver, sender } = await silentSession('labelled');
    const options = { maxItems: 2 ** 16, maxRecordBytes: 100, resultTo: 'receiver' } as const;
    const records = (rows: Uint32Array): Uint8Array<ArrayBuffer> =>
      new Uint8Array(Buffer.concat([...rows].map((i) => Y.subarray(16 * i, 16 * i + 16))));
    const [opened] = await Promise.all([
      labelledPsiReceiver(chR, receiver, X, options),
      labelledPsiSender(chS, sender, Y, { recordBytes: 16, records }, options, systemRng),
    ]);
    deepEqual([...opened.rows], common(X, Y));
    opened.rows.forEach((row, k) => {
      const own = X.subarray(16 * row, 16 * row + 16);
      ok(Buffer.compare(own, opened.records.subarray(16 * k, 16 * k + 16)) === 0, `row ${row}`);
    });
  });
});

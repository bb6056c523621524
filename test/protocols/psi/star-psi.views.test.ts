import { deepEqual, equal, notDeepEqual } from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { CommonItems, HintSeed, HintSlots, ZeroSharingSeed } from '../../../proto/gen/star.ts';
import { decodeOkvs } from '../../../src/protocols/okvs/okvs.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { rowsOf } from '../../../src/protocols/okvs/rows.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { idealFunction } from '../../support/ideal-oprf.ts';
import { range } from '../../support/item-sets.ts';
import type { PartyFrame } from '../../support/memory-parties.ts';
import { itemsOf, naive, type StarRun, star } from '../../support/star-run.ts';

describe('star PSI: what parties see', () => {
  /** Everything one party gets in a run. */
  async function viewOf(me: number, sets: readonly number[][], run: StarRun = {}) {
    const frames: PartyFrame[] = [];
    const observe = (frame: PartyFrame): void => {
      if (frame.to === me) frames.push(frame);
    };
    await star(sets, { ...run, observe });
    return frames;
  }

  /** What each spoke tells the leader of an item: F_i(x) ^ Decode(Q_i, x), from the leader's view. */
  function told(
    frames: readonly PartyFrame[],
    spoke: number,
    nY: number,
    X: Uint8Array,
  ): Uint8Array {
    const from = frames.filter((frame) => frame.from === spoke);
    const { seed } = HintSeed.decode(from.find(({ type }) => type === HintSeed.$type)!.bytes);
    const slots = from
      .filter(({ type }) => type === HintSlots.$type)
      .flatMap(({ bytes }) => [...HintSlots.decode(bytes).slots]);
    const parameters = okvsParameters(nY);
    const l = slots.length / parameters.slots;
    const Q = new Uint8Array(16 * parameters.slots);
    slots.forEach((byte, at) => {
      Q[16 * Math.floor(at / l) + (at % l)] = byte;
    });
    const values = decodeOkvs(rowsOf(X, seed, parameters), Q);
    const F = idealFunction(`oprf ${spoke}`, 0, X);
    return xor(values, F).filter((_, at) => at % 16 < l);
  }

  const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!);

  /** AES under the key that parties i < j agreed on: the first l bytes of each block. */
  function shared(keys: ReadonlyMap<string, Uint8Array>, pair: string, X: Uint8Array, l: number) {
    const cipher = createCipheriv('aes-128-ecb', keys.get(pair)!, null).setAutoPadding(false);
    return new Uint8Array(cipher.update(X)).filter((_, at) => at % 16 < l);
  }

  // A = leader, B, C. 2000 items are common to A and B alone, 1000 to A and C alone, 500 to all.
  const A = range(5000);
  const B = [...range(2000), ...range(500, 4000), ...range(1500, 10_000)];
  const C = [...range(1000, 2500), ...range(500, 4000), ...range(2500, 20_000)];
  const l = 7;

  it('what a spoke tells the leader of a pairwise item is one block under a key it does not have', async () => {
    const keys = new Map<string, Uint8Array>();
    const leaderView: PartyFrame[] = [];
    const seen: PartyFrame[] = [];
    await star([A, B, C], {
      observe: (frame) => {
        if (frame.type === ZeroSharingSeed.$type) {
          keys.set(`${frame.from}${frame.to}`, ZeroSharingSeed.decode(frame.bytes).seed);
        }
        if (frame.to === 0) leaderView.push(frame);
        if (frame.to === 0 || frame.from === 0) seen.push(frame);
      },
    });
    equal(
      seen.some(({ from, to }) => from + to === 3),
      false,
      'the key of B and C passes A by',
    );

    const onlyB = itemsOf(range(2000));
    const fromB = told(leaderView, 1, B.length, onlyB);
    const known = shared(keys, '01', onlyB, l);
    deepEqual(xor(fromB, known), shared(keys, '12', onlyB, l), 'exactly');
    // C's answer on the same items does not contain that block: nothing can cancel it.
    const fromC = told(leaderView, 2, C.length, onlyB);
    notDeepEqual(xor(fromC, shared(keys, '02', onlyB, l)), shared(keys, '12', onlyB, l));
    looksUniform(fromC, 'what C tells of items that it does not have');
    looksUniform(xor(xor(fromB, fromC), xor(known, shared(keys, '02', onlyB, l))), 'sums');

    const ofAll = itemsOf(range(500, 4000));
    const both = xor(told(leaderView, 1, B.length, ofAll), told(leaderView, 2, C.length, ofAll));
    const own = xor(shared(keys, '01', ofAll, l), shared(keys, '02', ofAll, l));
    deepEqual(both, own, 'for common items it cancels');
  });

  it('the leader sees uniform values where two of three have an item, as where it has it alone', async () => {
    const view = await viewOf(0, [A, B, C]);
    for (const [what, numbers] of [
      ['A and B', range(2000)],
      ['A and C', range(1000, 2500)],
      ['A alone', range(400, 4600)],
    ] as const) {
      const X = itemsOf(numbers);
      const parts = [told(view, 1, B.length, X), told(view, 2, C.length, X)];
      looksUniform(parts[0]!, `B, items of ${what}`);
      looksUniform(parts[1]!, `C, items of ${what}`);
      looksUniform(xor(parts[0]!, parts[1]!), `sum, items of ${what}`);
    }
  });

  it('a spoke sees keys, sizes and, if it learns, items of its own', async () => {
    const types = (frames: readonly PartyFrame[]): string[] =>
      frames.map(({ from, type }) => `${from} ${type.split('.').at(-1)}`).sort();
    deepEqual(types(await viewOf(1, [A, B, C], { learners: [0, 2] })), [
      '0 StarLeaderSize',
      '0 ZeroSharingSeed',
    ]);
    deepEqual(types(await viewOf(2, [A, B, C], { learners: [0, 2] })), [
      '0 CommonCount',
      '0 CommonItems',
      '0 StarLeaderSize',
      '0 ZeroSharingSeed',
      '1 ZeroSharingSeed',
    ]);
    const frames = await viewOf(2, [A, B, C]);
    const items = frames.flatMap(({ type, bytes }) =>
      type === CommonItems.$type ? [...CommonItems.decode(bytes).items] : [],
    );
    deepEqual(Uint8Array.from(items), itemsOf(naive([A, B, C])));
  });

  it('costs what its header says', async () => {
    const sets = [range(1000), range(2000, 100), range(3000, 50), range(900)];
    const sent = new Map<string, number>();
    const sizes: number[] = [];
    await star(sets, {
      learners: [0, 1],
      observe: ({ from, to, type, bytes }) => {
        const kind = type.split('.').at(-1)!;
        if (kind === 'HintSlots') {
          const { slots } = HintSlots.decode(bytes);
          const key = `${from}${to} slots`;
          sent.set(key, (sent.get(key) ?? 0) + slots.length);
        } else if (kind === 'CommonItems') {
          sent.set(`${from}${to} items`, CommonItems.decode(bytes).items.length);
        } else if (kind.startsWith('Star')) {
          sizes.push(bytes.length);
        }
      },
    });
    deepEqual(Object.fromEntries(sent), {
      '01 items': 16 * 800,
      '10 slots': 7 * okvsParameters(2000).slots,
      '20 slots': 7 * okvsParameters(3000).slots,
      '30 slots': 7 * okvsParameters(900).slots,
    });
    equal(sizes.length, 6);
    equal(Math.max(...sizes) <= 5, true);
  });
});

import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import { HintSeed, HintSlots } from '../../../proto/gen/star.ts';
import { loadWasmOkvsKernel } from '../../../src/kernels/okvs-kernel.wasm.ts';
import type { MessageType } from '../../../src/protocols/channel.ts';
import type { MemoryChannelOptions } from '../../../src/protocols/memory-channel.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { BATCH_SLOTS, opprfReceiver, opprfSender } from '../../../src/protocols/psi/opprf.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { idealFunction, idealOprf } from '../../support/ideal-oprf.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';
import { runTwoParty } from '../../support/two-party.ts';

const okvs = loadWasmOkvsKernel();
const ITEMS = 60_000;
const pool = seededRng('items')(16 * ITEMS);
const items = (n: number, from = 0): Uint8Array => pool.subarray(16 * from, 16 * (from + n));

interface Run {
  readonly l?: number;
  readonly targets?: Uint8Array;
  readonly rng?: Rng;
  readonly channel?: MemoryChannelOptions;
  readonly cheat?: readonly [MessageType<never>, Change<never>];
}

/** The receiver's values, n_x x l. */
async function opprf(X: Uint8Array, Y: Uint8Array, run: Run = {}): Promise<Uint8Array> {
  const { l = 8, targets = seededRng('targets')(Y.length), rng = seededRng('S') } = run;
  const ends = idealOprf('oprf');
  const [nX, nY] = [X.length / 16, Y.length / 16];
  const { a } = await runTwoParty(
    (ch) => opprfReceiver(ch, ends.receiver, X, { nY, l, okvs }),
    (ch) => {
      const sending = run.cheat ? tamperingChannel(ch, ...run.cheat) : ch;
      return opprfSender(sending, ends.sender, { Y, targets }, { nX, l, okvs }, rng);
    },
    run.channel,
  );
  equal(a.length, X.length);
  return firstBytes(a, l);
}

function firstBytes(blocks: Uint8Array, l: number): Uint8Array {
  return blocks.filter((_, at) => at % 16 < l);
}

describe('OPPRF [KMPRT17]', () => {
  for (const [nX, nY, common] of [
    [1, 1, 1],
    [1, 1, 0],
    [1, 300, 1],
    [300, 1, 1],
    [127, 129, 60],
    [128, 128, 128],
    [2000, 5000, 0],
    [6789, 13_243, 4321],
    [20, 30_000, 10],
  ] as const) {
    it(`gives the targets of common items and nothing else: ${nX}, ${nY}, ${common}`, async () => {
      const [X, Y] = [items(nX), items(nY, nX - common)];
      const targets = seededRng('targets')(Y.length);
      for (const l of [5, 8, 16]) {
        const values = await opprf(X, Y, { l, targets });
        const ofX = values.subarray(l * (nX - common));
        deepEqual(ofX, firstBytes(targets.subarray(0, 16 * common), l), `${l} bytes`);
        for (let i = 0; i < nX - common; i++) {
          const value = values.subarray(i * l, (i + 1) * l);
          notDeepEqual(value, firstBytes(targets.subarray(16 * i, 16 * (i + 1)), l));
        }
        if ((nX - common) * l >= 5 * 256) {
          looksUniform(values.subarray(0, l * (nX - common)), 'values of items of X alone');
        }
      }
    });
  }

  it('costs what its header says', async () => {
    for (const [nY, l] of [
      [1, 8],
      [1000, 7],
      [50_000, 8],
    ] as const) {
      const sent: string[] = [];
      let bytes = 0;
      await opprf(items(10), items(nY), {
        l,
        channel: {
          tapFirst: () => sent.push('by the receiver'),
          tapSecond: (label, type, message) => {
            sent.push(`${label} ${type}`);
            if (type === HintSlots.$type) bytes += HintSlots.decode(message).slots.length;
          },
        },
      });
      const { slots } = okvsParameters(nY);
      equal(bytes, l * slots);
      deepEqual(sent, [
        ` ${HintSeed.$type}`,
        ...Array.from({ length: Math.ceil(slots / BATCH_SLOTS) }, () => ` ${HintSlots.$type}`),
      ]);
    }
  });

  it('sends a hint that looks uniform, whatever the targets and however few the items', async () => {
    for (const n of [1, 40, 3000]) {
      const hint: Uint8Array[] = [];
      await opprf(items(5), items(n), {
        l: 16,
        targets: new Uint8Array(16 * n),
        channel: {
          tapSecond: (_label, type, message) => {
            if (type === HintSlots.$type) hint.push(HintSlots.decode(message).slots);
          },
        },
      });
      const slots = new Uint8Array(Buffer.concat(hint));
      const zeros = slots.filter(
        (_, at) => at % 16 === 0 && slots.subarray(at, at + 16).every((b) => b === 0),
      );
      equal(zeros.length, 0, 'no slot is left empty');
      while (hint.length < 8) {
        await opprf(items(5), items(n), {
          l: 16,
          targets: new Uint8Array(16 * n),
          rng: seededRng(`S${hint.length}`),
          channel: {
            tapSecond: (_label, type, message) => {
              if (type === HintSlots.$type) hint.push(HintSlots.decode(message).slots);
            },
          },
        });
      }
      looksUniform(new Uint8Array(Buffer.concat(hint)), `hint of ${n} items`);
    }
    looksBiased(new Uint8Array(5000), 'control');
  });

  it('masks every target by a value of the function that only its item gives', async () => {
    // A receiver that has one item alone: the other targets stay uniform, whatever they are.
    const [X, Y] = [items(1), items(500)];
    const own = await opprf(X, Y, { l: 16, targets: new Uint8Array(16 * 500) });
    deepEqual(own, new Uint8Array(16));
    const elsewhere = await opprf(items(500, 1000), Y, {
      l: 16,
      targets: new Uint8Array(16 * 500),
    });
    looksUniform(elsewhere, 'values of other items');
    notDeepEqual(elsewhere.subarray(0, 16), idealFunction('oprf', 0, items(1, 1000)));
  });

  it('draws the seed when items and targets are fixed, afresh each time', async () => {
    const seeds: string[] = [];
    const channel = {
      tapSecond: (_label: string, type: string, bytes: Uint8Array) => {
        if (type === HintSeed.$type)
          seeds.push(Buffer.from(HintSeed.decode(bytes).seed).toString('hex'));
      },
    };
    const rng = seededRng('S');
    await opprf(items(3), items(3), { rng, channel });
    await opprf(items(3), items(3), { rng, channel });
    equal(new Set(seeds).size, 2);
  });

  const malformed: readonly (readonly [string, readonly [MessageType<never>, Change<never>]])[] = [
    ...[0, 15, 17].map((length) => [
      `a seed of ${length} bytes`,
      [HintSeed, () => ({ seed: new Uint8Array(length).fill(1) })],
    ]),
    ['a seed of zeros', [HintSeed, () => ({ seed: new Uint8Array(16) })]],
    ['no slots', [HintSlots, () => ({ slots: new Uint8Array(0) })]],
    ['a slot too few', [HintSlots, ({ slots }: HintSlots) => ({ slots: slots.subarray(8) })]],
    [
      'a byte too many',
      [HintSlots, ({ slots }: HintSlots) => ({ slots: new Uint8Array(slots.length + 1) })],
    ],
    [
      'slots of the wrong width',
      [HintSlots, ({ slots }: HintSlots) => ({ slots: new Uint8Array(2 * slots.length) })],
    ],
  ] as unknown as (readonly [string, readonly [MessageType<never>, Change<never>]])[];
  for (const [what, cheat] of malformed) {
    it(`refuses ${what}`, async () => {
      await rejects(opprf(items(10), items(20), { cheat }), { code: 'MALFORMED_MESSAGE' });
    });
  }

  it('refuses items that repeat: no seed has an encoding', async () => {
    const Y = new Uint8Array([...items(2), ...items(1)]);
    await rejects(opprf(items(1), Y), RangeError);
  });
});

import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { inThreadCurveEngine } from '../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { type AlignOptions, alignReceiver, alignSender } from '../../../src/protocols/psi/align.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';
import { runTwoParty } from '../../support/two-party.ts';

const SALT = new Uint8Array(32).fill(4);
const FAST: AlignOptions = { engine: toyCurveEngine(), maxItems: 10_000 };
const CURVE: AlignOptions = {
  engine: inThreadCurveEngine(loadCurve25519Kernel()),
  maxItems: 1000,
};

async function align(
  X: readonly (readonly string[])[],
  Y: readonly (readonly string[])[],
  { options = FAST, salt = SALT }: { options?: AlignOptions; salt?: Uint8Array } = {},
): Promise<{ a: Uint32Array; b: Uint32Array }> {
  return runTwoParty(
    (ch) => alignReceiver(ch, itemDigests(X.map(textColumn), salt), options, seededRng('R')),
    (ch) => alignSender(ch, itemDigests(Y.map(textColumn), salt), options, seededRng('S')),
  );
}

const pick = (column: readonly string[], rows: Uint32Array): string[] =>
  [...rows].map((row) => column[row]!);

describe('alignment', () => {
  it('puts the common rows of both parties in one order', async () => {
    const keys = fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(keys, keys, async (X, Y) => {
        const { a, b } = await align([X], [Y]);
        const common = X.filter((key) => Y.includes(key));
        deepEqual(pick(X, a), pick(Y, b), 'row k of both has one key');
        deepEqual(pick(X, a).sort(), common.sort());
      }),
    );
  });

  it('works on the curve', async () => {
    const X = Array.from({ length: 100 }, (_, i) => `id ${i}`);
    const Y = Array.from({ length: 100 }, (_, i) => `id ${150 - i}`);
    const { a, b } = await align([X], [Y], { options: CURVE });
    equal(a.length, 49);
    deepEqual(pick(X, a), pick(Y, b));
  });

  it('orders by the salted digest: not by file, not by key, and anew for every job', async () => {
    const X = Array.from({ length: 60 }, (_, i) => `${i}`);
    const orders = [1, 2].map(async (k) => {
      const { a, b } = await align([X], [X.toReversed()], { salt: new Uint8Array(32).fill(k) });
      deepEqual(pick(X, a), pick(X.toReversed(), b));
      return [...a];
    });
    const [first, second] = await Promise.all(orders);
    notDeepEqual(first, second);
    notDeepEqual(
      first,
      first!.toSorted((i, j) => i - j),
    );
    // The order is the same whatever the order of the files.
    const reversed = await align([X.toReversed()], [X], { salt: new Uint8Array(32).fill(1) });
    deepEqual(pick(X.toReversed(), reversed.a), pick(X, Uint32Array.from(first!)));
  });

  it('keeps composite keys apart', async () => {
    const { a, b } = await align(
      [
        ['a', 'x'],
        ['bc', 'y'],
      ],
      [
        ['ab', 'x'],
        ['c', 'y'],
      ],
    );
    deepEqual([...a], [1]);
    deepEqual([...b], [1]);
  });

  it('gives no rows for empty sets and empty intersections', async () => {
    for (const [X, Y] of [
      [[], []],
      [['a'], []],
      [[], ['a']],
      [['a'], ['b']],
    ] as const) {
      const { a, b } = await align([X], [Y]);
      equal(a.length + b.length, 0);
    }
  });

  it('finds nothing when the parties salt differently', async () => {
    const { a } = await runTwoParty(
      (ch) => alignReceiver(ch, itemDigests([textColumn(['a'])], SALT), FAST, seededRng('R')),
      (ch) =>
        alignSender(ch, itemDigests([textColumn(['a'])], new Uint8Array(32)), FAST, seededRng('S')),
    );
    equal(a.length, 0);
  });

  it('refuses repeated keys by row number, before it sends anything', async () => {
    const digests = itemDigests([textColumn(['a', 'b', 'a'])], SALT);
    for (const role of [alignReceiver, alignSender]) {
      const [ch] = memoryChannelPair();
      await rejects(role(ch, digests, FAST, seededRng('R')), {
        name: 'DuplicateKeyError',
        firstDuplicate: { first: 0, again: 2 },
      });
      equal(ch.stats.messagesSent, 0);
    }
  });
});

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { ReleasedColumns, ReleasedMetrics, ReleasedTarget } from '../../../../proto/gen/linear.ts';
import { OpenedShare } from '../../../../proto/gen/sharing.ts';
import type { Whitening } from '../../../../src/ml/data/whiten.ts';
import { toFixed } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import {
  type Publication,
  type PublishOptions,
  publish,
} from '../../../../src/ml/vertical/linear/publish.ts';
import type { TrainedPart } from '../../../../src/ml/vertical/linear/train.ts';
import type { DisclosureLedger } from '../../../../src/protocols/disclosure.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../../../src/protocols/memory-channel.ts';
import { share } from '../../../../src/protocols/sharing/share.ts';
import { memoryLedger } from '../../../support/ledger.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { PARTIES } from '../../../support/vertical-run.ts';

const CLASSES = ['metrics', 'column_scales', 'weights'];
const METRICS = ['auc', 'ks'] as const;
const EXPONENTS = [Int32Array.of(3, -2), Int32Array.of(0)] as const;
const TARGET = { centre: 5, exponent: 2 };
/** In the released unit, at 10 bits: two columns, one column, intercept. */
const SHARES = share(toFixed([1.5, -0.25, 2, 0.5], 10), seededRng('model'));

/** A finished training at one party; what publishing does not read is left empty. */
function trained(role: 0 | 1, release: 'full' | 'split' = 'full'): TrainedPart {
  return {
    weights: { own: new BigUint64Array(0), peer: new BigUint64Array(0) },
    whitening: {} as Whitening,
    target: role === 0 ? TARGET : null,
    evaluation: role === 0 ? { metrics: { auc: 0.75, ks: null }, reasons: {} } : null,
    release: release === 'full' ? { shares: SHARES[role]!, exponents: EXPONENTS[role] } : null,
  };
}

function options(
  role: 0 | 1,
  receivers: readonly string[],
  ledger: DisclosureLedger = memoryLedger(...CLASSES),
): PublishOptions {
  return {
    role: role === 0 ? 'label_holder' : 'feature_holder',
    parties: PARTIES,
    receivers,
    metrics: METRICS,
    columns:
      role === 0 ? [{ column: 'age' }, { column: 'region', level: 3 }] : [{ column: 'debt' }],
    peerFeatures: role === 0 ? 1 : 2,
    openBits: 10,
    ledger,
  };
}

async function run(
  receivers: readonly string[],
  release: 'full' | 'split' = 'full',
  taps: MemoryChannelOptions = {},
): Promise<(Publication | null)[]> {
  const channels = memoryChannelPair(taps);
  return Promise.all(
    ([0, 1] as const).map((role) =>
      publish(channels[role], trained(role, release), options(role, receivers)),
    ),
  );
}

const MODEL = {
  features: [
    { party: 'guest', column: 'age', weight: (1.5 * 4) / 8 },
    { party: 'guest', column: 'region', level: 3, weight: -0.25 * 4 * 4 },
    { party: 'host', column: 'debt', weight: 2 * 4 },
  ],
  intercept: 0.5 * 4,
};
const VALUES = { auc: 0.75, ks: null };

describe('publication of a linear model', () => {
  it('gives model and metrics to the receivers, nothing to the others', async () => {
    const full = { model: MODEL, metrics: VALUES };
    deepEqual(await run(['guest', 'host']), [full, full]);
    deepEqual(await run(['guest']), [full, null]);
    deepEqual(await run(['host']), [null, full]);
  });

  it('gives metrics only when the model stays split', async () => {
    const types: string[] = [];
    const tap = (_: string, type: string): void => void types.push(type);
    const split = { model: null, metrics: VALUES };
    deepEqual(await run(['guest', 'host'], 'split', { tapFirst: tap, tapSecond: tap }), [
      split,
      split,
    ]);
    deepEqual(types, [ReleasedMetrics.$type], 'neither shares nor units are sent');
  });

  it('sends a party that receives nothing nothing', async () => {
    const sent: string[] = [];
    const tap = (_: string, type: string): void => {
      sent.push(type);
    };
    await run(['guest'], 'full', { tapFirst: tap });
    await run(['host'], 'full', { tapSecond: tap });
    deepEqual(sent, []);
  });

  it('costs what its header says', async () => {
    const bytes = [0, 0];
    const count =
      (from: 0 | 1) =>
      (_: string, type: string, message: Uint8Array): void => {
        if (type === OpenedShare.$type) bytes[from]! += message.length - 2;
      };
    await run(['guest', 'host'], 'full', { tapFirst: count(0), tapSecond: count(1) });
    deepEqual(bytes, [8 * 4, 8 * 4]);
  });

  for (const missing of CLASSES) {
    it(`stops before it sends ${missing} that the contract does not declare`, async () => {
      const ledger = (): DisclosureLedger => memoryLedger(...CLASSES.filter((c) => c !== missing));
      const types: string[] = [];
      const tap = (_: string, type: string): void => void types.push(type);
      const abort = new AbortController();
      const channels = memoryChannelPair({ tapFirst: tap, tapSecond: tap, signal: abort.signal });
      await Promise.all(
        ([0, 1] as const).map((role) =>
          rejects(publish(channels[role], trained(role), options(role, PARTIES, ledger())), {
            code: 'NOT_DECLARED',
          }),
        ),
      );
      const carriers: Record<string, string[]> = {
        metrics: [ReleasedMetrics.$type],
        column_scales: [ReleasedColumns.$type, ReleasedTarget.$type],
        weights: [OpenedShare.$type],
      };
      for (const type of carriers[missing]!) equal(types.includes(type), false, type);
    });
  }

  describe('rejects', () => {
    const fine = {
      metrics: { values: new Uint8Array(16) },
      columns: {
        columns: [
          { name: 'a', level: undefined, exponent: 512 },
          { name: 'b', level: 1, exponent: -512 },
        ],
      },
      target: { exponent: 0 },
      share: { share: new Uint8Array(32) },
    };

    /** The feature holder as receiver, of messages as given. */
    async function receive(messages: typeof fine): Promise<Publication | null> {
      const [forged, ch] = memoryChannelPair();
      await forged.send(ReleasedMetrics, messages.metrics);
      await forged.send(ReleasedColumns, messages.columns);
      await forged.send(ReleasedTarget, messages.target);
      await forged.send(OpenedShare, messages.share);
      return publish(ch, trained(1), options(1, ['host']));
    }

    const column = (name: string, exponent: number, count = 2): typeof fine => ({
      ...fine,
      columns: {
        columns: Array.from({ length: count }, () => ({ name, level: undefined, exponent })),
      },
    });
    const cases: Record<string, typeof fine> = {
      'too few metrics': { ...fine, metrics: { values: new Uint8Array(8) } },
      'too many metrics': { ...fine, metrics: { values: new Uint8Array(24) } },
      'half a metric': { ...fine, metrics: { values: new Uint8Array(15) } },
      'no columns': column('a', 0, 0),
      'a column too few': column('a', 0, 1),
      'a column too many': column('a', 0, 3),
      'a unit too large': column('a', 513),
      'a unit too small': column('a', -513),
      'a name too long': column('a'.repeat(1025), 0),
      'a target’s unit too large': { ...fine, target: { exponent: 513 } },
      'a target’s unit too small': { ...fine, target: { exponent: -513 } },
      'a short share': { ...fine, share: { share: new Uint8Array(31) } },
      'a long share': { ...fine, share: { share: new Uint8Array(40) } },
    };
    for (const [name, messages] of Object.entries(cases)) {
      it(name, () => rejects(receive(messages), { code: 'MALFORMED_MESSAGE' }));
    }

    it('a message out of turn', async () => {
      const [forged, ch] = memoryChannelPair();
      await forged.send(ReleasedTarget, fine.target);
      await rejects(publish(ch, trained(1), options(1, ['host'])), { code: 'UNEXPECTED_MESSAGE' });
    });

    it('nothing that is well formed', async () => {
      ok((await receive(fine))!.model, 'the control passes');
      ok((await receive(column('a'.repeat(1024), -512)))!.model);
    });
  });
});

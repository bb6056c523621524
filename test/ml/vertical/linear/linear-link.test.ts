import { equal, ok } from 'node:assert/strict';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import {
  ERROR_BITS,
  fromFixed,
  LOGIT_BITS,
  toFixed,
} from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { linearErrors } from '../../../../src/ml/vertical/linear/linear-link.ts';
import { reconstruct, share } from '../../../../src/protocols/sharing/share.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { both, contextPair } from '../../../support/vertical-run.ts';

describe('errors of linear regression', () => {
  let contexts: readonly [TrainingContext, TrainingContext];
  let channels: Awaited<ReturnType<typeof contextPair>>['channels'];
  before(async () => {
    ({ contexts, channels } = await contextPair({ loss: null }));
  });

  for (const logitBits of [LOGIT_BITS, 39]) {
    it(`is z - y to one unit in the last place, from ${logitBits} bits`, async () => {
      const z = [0, 1, -1, 0.3, -7.25, 1e5, -1e5, 2 ** 16, -(2 ** 16)];
      const y = Float64Array.of(0, 1, 1, 2.7, 100, -1e4, 1e4, 0, 0);
      const shares = share(toFixed(z, logitBits), seededRng('z'));
      const [a, b] = await both((role) =>
        linearErrors(contexts[role], {
          z: shares[role]!,
          logitBits,
          ...(role === 0 && { labels: y }),
        }),
      );
      fromFixed(reconstruct(a, b), ERROR_BITS).forEach((e, i) => {
        const off = Math.abs(e - (z[i]! - y[i]!));
        ok(off < 2 ** -ERROR_BITS + 2 ** -logitBits, `row ${i} is off by ${off * 2 ** ERROR_BITS}`);
      });
    });
  }

  it('refuses a target beyond the fixed-point range', async () => {
    const rows = { z: new BigUint64Array(1), logitBits: LOGIT_BITS };
    let refused = false;
    try {
      await linearErrors(contexts[0], { ...rows, labels: Float64Array.of(2 ** 17) });
    } catch (error) {
      refused = error instanceof RangeError;
    }
    equal(refused, true);
  });

  it('costs what its header says', async () => {
    const before = channels.map(({ stats }) => ({ ...stats }));
    const n = 1001;
    await both((role) =>
      linearErrors(contexts[role], {
        z: new BigUint64Array(n),
        logitBits: LOGIT_BITS,
        ...(role === 0 && { labels: new Float64Array(n) }),
      }),
    );
    const sent = channels.map(({ stats }, i) => ({
      bytes: stats.bytesSent - before[i]!.bytesSent,
      messages: stats.messagesSent - before[i]!.messagesSent,
    }));
    equal(sent[0]!.messages, 1);
    equal(sent[1]!.messages, 1);
    equal(sent[0]!.bytes, 128 * Math.ceil(n / 8) + 3);
    equal(sent[1]!.bytes, 8 * n + 3);
  });
});

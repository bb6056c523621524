import { equal } from 'node:assert/strict';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { share } from '../../../src/protocols/sharing/share.ts';
import { truncate } from '../../../src/protocols/sharing/truncate.ts';
import { otPair } from '../../support/ot-pair.ts';
import { randomWords } from '../../support/seeded-rng.ts';

const BATCH = 500_000;
const BATCHES = 20;

describe('faithful truncation, 10^7 values', () => {
  it('never errs by more than the last place, on any of them', async () => {
    const { sender, receiver } = await otPair('slow');
    for (let batch = 0; batch < BATCHES; batch++) {
      const v = randomWords(BATCH, systemRng);
      for (let i = 0; i < v.length; i++) v[i] = BigInt.asUintN(64, BigInt.asIntN(63, v[i]!));
      const shifts = systemRng(BATCH).map((byte) => 1 + (byte % 62));
      const [x0, x1] = share(v, systemRng);
      const [y0, y1] = await Promise.all([
        truncate(sender, x0, shifts),
        truncate(receiver, x1, shifts),
      ]);
      let wrong = 0;
      for (let i = 0; i < v.length; i++) {
        const floor = BigInt.asIntN(64, v[i]!) >> BigInt(shifts[i]!);
        const excess = BigInt.asUintN(64, y0[i]! + y1[i]! - floor);
        if (excess !== 0n && excess !== 1n) wrong++;
      }
      equal(wrong, 0, `batch ${batch}`);
    }
  }).timeout(300_000);
});

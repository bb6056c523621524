import { deepEqual, equal } from 'node:assert/strict';
import { OpenedShare } from '../../../../proto/gen/sharing.ts';
import { OtReceiver, OtSender } from '../../../../src/protocols/ot/ot-extension.ts';
import { contextPair } from '../../../support/vertical-run.ts';

describe('training context', () => {
  it('gives the roles what they need, and crosses the blocks’ channels', async () => {
    const { contexts } = await contextPair({ loss: 'mse' });
    const [label, feature] = contexts;
    equal(label.ot instanceof OtReceiver, true);
    equal(feature.ot instanceof OtSender, true);
    deepEqual([label.role, feature.role], ['label_holder', 'feature_holder']);
    deepEqual([label.loss, feature.loss], ['mse', 'mse']);
    deepEqual(label.parties, feature.parties);
    for (const [from, to, value] of [
      [label.ownBlock, feature.peerBlock, 1],
      [label.peerBlock, feature.ownBlock, 2],
      [label.channel, feature.channel, 3],
    ] as const) {
      await from.send(OpenedShare, { share: Uint8Array.of(value) });
      deepEqual([...(await to.receive(OpenedShare)).share], [value]);
    }
  });

  it('takes fresh keys for every run', async () => {
    const keys: string[] = [];
    for (const seed of ['one', 'two']) {
      const tap = (_: string, type: string, bytes: Uint8Array): void => {
        if (type.endsWith('HePublicKey'))
          keys.push(Buffer.from(bytes.subarray(0, 64)).toString('hex'));
      };
      await contextPair({ seed, tapFirst: tap, tapSecond: tap });
    }
    equal(new Set(keys).size, 4);
  });
});

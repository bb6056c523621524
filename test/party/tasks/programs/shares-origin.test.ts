import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import { SharesOrigin } from '../../../../proto/gen/linear.ts';
import { haveOneOrigin, newOrigin } from '../../../../src/party/tasks/programs/shares-origin.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import { programRuns, trainingContract } from '../../../support/training-pair.ts';

const ORIGIN = new Uint8Array(32).fill(7);

describe('origin of shares', () => {
  it('is one at both ends of a session, another in the next', async () => {
    const contract = trainingContract();
    const origins = async (session: string): Promise<Uint8Array[]> => {
      const { a, b } = programRuns(contract, { session });
      return Promise.all([a, b].map(({ context }) => newOrigin(context.link('other'))));
    };
    const [first, second] = [await origins('first'), await origins('second')];
    deepEqual(first[0], first[1]);
    notDeepEqual(first[0], second[0]);
  });

  it('is compared by both, after the same step', async () => {
    const compare = (
      one: readonly [Uint8Array, number],
      other: readonly [Uint8Array, number],
    ): Promise<boolean[]> => {
      const [first, second] = memoryChannelPair();
      return Promise.all([haveOneOrigin(first, ...one), haveOneOrigin(second, ...other)]);
    };
    deepEqual(await compare([ORIGIN, 3], [ORIGIN, 3]), [true, true]);
    deepEqual(await compare([ORIGIN, 3], [ORIGIN, 4]), [false, false]);
    deepEqual(await compare([ORIGIN, 3], [new Uint8Array(32), 3]), [false, false]);
  });

  it('is not sent itself, and must have its length', async () => {
    const [first, second] = memoryChannelPair();
    const running = haveOneOrigin(first, ORIGIN, 0);
    const { digest } = await second.receive(SharesOrigin);
    equal(digest.length, 32);
    notDeepEqual(digest, ORIGIN);
    await second.send(SharesOrigin, { digest: digest.subarray(1) });
    await rejects(running, { code: 'MALFORMED_MESSAGE' });
  });
});

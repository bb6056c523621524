import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import { SharesOrigin } from '../../../../proto/gen/linear.ts';
import { RunName } from '../../../../proto/gen/trees.ts';
import { dataHolders } from '../../../../src/party/tasks/programs/data-holders.ts';
import {
  haveOneOrigin,
  namedRun,
  newOrigin,
  requireOneOrigin,
} from '../../../../src/party/tasks/programs/shares-origin.ts';
import type { Channel } from '../../../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import { boostingTable } from '../../../support/boosting-run.ts';
import { runPrograms } from '../../../support/program-parties.ts';
import { tamper } from '../../../support/tamper.ts';
import { programRuns, trainingContract } from '../../../support/training-pair.ts';
import { treeProgram } from '../../../support/tree-programs.ts';

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

describe('name of a run of several', () => {
  const { contract, data } = treeProgram(boostingTable(10, { widths: [1, 1, 1] }));

  it('is told by the label holder, another in every run', async () => {
    const names = async (session: string): Promise<string[]> => {
      const { results } = await runPrograms(
        contract,
        data,
        (context) => namedRun(context, dataHolders(contract, context.self)),
        { session },
      );
      return Object.values(results).map((name) => Buffer.from(name).toString('hex'));
    };
    const [first, second] = [await names('first'), await names('second')];
    equal(first.length, 3);
    deepEqual([new Set(first).size, new Set(second).size, first[0]!.length], [1, 1, 64]);
    notDeepEqual(first[0], second[0]);
  });

  it('has its length', async () => {
    for (const length of [0, 31, 33]) {
      const wrap = (channel: Channel, me: number): Channel =>
        me === 0 ? tamper(channel, RunName, () => ({ origin: new Uint8Array(length) })) : channel;
      const running = runPrograms(
        contract,
        data,
        (context) => namedRun(context, dataHolders(contract, context.self)),
        { wrap },
      );
      await rejects(running, { code: 'MALFORMED_MESSAGE' }, `${length} bytes`);
    }
  });

  it('is required to be one at all of them', async () => {
    const compare = (steps: Readonly<Record<string, number>>): Promise<unknown> =>
      runPrograms(contract, data, (context) => {
        const step = steps[context.self] ?? 0;
        const mine = { origin: ORIGIN, step, label: 'same' };
        const failure = { code: 'MODEL_MISMATCH', what: 'they differ' } as const;
        return requireOneOrigin(context, dataHolders(contract, context.self), mine, failure);
      });
    await compare({});
    for (const name of ['guest', 'host_1', 'host_2']) {
      await rejects(compare({ [name]: 1 }), { code: 'MODEL_MISMATCH' }, name);
    }
  });
});

import { deepEqual, equal, throws } from 'node:assert/strict';
import type { Contract } from '../../../../src/party/consensus/contract.ts';
import {
  dataHolders,
  leaderOf,
  partiesOf,
  twoDataHolders,
} from '../../../../src/party/tasks/programs/data-holders.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import { trainingContract } from '../../../support/training-pair.ts';

/** orgA, orgB and orgC with so many rows each, and a party without data. */
function contractOf(rows: readonly number[]): Contract {
  const contract = trainingContract();
  const [first] = contract.parties;
  const holders = rows.map((rowCount, i) => ({
    ...first!,
    name: `org${'ABC'[i]}`,
    dataset: { ...first!.dataset!, rowCount },
  }));
  return { ...contract, parties: [...holders, { ...first!, name: 'orgX', dataset: null }] };
}

describe('data holders', () => {
  it('are the parties with data, seen from one of them', () => {
    const { all, me, own, others } = dataHolders(contractOf([1, 2, 3]), 'orgB');
    deepEqual(
      all.map(({ name }) => name),
      ['orgA', 'orgB', 'orgC'],
    );
    deepEqual([me, own.name, ...others.map(({ name }) => name)], [1, 'orgB', 'orgA', 'orgC']);
    const two = twoDataHolders(contractOf([1, 2]), 'orgB');
    deepEqual([two.own.name, two.peer.name], ['orgB', 'orgA']);
  });

  it('are two at least, or exactly, this party among them', () => {
    const code = { code: 'NOT_AVAILABLE' };
    throws(() => dataHolders(contractOf([1, 2]), 'orgC'), code);
    throws(() => dataHolders(contractOf([1, 2]), 'orgX'), code);
    throws(() => dataHolders(contractOf([1]), 'orgA'), code);
    throws(() => twoDataHolders(contractOf([1, 2, 3]), 'orgA'), code);
    throws(() => twoDataHolders(contractOf([1]), 'orgA'), code);
  });

  it('are led by one who learns: the smaller of two, the first of more', () => {
    const leader = (rows: readonly number[], ...learners: string[]): number =>
      leaderOf(dataHolders(contractOf(rows), 'orgA'), learners);
    equal(leader([5, 3], 'orgA', 'orgB'), 1);
    equal(leader([5, 3], 'orgA'), 0);
    equal(leader([3, 3], 'orgA', 'orgB'), 0);
    equal(leader([5, 3, 2], 'orgA', 'orgB', 'orgC'), 0);
    equal(leader([5, 3, 2], 'orgB', 'orgC'), 1);
  });

  it('are parties with a channel to each other one, for one purpose', async () => {
    const holders = dataHolders(contractOf([1, 2, 3]), 'orgB');
    const asked: string[] = [];
    const [channel] = memoryChannelPair();
    const link = (name: string) => {
      asked.push(name);
      return { channel, deriveKey: async () => new Uint8Array(0) };
    };
    throws(() => partiesOf({ link }, holders, 'once'), RangeError, 'labels are unique a channel');
    const links = new Map(['orgA', 'orgC'].map((name) => [name, memoryChannelPair()[0]]));
    const own = partiesOf(
      { link: (name) => ({ ...link(name), channel: links.get(name)! }) },
      holders,
      'match',
    );
    deepEqual([own.me, own.n], [1, 3]);
    for (const peer of [0, 2]) equal(own.channel(peer).stats.messagesSent, 0);
    for (const peer of [1, 3]) throws(() => own.channel(peer), RangeError);
  });
});

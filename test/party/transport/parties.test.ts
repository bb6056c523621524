import { deepEqual, equal, throws } from 'node:assert/strict';
import { connectParties } from '../../../src/party/transport/parties.ts';
import type { Session } from '../../../src/party/transport/session.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { rawType } from '../../contract/channel-suite.ts';
import { openPair, startNodes, stopNodes, termsOf } from '../../support/transports.ts';

const NAMES = ['orgA', 'orgB', 'orgC'];
const Raw = rawType('entente.test.Raw');

function sessionWith(peer: string): Session {
  return { peer, channel: memoryChannelPair()[0] } as unknown as Session;
}

describe('parties', () => {
  it('numbers the others as the contract does', () => {
    const [a, c] = [sessionWith('orgA'), sessionWith('orgC')];
    const parties = connectParties(NAMES, 'orgB', [c, a]);
    equal(parties.me, 1);
    equal(parties.n, 3);
    equal(parties.channel(0), a.channel);
    equal(parties.channel(2), c.channel);
    for (const peer of [1, 3, -1]) throws(() => parties.channel(peer), RangeError);
  });

  it('takes exactly one session with each other party', () => {
    const [a, b, c] = NAMES.map(sessionWith) as [Session, Session, Session];
    throws(() => connectParties(NAMES, 'orgB', [a]), RangeError);
    throws(() => connectParties(NAMES, 'orgB', [a, a]), RangeError);
    throws(() => connectParties(NAMES, 'orgB', [a, b]), RangeError);
    throws(() => connectParties(NAMES, 'orgB', [a, c, sessionWith('orgD')]), RangeError);
    throws(() => connectParties(NAMES, 'orgD', [a, b, c]), RangeError);
    throws(() => connectParties(['orgA', 'orgA'], 'orgA', []), RangeError);
  });

  it('connects three nodes, each with each', async () => {
    const nodes = await startNodes(NAMES);
    const pairs = await Promise.all(
      [
        [0, 1],
        [0, 2],
        [1, 2],
      ].map(([i, j]) => openPair(nodes[i!]!, nodes[j!]!, termsOf(1))),
    );
    const all = NAMES.map((me) => {
      const sessions = pairs.flat().filter((session, i, list) => {
        const other = list[i ^ 1]!; // the other end of the pair names this end's party
        return other.peer === me && session.peer !== me;
      });
      return connectParties(NAMES, me, sessions);
    });
    const heard = await Promise.all(
      all.map(async (parties) => {
        const { me } = parties;
        const others = [0, 1, 2].filter((peer) => peer !== me);
        for (const peer of others) await parties.channel(peer).send(Raw, Uint8Array.of(me));
        return Promise.all(
          others.map(async (peer) => (await parties.channel(peer).receive(Raw))[0]),
        );
      }),
    );
    deepEqual(heard, [
      [1, 2],
      [0, 2],
      [0, 1],
    ]);
    await stopNodes(nodes);
  });
});

/** Intersections of a star in one process, over an ideal OPRF. */
import { createCipheriv } from 'node:crypto';
import { loadWasmOkvsKernel } from '../../src/kernels/okvs-kernel.wasm.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import { sortByItem } from '../../src/protocols/psi/joint-order.ts';
import { starLeader, starSpoke } from '../../src/protocols/psi/star-psi.ts';
import { ZeroSharing } from '../../src/protocols/psi/zero-sharing.ts';
import { idealOprf } from './ideal-oprf.ts';
import { type PartyFrame, runParties } from './memory-parties.ts';
import { seededRng } from './seeded-rng.ts';

const okvs = loadWasmOkvsKernel();

/** Items that stand for numbers: pseudo-random, the same at every party. */
export function itemsOf(numbers: readonly number[]): Uint8Array {
  const key = seededRng('items')(16);
  const blocks = new Uint32Array(4 * numbers.length);
  numbers.forEach((number, i) => {
    blocks[4 * i] = number;
  });
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return new Uint8Array(cipher.update(new Uint8Array(blocks.buffer)));
}

export interface StarRun {
  readonly leader?: number;
  readonly learners?: readonly number[];
  readonly maxItems?: number;
  readonly seed?: string;
  readonly observe?: (frame: PartyFrame) => void;
  readonly wrap?: (channel: Channel, me: number, peer: number) => Channel;
}

/** Each party's result: the numbers that its rows stand for, in the order of the rows. */
export function star(
  sets: readonly (readonly number[])[],
  run: StarRun = {},
): Promise<(number[] | null)[]> {
  const n = sets.length;
  const { leader = 0, maxItems = 100_000, seed = '', observe, wrap } = run;
  const learners = run.learners ?? sets.map((_, i) => i);
  const oprfs = sets.map((_, i) => idealOprf(`oprf ${i}`));
  return runParties(
    n,
    async (parties) => {
      const { me } = parties;
      const rng = seededRng(`party ${me} ${seed}`);
      const zero = await ZeroSharing.setup(parties, rng);
      const options = { zero, maxItems, okvs };
      const others = sets.map((_, i) => i).filter((i) => i !== me);
      const items = itemsOf(sets[me]!);
      const rows =
        me === leader
          ? await starLeader(
              others.map((peer) => ({
                ch: parties.channel(peer).fork('star'),
                oprf: oprfs[peer]!.receiver,
                learns: learners.includes(peer),
              })),
              items,
              options,
            )
          : await starSpoke(
              {
                ch: parties.channel(leader).fork('star'),
                oprf: oprfs[me]!.sender,
                learns: learners.includes(me),
              },
              items,
              options,
              rng,
            );
      return rows && [...rows].map((row) => sets[me]![row]!);
    },
    { ...(observe && { observe }), ...(wrap && { wrap }) },
  );
}

/** The ideal functionality, in the joint order. */
export function naive(sets: readonly (readonly number[])[]): number[] {
  const common = sets.reduce((a, b) => a.filter((each) => b.includes(each)));
  const rows = sortByItem(
    Uint32Array.from(common, (_, i) => i),
    itemsOf(common),
  );
  return [...rows].map((row) => common[row]!);
}

import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { CandidateSums, WinningCandidates } from '../../../../proto/gen/trees.ts';
import { DEFAULT_PARAMETERS } from '../../../../src/ml/trees/parameters.ts';
import {
  bestCandidate,
  levelShares,
  NOISE_DENOMINATOR,
  type NodeShares,
  type NoiseSampler,
  openSumsHost,
  openSumsOwner,
  tellWinners,
  varianceOf,
} from '../../../../src/ml/vertical/trees/split-finding.ts';
import { BucketHost, BucketOwner } from '../../../../src/protocols/aggregation/bucket-sums.ts';
import { ROW_VARIANCE } from '../../../../src/protocols/aggregation/parameters.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import { noNoise } from '../../../support/boosting-run.ts';
import { recordingRng, rowErrors, vectorSecrets } from '../../../support/bucket-noise.ts';
import { arrangeAll, hintKernel } from '../../../support/bucket-run.ts';
import { hePair } from '../../../support/he-pair.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { tamper } from '../../../support/tamper.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

const opening = () => ({ ledger: recordingLedger(), labelHolder: 'guest' });

const nodesOf = (count: number, C: number, seed: string): NodeShares[] =>
  Array.from({ length: count }, (_, v) => {
    const draw = (name: string): Uint32Array =>
      new Uint32Array(new Uint8Array(seededRng(`${seed} ${v} ${name}`)(4 * C)).buffer);
    return { G: draw('G'), H: draw('H'), layers: 1 + (v % 3) };
  });

/** Both roles over a fresh channel. */
async function openBoth(
  guest: readonly NodeShares[],
  host: readonly NodeShares[],
  rows: readonly number[],
  sampler?: NoiseSampler,
  multiplier = 1,
) {
  const [chGuest, chHost] = memoryChannelPair();
  const [mine, theirs] = [opening(), opening()];
  const winners = Int32Array.from(guest, (_, v) => (v % 2 === 0 ? -1 : v % rows.length));
  const [opened, told] = await Promise.all([
    openSumsOwner(chGuest, guest, mine).then(async (sums) => {
      await tellWinners(chGuest, winners, 'host', mine);
      return sums;
    }),
    openSumsHost(
      chHost,
      host,
      { ...theirs, rows, multiplier, ...(sampler && { sampler }) },
      seededRng('noise'),
    ),
  ]);
  deepEqual(told, winners);
  return { opened, chGuest, recorded: [mine.ledger.entries, theirs.ledger.entries] };
}

describe('opened sums', () => {
  it('are both shares, told once at every party, at the stated cost', async () => {
    const [guest, host] = [nodesOf(5, 7, 'guest'), nodesOf(5, 7, 'host')];
    const rows = [1, 2, 3, 4, 5, 6, 7];
    const { opened, chGuest, recorded } = await openBoth(guest, host, rows, noNoise);
    opened.forEach(({ G, H }, v) => {
      deepEqual(
        G,
        Int32Array.from(guest[v]!.G, (word, c) => word + host[v]!.G[c]!),
      );
      deepEqual(
        H,
        Int32Array.from(guest[v]!.H, (word, c) => word + host[v]!.H[c]!),
      );
    });
    deepEqual(recorded, [
      [
        { class: 'split_sums', to: ['guest'], elements: 70 },
        { class: 'winning_splits', to: ['host'], elements: 5 },
      ],
      [{ class: 'split_sums', to: ['guest'], elements: 70 }],
    ]);
    const { messagesReceived, bytesReceived, messagesSent, bytesSent } = chGuest.stats;
    deepEqual([messagesReceived, messagesSent], [1, 1]);
    ok(bytesReceived - 280 <= 6 && bytesSent - 20 <= 6);
  });

  it('go in pieces', async () => {
    const rows = Array<number>(70_000).fill(1);
    const [guest, host] = [nodesOf(2, 70_000, 'a'), nodesOf(2, 70_000, 'b')];
    const { opened, chGuest } = await openBoth(guest, host, rows, noNoise);
    equal(chGuest.stats.messagesReceived, 2);
    equal(opened[1]!.H[69_999], (guest[1]!.H[69_999]! + host[1]!.H[69_999]!) | 0);
  });

  it('have noise of the holder’s own, as wide as the errors in that very value', async () => {
    const C = 2000;
    const zero = Array.from({ length: 3 }, (_, v) => ({
      ...{ G: new Uint32Array(C), H: new Uint32Array(C), layers: v + 1 },
    }));
    const rows = Array.from({ length: C }, (_, c) => c);
    const { opened } = await openBoth(zero, zero, rows);
    opened.forEach(({ G, H }, v) => {
      for (const values of [G, H]) {
        equal(values[0], 0, 'an empty sum has no errors');
        let statistic = 0;
        for (let c = 1; c < C; c++) statistic += values[c]! ** 2 / (ROW_VARIANCE * c * (v + 1));
        ok(Math.abs(statistic / C - 1) < 0.16, `${v + 1} layers: ${statistic / C}`);
      }
      ok(
        G.some((value, c) => value !== H[c]),
        'fresh for every value',
      );
    });
    equal(varianceOf(3, 2, 4) / NOISE_DENOMINATOR, ROW_VARIANCE * 3 * 2 * 16);
    ok(Number.isInteger(varianceOf(1, 1, 1)), 'the sampler takes integers');
  });

  it('count the errors of everything that was subtracted', () => {
    const [word] = [(value: number) => Uint32Array.of(value)];
    const roots = levelShares([word(10), word(20), word(30), word(40)], null);
    deepEqual(
      roots.map(({ layers }) => layers),
      [1, 1],
    );
    const children = levelShares([word(11), word(1)], [roots[0]!]);
    deepEqual(children, [
      { G: word(11), H: word(1), layers: 1 },
      { G: word(2 ** 32 - 1), H: word(19), layers: 2 },
    ]);
    const third = levelShares([word(0), word(0)], [children[1]!]);
    equal(third[1]!.layers, 3);
  });

  it('rejects malformed messages by code', async () => {
    const [guest, host] = [nodesOf(2, 3, 'guest'), nodesOf(2, 3, 'host')];
    const options = { ...opening(), rows: [1, 1, 1], multiplier: 1 };
    const isMalformed = (error: { code?: string }): boolean => error.code === 'MALFORMED_MESSAGE';
    for (const length of [0, 44, 52]) {
      const [chGuest, chHost] = memoryChannelPair();
      const bad = tamper(chHost, CandidateSums, () => ({ words: new Uint8Array(length) }));
      void openSumsHost(bad, host, options, seededRng(1)).catch(() => undefined);
      await rejects(openSumsOwner(chGuest, guest, opening()), isMalformed, `${length} bytes`);
    }
    for (const winners of [[1], [1, 2, 3], [0, 4], [0, 2 ** 32 - 1]]) {
      const [chGuest, chHost] = memoryChannelPair();
      await chGuest.send(WinningCandidates, {
        winners: new Uint8Array(Uint32Array.from(winners).buffer),
      });
      await rejects(openSumsHost(chHost, host, options, seededRng(1)), isMalformed, `${winners}`);
    }
  });

  it('are opened after the ledger has agreed, or not at all', async () => {
    const [, chHost] = memoryChannelPair();
    const ledger = {
      record: () => Promise.reject(new Error('refused')),
    };
    const options = { ledger, labelHolder: 'guest', rows: [1], multiplier: 1 };
    await rejects(openSumsHost(chHost, nodesOf(1, 1, 'x'), options, seededRng(1)), /refused/);
    equal(chHost.stats.messagesSent, 0);
  });

  it('give the first of the best candidates, or none', () => {
    const parameters = { ...DEFAULT_PARAMETERS, minChildWeight: 1 };
    const parent = { G: 0, H: 10 };
    const scale = { g: 1, h: 2 };
    const H = Int32Array.of(20, 20, 20, 2);
    const best = bestCandidate({ G: Int32Array.of(2, -8, 8, 1000), H }, scale, parent, parameters);
    deepEqual(best, { candidate: 1, gain: Math.fround(16 / 6 + 16 / 6) });
    equal(bestCandidate({ G: H, H: new Int32Array(4) }, scale, parent, parameters), null);
  });
});

describe('the attack on opened sums', () => {
  const rows = 16;
  const left = [1, 2, 4, 5, 9, 10, 11, 14];

  /**
   * All rows have the same g and h, so that sums tell how many rows go left and nothing else, but for the errors.
   * @returns how many of all sets of 8 rows explain the opened values as well as the true one, or better
   */
  async function setsThatFit(openings: number, sampler?: NoiseSampler): Promise<number> {
    const { alice, bob, chA, chB } = await hePair();
    const { rng, drawn } = recordingRng(seededRng('guest'));
    const bins = Uint16Array.from({ length: rows }, (_, i) => Number(!left.includes(i)));
    const columns = { rows, bins: [bins], counts: [2] };
    const [owner, host] = await Promise.all([
      BucketOwner.setup([{ channel: chA, he: alice }], rows, rng),
      BucketHost.setup(chB, bob, hintKernel, columns, seededRng('host')),
    ]);
    const first = [{ column: 0, bins: 1, andLast: false }];
    const { mine: its, theirs: own } = await arrangeAll(owner, [host], first, openings);
    const vectors = Array.from({ length: openings }, () => new Int32Array(rows).fill(1 << 20));
    const [[mine], theirs] = await Promise.all([
      owner.sums(its, vectors),
      host.sums(own[0]!, openings),
    ]);
    const { opened } = await openBoth(
      levelShares(mine!, null),
      levelShares(theirs, null),
      [left.length],
      sampler,
    );
    const values = opened.flatMap(({ G, H }) => [G[0]!, H[0]!]);
    const errors = vectorSecrets(drawn).map(({ seed }) => rowErrors(seed, rows));
    const distance = (isLeft: (row: number) => boolean): number =>
      values.reduce((sum, value, t) => {
        let expected = 0;
        for (let i = 0; i < rows; i++) if (isLeft(i)) expected += (1 << 20) + errors[t]![i]!;
        return sum + (value - expected) ** 2;
      }, 0);
    const truth = distance((row) => left.includes(row));
    let fitting = 0;
    for (let set = 0; set < 2 ** rows; set++) {
      let size = 0;
      for (let rest = set; rest > 0; rest &= rest - 1) size++;
      if (size !== left.length) continue;
      if (distance((row) => ((set >> row) & 1) === 1) <= truth) fitting++;
    }
    return fitting;
  }

  it('finds the sides of all rows of a small node, whatever the noise: gradients alone tell', async () => {
    const [n, node] = [2000, 12];
    const bins = Uint16Array.from(seededRng('sides')(n), (byte) => byte & 1);
    const columns = { rows: n, bins: [bins], counts: [2] };
    // Numbers as large as gradients in a tree of 2000 records.
    const draws = new Uint32Array(new Uint8Array(seededRng('gradients')(8 * node)).buffer);
    const vectors = [0, 1].map((k) =>
      Int32Array.from({ length: n }, (_, i) => (i < node ? draws[2 * i + k]! & 0xfffff : 0)),
    );
    const { alice, bob, chA, chB } = await hePair();
    const [owner, host] = await Promise.all([
      BucketOwner.setup([{ channel: chA, he: alice }], n, seededRng('guest')),
      BucketHost.setup(chB, bob, hintKernel, columns, seededRng('host')),
    ]);
    const { mine: its, theirs: own } = await arrangeAll(owner, [host], null, 2);
    const [[mine], theirs] = await Promise.all([owner.sums(its, vectors), host.sums(own[0]!, 2)]);
    const left = bins.filter((bin) => bin === 0).length;
    const shares = [mine!, theirs].map((all) =>
      levelShares(
        all.map((each) => each.subarray(0, 1)),
        null,
      ),
    );
    const { opened } = await openBoth(shares[0]!, shares[1]!, [left], undefined, 16);
    const deviation = Math.sqrt(ROW_VARIANCE * left * (1 + 16 ** 2));
    const values = [opened[0]!.G[0]!, opened[0]!.H[0]!];
    const fitting = Array.from({ length: 2 ** node }, (_, set) => set).filter((set) =>
      values.every((value, k) => {
        let sum = 0;
        for (let i = 0; i < node; i++) if (((set >> i) & 1) === 1) sum += vectors[k]![i]!;
        return Math.abs(value - sum) < 4 * deviation;
      }),
    );
    const truth = bins.slice(0, node).reduce((set, bin, i) => set | ((1 - bin) << i), 0);
    deepEqual(fitting, [truth]);
  });

  it('finds the rows of a candidate from known errors where the holder adds no noise', async () => {
    equal(await setsThatFit(10, noNoise), 1);
  });

  it('does not where it does, of few sums', async () => {
    const fitting = await setsThatFit(10);
    ok(fitting > 50, `${fitting} of 12 870 sets fit as well`);
  });
});

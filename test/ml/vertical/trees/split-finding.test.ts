import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { CandidateSums, WinningCandidates } from '../../../../proto/gen/trees.ts';
import { DEFAULT_PARAMETERS } from '../../../../src/ml/trees/parameters.ts';
import {
  type CandidateNoise,
  candidateNoise,
  type NoiseSampler,
} from '../../../../src/ml/vertical/trees/candidate-noise.ts';
import {
  bestCandidate,
  openSumsHost,
  openSumsOwner,
  tellWinners,
  withSiblings,
} from '../../../../src/ml/vertical/trees/split-finding.ts';
import { BucketHost, BucketOwner } from '../../../../src/protocols/aggregation/bucket-sums.ts';
import { partialSums } from '../../../../src/protocols/aggregation/hint.ts';
import { ROW_VARIANCE } from '../../../../src/protocols/aggregation/parameters.ts';
import { memoryChannelPair } from '../../../../src/protocols/memory-channel.ts';
import { noNoise } from '../../../support/boosting-run.ts';
import { recordingRng, rowErrors, vectorSecrets } from '../../../support/bucket-noise.ts';
import { arrangeAll, hintKernel, runBuckets } from '../../../support/bucket-run.ts';
import { hePair } from '../../../support/he-pair.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { tamper } from '../../../support/tamper.ts';
import { recordingLedger } from '../../../support/vertical-run.ts';

const opening = () => ({ ledger: recordingLedger(), labelHolder: 'guest' });

const vectorsOf = (count: number, C: number, seed: string): Uint32Array[] =>
  Array.from(
    { length: count },
    (_, k) => new Uint32Array(new Uint8Array(seededRng(`${seed} ${k}`)(4 * C)).buffer),
  );

const zeros = (count: number, C: number): Uint32Array[] =>
  Array.from({ length: count }, () => new Uint32Array(C));

/** Of candidates of so many rows, each of a column of its own. */
const noiseOf = (rows: readonly number[], sampler?: NoiseSampler, multiplier = 1): CandidateNoise =>
  candidateNoise(
    rows.map((_, column) => ({ column, bins: 1, andLast: false })),
    rows.map((n) => Uint32Array.of(n, 1)),
    multiplier,
    sampler,
  );

/** Both roles over a fresh channel; by default every node of the level is computed. */
async function openBoth(
  guest: readonly Uint32Array[],
  host: readonly Uint32Array[],
  noise: CandidateNoise,
  nodes = guest.length / 2,
  seed = 'noise',
) {
  const [chGuest, chHost] = memoryChannelPair();
  const [mine, theirs] = [opening(), opening()];
  const winners = Int32Array.from({ length: nodes }, (_, v) =>
    v % 2 === 0 ? -1 : v % noise.sums.length,
  );
  const [opened, told] = await Promise.all([
    openSumsOwner(chGuest, guest, mine).then(async (sums) => {
      await tellWinners(chGuest, winners, 'host', mine);
      return sums;
    }),
    openSumsHost(chHost, host, { ...theirs, nodes, noise }, seededRng(seed)),
  ]);
  deepEqual(told, winners);
  return { opened, chGuest, recorded: [mine.ledger.entries, theirs.ledger.entries] };
}

describe('opened sums', () => {
  it('are both shares of what is computed, told once at every party, at the stated cost', async () => {
    const [guest, host] = [vectorsOf(10, 7, 'guest'), vectorsOf(10, 7, 'host')];
    const noise = noiseOf([1, 2, 3, 4, 5, 6, 7], noNoise);
    const { opened, chGuest, recorded } = await openBoth(guest, host, noise, 10);
    opened.forEach(({ G, H }, v) => {
      [G, H].forEach((values, k) => {
        const at = 2 * v + k;
        deepEqual(
          values,
          Int32Array.from(guest[at]!, (word, c) => word + host[at]![c]!),
        );
      });
    });
    deepEqual(recorded, [
      [
        { class: 'split_sums', to: ['guest'], elements: 70 },
        { class: 'winning_splits', to: ['host'], elements: 10 },
      ],
      [{ class: 'split_sums', to: ['guest'], elements: 70 }],
    ]);
    const { messagesReceived, bytesReceived, messagesSent, bytesSent } = chGuest.stats;
    deepEqual([messagesReceived, messagesSent], [1, 1]);
    ok(bytesReceived - 280 <= 6 && bytesSent - 40 <= 6);
  });

  it('go in pieces', async () => {
    const C = 70_000;
    const [guest, host] = [vectorsOf(4, C, 'a'), vectorsOf(4, C, 'b')];
    const one = { column: 0, bins: 1, andLast: false };
    const noise = candidateNoise(Array(C).fill(one), [Uint32Array.of(1, 1)], 1, noNoise);
    const { opened, chGuest } = await openBoth(guest, host, noise);
    equal(chGuest.stats.messagesReceived, 2);
    equal(opened[1]!.H[C - 1], (guest[3]![C - 1]! + host[3]![C - 1]!) | 0);
  });

  it('leave the second child of a parent what the first one does not have', () => {
    const node = (G: number, H: number) => ({ G: Int32Array.of(G), H: Int32Array.of(H) });
    const roots = [node(10, 20), node(-(2 ** 31), 2 ** 31 - 1)];
    equal(withSiblings(roots, null), roots);
    deepEqual(withSiblings([node(11, 1), node(1, -1)], roots), [
      ...[node(11, 1), node(-1, 19)],
      ...[node(1, -1), node(2 ** 31 - 1, -(2 ** 31))],
    ]);
  });

  it('have own noise in every vector anew, which siblings have of both', async () => {
    const C = 2000;
    const rows = Array.from({ length: C }, (_, c) => c);
    const { opened } = await openBoth(zeros(4, C), zeros(4, C), noiseOf(rows));
    const [root, child] = opened;
    const [, sibling] = withSiblings([child!], [root!]);
    const over = (values: Int32Array): number => {
      equal(values[0], 0, 'an empty sum has no errors');
      let statistic = 0;
      for (let c = 1; c < C; c++) statistic += values[c]! ** 2 / (ROW_VARIANCE * c);
      return statistic / C;
    };
    for (const which of ['G', 'H'] as const) {
      const [whole, half, rest] = [root!, child!, sibling!].map((each) => over(each[which]));
      ok(Math.abs(whole! - 2) < 0.32, `root: ${whole}`);
      ok(Math.abs(half! - 2) < 0.32, `child: ${half}`);
      ok(Math.abs(rest! - 4) < 0.64, `sibling: ${rest}`);
    }
    const between = over(root!.G.map((value, c) => value - root!.H[c]!));
    ok(Math.abs(between - 4) < 0.64, `G less H: ${between}`);
  });

  it('rejects malformed messages by code', async () => {
    const [guest, host] = [vectorsOf(4, 3, 'guest'), vectorsOf(4, 3, 'host')];
    const options = { ...opening(), nodes: 2, noise: noiseOf([1, 1, 1]) };
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
      await rejects(openSumsHost(chHost, host, options, seededRng(1)), isMalformed, winners.join());
    }
  });

  it('are opened after the ledger has agreed, or not at all', async () => {
    const [, chHost] = memoryChannelPair();
    const ledger = {
      record: () => Promise.reject(new Error('refused')),
    };
    const options = { ledger, labelHolder: 'guest', nodes: 1, noise: noiseOf([1]) };
    await rejects(openSumsHost(chHost, vectorsOf(2, 1, 'x'), options, seededRng(1)), /refused/);
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
    const noise = candidateNoise(first, [Uint32Array.of(8, 8)], 1, sampler);
    const { opened } = await openBoth(mine!, theirs, noise);
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
    const [guests, hosts] = [mine!, theirs].map((all) => all.map((each) => each.subarray(0, 1)));
    const { opened } = await openBoth(guests!, hosts!, noiseOf([left], undefined, 16));
    const deviation = Math.sqrt(ROW_VARIANCE * left * (1 + 2 * 16 ** 2));
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

  describe('by combinations of a column’s sums', () => {
    const [n, bins, vectors, draws] = [512, 16, 16, 16];
    // Half of the rows have no value.
    const ofRow = Uint16Array.from({ length: n }, (_, i) => (i % 2 === 0 ? bins : (i >> 1) % bins));
    const [size, missing] = [n / 2 / bins, n / 2];
    const sums = [false, true].flatMap((andLast) =>
      Array.from({ length: bins - 1 }, (_, c) => ({ column: 0, bins: c + 1, andLast })),
    );
    const x = new Int32Array(n).fill(1 << 18);
    let shares: [Uint32Array[], Uint32Array[]];
    let errors: Int32Array[];
    before(async () => {
      const columns = { rows: n, bins: [ofRow], counts: [bins + 1] };
      const run = await runBuckets(columns, Array<Int32Array>(vectors).fill(x));
      const byCandidate = (all: Uint32Array[]): Uint32Array[] =>
        all.map((each) => partialSums(each, 1, [0, bins + 1], sums));
      shares = [byCandidate(run.ownerShares), byCandidate(run.hostShares)];
      errors = run.errors;
    });

    /** What is opened of every vector, with so many draws of noise each. */
    async function valuesOf(sampler?: NoiseSampler): Promise<Int32Array[][]> {
      const binRows = [
        Uint32Array.from({ length: bins + 1 }, (_, b) => (b < bins ? size : missing)),
      ];
      const noise = candidateNoise(sums, binRows, 1, sampler);
      const all = await Promise.all(
        Array.from({ length: draws }, (_, k) => openBoth(...shares, noise, vectors / 2, `${k}`)),
      );
      return all.map(({ opened }) => opened.flatMap(({ G, H }) => [G, H]));
    }

    /** What x and the known errors of the rows of each bin add up to, by vector. */
    const known = (): number[][] =>
      errors.map((e) => {
        const ofBin = Array<number>(bins + 1).fill(0);
        ofRow.forEach((bin, i) => {
          ofBin[bin]! += x[i]! + e[i]!;
        });
        return ofBin;
      });

    const meanSquare = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value ** 2, 0) / values.length;

    /** What the difference of neighbours has but for their bin; its mean square, over the variance of errors. */
    function neighbours(all: readonly Int32Array[][]): number {
      const ofBin = known();
      const left = all.flatMap((values) =>
        values.flatMap((opened, t) =>
          Array.from(
            { length: bins - 2 },
            (_, c) => opened[c + 1]! - opened[c]! - ofBin[t]![c + 1]!,
          ),
        ),
      );
      return meanSquare(left) / (ROW_VARIANCE * size);
    }

    /** The same of the mean of all pairs that differ by the missing values. */
    function directions(all: readonly Int32Array[][]): number {
      const ofBin = known();
      const left = all.flatMap((values) =>
        values.map((opened, t) => {
          let sum = 0;
          for (let c = 0; c < bins - 1; c++) sum += opened[c + bins - 1]! - opened[c]!;
          return sum / (bins - 1) - ofBin[t]![bins]!;
        }),
      );
      return meanSquare(left) / (ROW_VARIANCE * missing);
    }

    it('finds the rows of a bin and the missing ones where the holder adds no noise', async () => {
      const values = await valuesOf(noNoise);
      equal(neighbours(values), 0);
      equal(directions(values), 0);
    });

    it('does not where it does: no combination has less than the errors in it', async () => {
      const values = await valuesOf();
      // One of the bin, and of either sum one a bin, 8 on average.
      const between = neighbours(values);
      ok(between > 15 && between < 19, `${between}`);
      // One of the missing rows, and little of what is of one's own, 34 in 15 x 15.
      const mean = directions(values);
      ok(mean > 0.85 && mean < 1.45, `${mean}`);
    });
  });
});

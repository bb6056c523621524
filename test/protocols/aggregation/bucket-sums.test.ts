import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { BucketSamples, BucketShape, MaskedRows } from '../../../proto/gen/aggregation.ts';
import { HeCiphertext, HeRingAnswer } from '../../../proto/gen/he.ts';
import { BucketHost, BucketOwner } from '../../../src/protocols/aggregation/bucket-sums.ts';
import { batchOf, MAX_SUM, ROW_VARIANCE } from '../../../src/protocols/aggregation/parameters.ts';
import { batchLayout } from '../../../src/protocols/he/batch-matrix.ts';
import { CIPHERTEXT_BYTES, RING_ANSWER_BYTES } from '../../../src/protocols/he/parameters.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import {
  recordingRng,
  rowErrors,
  sumsByBucket,
  vectorSecrets,
} from '../../support/bucket-noise.ts';
import {
  arrangeAll,
  hintKernel,
  randomColumns,
  randomVector,
  residualOf,
  runBuckets,
} from '../../support/bucket-run.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { hePair, highestPolynomial } from '../../support/he-pair.ts';
import { puncturedSums } from '../../support/punctured-sums.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { tamper } from '../../support/tamper.ts';
import { type Frame, residueBytes, transcript } from '../../support/transcript.ts';
import { LIMIT, twoSampleChiSquare } from '../../support/views.ts';

const bytesOf = (words: readonly Uint32Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(words.map((w) => new Uint8Array(w.slice().buffer))));

/** All words of c in frames. */
const maskedBytes = (frames: readonly Frame[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(
      frames
        .filter(({ type }) => type === MaskedRows.$type)
        .map(({ bytes }) => MaskedRows.decode(bytes).words),
    ),
  );

describe('sums by bucket', () => {
  for (const [rows, counts] of [
    [1, [1]],
    [2, [3, 1]],
    [2047, [32]],
    [2048, [2, 5]],
    [2049, [256, 1]],
    [4097, [32, 7, 300]],
    [65_536, [4]],
    [65_537, [16, 3]],
  ] as const) {
    it(`agrees with the ideal functionality, noise and all: ${rows} rows, ${counts.join()} bins`, async () => {
      const columns = randomColumns(rows, counts, rows);
      const vectors = [randomVector(rows, 12, 'g'), randomVector(rows, 5, 'h')];
      const { residuals, errors } = await runBuckets(columns, vectors);
      for (const [t, residual] of residuals.entries()) {
        const noise = sumsByBucket(errors[t]!, columns);
        residual.forEach((v, r) => {
          ok(Math.abs(v - noise[r]!) <= 1, `vector ${t}, bucket ${r}: ${v}, noise ${noise[r]}`);
        });
      }
    });
  }

  it('hits the noise exactly: the unit of rounding is as rare as computed', async () => {
    const columns = randomColumns(300, [8, 8], 'exact');
    const vectors = Array.from({ length: 5 }, (_, t) => randomVector(300, 16, t));
    const { residuals, errors } = await runBuckets(columns, vectors);
    residuals.forEach((residual, t) => {
      deepEqual(residual, sumsByBucket(errors[t]!, columns), `vector ${t}`);
    });
  });

  it('agrees with a punctured PRF, which is exact', async () => {
    const columns = randomColumns(500, [9, 16, 1], 'oracle');
    const vectors = [randomVector(500, 20, 1), randomVector(500, 2, 2)];
    const { ownerShares, hostShares, errors } = await runBuckets(columns, vectors);
    puncturedSums(vectors, columns, seededRng('dealer')).forEach(({ owner, host }, t) => {
      const noise = sumsByBucket(errors[t]!, columns);
      const exact = owner.map((word, r) => word + host[r]!);
      const sums = sumsByBucket(vectors[t]!, columns);
      deepEqual(
        exact,
        Uint32Array.from(sums, (v) => v),
        'the oracle is right',
      );
      deepEqual(residualOf(ownerShares[t]!, hostShares[t]!, exact), noise, `vector ${t}`);
    });
  });

  it('equals plaintext within the predicted noise, and empty buckets exactly', async () => {
    const rows = 20_000;
    const columns = randomColumns(rows, [64], 'noise');
    columns.bins[0]!.forEach((bin, i) => {
      if (bin % 4 === 3) columns.bins[0]![i] = bin - 1; // every fourth bin is empty
    });
    const sizes = sumsByBucket(new Uint8Array(rows).fill(1), columns);
    const vectors = Array.from({ length: 8 }, (_, t) => randomVector(rows, 14, t));
    const { residuals } = await runBuckets(columns, vectors, 'noise');
    let statistic = 0;
    for (const residual of residuals) {
      residual.forEach((v, r) => {
        if (sizes[r] === 0) equal(v, 0, `bucket ${r} is empty`);
        else statistic += v ** 2 / (ROW_VARIANCE * sizes[r]!);
      });
    }
    const freedom = 8 * 48;
    ok(Math.abs(statistic - freedom) < 5 * Math.sqrt(2 * freedom), `chi-square ${statistic}`);
  });

  it('equals plaintext within the predicted noise at 100 000 rows and 256 bins', async () => {
    const rows = 100_000;
    const columns = randomColumns(rows, [256], 'large');
    const sizes = sumsByBucket(new Uint8Array(rows).fill(1), columns);
    const { residuals } = await runBuckets(columns, [randomVector(rows, 14, 'large')], 'large');
    const statistic = residuals[0]!.reduce(
      (sum, v, r) => sum + v ** 2 / (ROW_VARIANCE * sizes[r]!),
      0,
    );
    ok(Math.abs(statistic - 256) < 5 * Math.sqrt(2 * 256), `chi-square ${statistic}`);
  });

  it('takes missing values as a bin, bins of one row, and vectors of zeros', async () => {
    const rows = 5000;
    const bins = new Uint16Array(rows).fill(2); // all missing but two
    bins.set([0, 1], 17);
    const columns = { rows, bins: [bins, new Uint16Array(rows)], counts: [3, 1] };
    const x = randomVector(rows, 16, 'x');
    const { residuals, errors } = await runBuckets(columns, [x, new Int32Array(rows)]);
    for (const [t, residual] of residuals.entries()) {
      deepEqual(residual, sumsByBucket(errors[t]!, columns));
      equal(residual[0], errors[t]![17]);
    }
  });

  it('serves several hosts with the same bytes of c', async () => {
    const rows = 3000;
    const shapes = [randomColumns(rows, [5, 4], 'one'), randomColumns(rows, [16], 'two')];
    const vectors = [0, 1, 2, 3, 4, 5].map((t) => randomVector(rows, 10, t));
    const records = [transcript(), transcript()];
    const pairs = await Promise.all(records.map(({ taps }, h) => hePair(taps, h)));
    const [owner, ...hosts] = await Promise.all([
      BucketOwner.setup(
        pairs.map(({ alice, chA }) => ({ he: alice, channel: chA })),
        rows,
        seededRng('owner'),
      ),
      ...pairs.map(({ bob, chB }, h) =>
        BucketHost.setup(chB, bob, hintKernel, shapes[h]!, seededRng(`host ${h}`)),
      ),
    ]);
    const { mine, theirs } = await arrangeAll(owner, hosts, null, 2); // a batch of four
    deepEqual(mine.buckets, [9, 16]);
    deepEqual(hosts[0]!.offsets, [0, 5, 9]);
    const [ownerShares, ...hostShares] = await Promise.all([
      owner.sums(mine, vectors.values()), // any iterable
      ...hosts.map((host, h) => host.sums(theirs[h]!, 6)),
    ]);
    shapes.forEach((columns, h) => {
      vectors.forEach((x, t) => {
        const residual = residualOf(
          ownerShares[h]![t]!,
          hostShares[h]![t]!,
          sumsByBucket(x, columns),
        );
        const worst = Math.max(...residual.map(Math.abs));
        ok(worst < 10 * Math.sqrt(ROW_VARIANCE * rows), `host ${h}, vector ${t}: ${worst}`);
      });
    });
    deepEqual(maskedBytes(records[0]!.frames), maskedBytes(records[1]!.frames));
    deepEqual(await owner.sums(mine, []), [[], []]);
    deepEqual(await hosts[0]!.sums(theirs[0]!, 0), []);
    await rejects(hosts[0]!.sums(theirs[0]!, -1), RangeError);
  });

  it('sums over bins as the host arranges them, in an order of its own', async () => {
    const rows = 3000;
    const columns = randomColumns(rows, [5, 4, 1], 'arranged');
    const { alice, bob, chA, chB } = await hePair();
    const { rng, drawn } = recordingRng(seededRng('owner'));
    const before = highestPolynomial();
    const [owner, host] = await Promise.all([
      BucketOwner.setup([{ channel: chA, he: alice }], rows, rng),
      BucketHost.setup(chB, bob, hintKernel, columns, seededRng('host')),
    ]);
    const arrangements = [
      [
        { column: 1, bins: 3, andLast: true },
        { column: 0, bins: 2, andLast: false },
        { column: 1, bins: 1, andLast: false },
        { column: 1, bins: 3, andLast: false },
        { column: 1, bins: 0, andLast: true },
      ],
      [{ column: 0, bins: 0, andLast: false }],
      [{ column: 0, bins: 5, andLast: false }],
    ];
    let drawnBefore = 0;
    // Each is made beside the sums of the one before.
    let next = arrangeAll(owner, [host], arrangements[0]!, 1);
    for (const [t, sums] of arrangements.entries()) {
      const { mine, theirs } = await next;
      deepEqual([mine.buckets, theirs[0]!.buckets], [[sums.length], sums.length]);
      const secrets = vectorSecrets(drawn).slice(drawnBefore);
      drawnBefore += secrets.length;
      if (t + 1 < arrangements.length) next = arrangeAll(owner, [host], arrangements[t + 1]!, 1);
      const x = randomVector(rows, 10, `arranged ${t}`);
      const [[[a]], [b]] = await Promise.all([owner.sums(mine, [x]), host.sums(theirs[0]!, 1)]);
      for (const each of [mine, ...theirs]) each.close();
      const e = rowErrors(secrets[0]!.seed, rows);
      const exact = sums.map(({ column, bins, andLast }) => {
        const last = columns.counts[column]! - 1;
        return columns.bins[column]!.reduce((sum, bin, i) => {
          const isIn = bin < bins || (andLast && bin === last);
          return isIn ? sum + x[i]! + e[i]! : sum;
        }, 0);
      });
      deepEqual(residualOf(a!, b!, exact), new Float64Array(sums.length));
    }
    await next;
    for (const sum of [
      { column: 3, bins: 0, andLast: false },
      { column: 0, bins: 6, andLast: false },
      { column: 0, bins: 5, andLast: true },
    ]) {
      await rejects(host.arrange([sum], 1), /"sums" expected bins of column/);
    }
    await rejects(host.arrange([], 1), /"sums" expected 1 to/);
    owner.close();
    equal(highestPolynomial(), before, 'memory is given back');
  });

  it('costs what its header says', async () => {
    for (const [rows, counts, count] of [
      [100, [8], 3],
      [65_537, [20, 20], 2],
      [50, [3], 33],
    ] as const) {
      const columns = randomColumns(rows, counts, 'cost');
      const { frames, taps } = transcript();
      const vectors = Array.from({ length: count }, (_, t) => randomVector(rows, 8, t));
      const { chA, chB } = await runBuckets(columns, vectors, 1, taps);
      const R = counts.reduce((a, b) => a + b, 0);
      const batch = batchOf(count);
      const batches = Math.ceil(count / batch);
      const { columnBlocks, rowBlocks } = batchLayout(R, 2048, batch);
      const pieces = Math.ceil(rows / 65_536);
      equal(chA.stats.messagesSent, 1 + count * pieces + batches * columnBlocks);
      equal(chA.stats.messagesReceived, 1 + batches * rowBlocks);
      const total = (type: string): number =>
        frames.filter((f) => f.type === type).reduce((sum, f) => sum + f.bytes.length, 0);
      equal(total(BucketSamples.$type), 18);
      ok(total(BucketShape.$type) <= 4);
      equal(maskedBytes(frames).length, count * 4 * rows);
      equal(total(HeCiphertext.$type), batches * columnBlocks * (CIPHERTEXT_BYTES + 6));
      equal(total(HeRingAnswer.$type), batches * rowBlocks * (RING_ANSWER_BYTES + 6));
      equal(chB.stats.bytesReceived, chA.stats.bytesSent);
    }
  });

  it('shows a host the same whatever the vector: two memberships, a control without mask', async () => {
    const rows = 6000;
    const columns = randomColumns(rows, [4], 'view');
    // Two nodes' gradients: the first half of the rows, and one row alone.
    const memberships = [
      Int32Array.from({ length: rows }, (_, i) => (i < rows / 2 ? 5000 : 0)),
      Int32Array.from({ length: rows }, (_, i) => (i === 7 ? -300_000 : 0)),
    ];
    const views: { c: Uint8Array; ciphertexts: Uint8Array; shares: Uint8Array }[] = [];
    for (const [m, x] of memberships.entries()) {
      const { frames, taps } = transcript();
      await runBuckets(columns, [x], `membership ${m}`, taps);
      const sent = frames.filter(({ from }) => from === 0);
      views.push({
        c: maskedBytes(sent),
        ciphertexts: new Uint8Array(sent.flatMap((f) => [...residueBytes(f)])),
        shares: new Uint8Array(x.buffer),
      });
    }
    for (const [m, { c, ciphertexts, shares }] of views.entries()) {
      looksUniform(c, `c of membership ${m}`);
      looksUniform(ciphertexts, `ciphertexts of membership ${m}`);
      looksBiased(shares, 'x itself');
    }
    const [first, second] = views;
    ok(twoSampleChiSquare(first!.c, second!.c) < LIMIT, 'c');
    ok(twoSampleChiSquare(first!.ciphertexts, second!.ciphertexts) < LIMIT, 'ciphertexts');
    ok(twoSampleChiSquare(first!.shares, second!.shares) > LIMIT, 'the comparison can fail');
  });

  it('shows the owner the same whatever the bins, and gives either side a uniform share', async () => {
    const rows = 4096;
    const bins = [new Uint16Array(rows), randomColumns(rows, [3000], 'owner').bins[0]!];
    const x = randomVector(rows, 10, 'x');
    const answers: Uint8Array[] = [];
    for (const [m, column] of bins.entries()) {
      const columns = { rows, bins: [column], counts: [3000] };
      const { frames, taps } = transcript();
      const run = await runBuckets(columns, [x], `owner ${m}`, taps);
      answers.push(
        new Uint8Array(frames.filter((f) => f.from === 1).flatMap((f) => [...residueBytes(f)])),
      );
      looksUniform(answers[m]!, `answers ${m}`);
      looksUniform(bytesOf(run.ownerShares), `owner's shares ${m}`);
      looksUniform(bytesOf(run.hostShares), `host's shares ${m}`);
      looksBiased(bytesOf([Uint32Array.from(run.residuals[0]!)]), 'what both give together');
    }
    ok(twoSampleChiSquare(answers[0]!, answers[1]!) < LIMIT);
  });

  it('draws everything anew for every vector', async () => {
    const columns = randomColumns(2500, [3], 'fresh');
    const x = randomVector(2500, 10, 'x');
    const { frames, taps } = transcript();
    const { errors } = await runBuckets(columns, [x, x, x], 1, taps);
    const sent = frames.filter(({ type }) => type === MaskedRows.$type).map((f) => f.bytes);
    equal(sent.length, 3);
    notDeepEqual(sent[0], sent[1]);
    notDeepEqual(sent[1], sent[2]);
    notDeepEqual(errors[0], errors[1]);
    const differences = Uint8Array.from(sent[0]!, (v, i) => v - sent[1]![i]!);
    looksUniform(differences.subarray(8), 'c - c'); // of one secret it would be e - e
  });

  it('refuses what could leave the range before anything is sent', async () => {
    const rows = 1000;
    const columns = randomColumns(rows, [2], 'range');
    const most = new Int32Array(rows);
    most.fill(-(2 ** 30), 0, 1).fill(2 ** 30, 1, 2); // each side for itself
    most[2] = MAX_SUM - 2 ** 30;
    const { residuals } = await runBuckets(columns, [most]);
    ok(Math.max(...residuals[0]!.map(Math.abs)) < 10 * Math.sqrt(ROW_VARIANCE * rows));

    const { alice, bob, chA, chB } = await hePair();
    const [owner, host] = await Promise.all([
      BucketOwner.setup([{ channel: chA, he: alice }], rows, seededRng(1)),
      BucketHost.setup(chB, bob, hintKernel, columns, seededRng(2)),
    ]);
    const { mine } = await arrangeAll(owner, [host], null, 1);
    const before = chA.stats.messagesSent;
    const high = most.map((v, i) => (i === 3 ? 1 : v));
    const low = high.map((v) => -v);
    for (const x of [high, low, new Int32Array(rows - 1), new Int32Array(rows + 1)]) {
      await rejects(owner.sums(mine, [x]), RangeError);
    }
    equal(chA.stats.messagesSent, before);
    await rejects(
      owner.sums(mine, [high]),
      (error: Error) => !/\d{4}/.test(error.message.replace(`${MAX_SUM}`, '')),
    );
  });

  it('refuses shapes that cannot be', async () => {
    const { alice, bob, chA, chB } = await hePair();
    const bins = [new Uint16Array(10)];
    for (const columns of [
      { rows: 0, bins: [new Uint16Array(0)], counts: [1] },
      { rows: 10, bins: [], counts: [] },
      { rows: 10, bins, counts: [] },
      { rows: 10, bins, counts: [0] },
      { rows: 10, bins, counts: [65_536] },
      { rows: 11, bins, counts: [1] },
      { rows: 10, bins: [new Uint16Array(10).fill(3)], counts: [3] },
      { rows: 10, bins: [...bins, ...bins], counts: [65_535, 2] },
    ]) {
      await rejects(BucketHost.setup(chB, bob, hintKernel, columns, seededRng(1)), RangeError);
    }
    const links = [{ channel: chA, he: alice }];
    for (const rows of [0, 1.5, 2 ** 24 + 1]) {
      await rejects(BucketOwner.setup(links, rows, seededRng(1)), RangeError);
    }
    await rejects(BucketOwner.setup([], 5, seededRng(1)), RangeError);
    equal(chA.stats.messagesSent + chB.stats.messagesSent, 0);
  });

  it('rejects malformed messages by code', async () => {
    const columns = randomColumns(10, [2], 'bad');
    for (const length of [0, 15, 17]) {
      const { bob } = await hePair();
      const [chA, chB] = memoryChannelPair();
      await chA.send(BucketSamples, { seed: new Uint8Array(length) });
      const run = BucketHost.setup(chB, bob, hintKernel, columns, seededRng(1));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, `seed of ${length}`);
    }
    for (const buckets of [0, 65_537, 2 ** 32 - 1]) {
      const { alice } = await hePair();
      const [chA, chB] = memoryChannelPair();
      await chB.fork('arrangement 0').send(BucketShape, { buckets });
      const owner = await BucketOwner.setup([{ channel: chA, he: alice }], 10, seededRng(1));
      await rejects(owner.arranged(1), { code: 'MALFORMED_MESSAGE' }, `${buckets} buckets`);
    }
    for (const [name, change] of [
      ['short', (words: Uint8Array) => words.subarray(4)],
      ['long', (words: Uint8Array) => new Uint8Array(words.length + 1)],
      ['empty', () => new Uint8Array()],
    ] as const) {
      const before = highestPolynomial();
      const { alice, bob, chA, chB } = await hePair();
      const cheating = tamper(chA, MaskedRows, ({ words }) => ({ words: change(words) }));
      const [owner, host] = await Promise.all([
        BucketOwner.setup([{ channel: cheating, he: alice }], 10, seededRng(1)),
        BucketHost.setup(chB, bob, hintKernel, columns, seededRng(2)),
      ]);
      const { mine, theirs } = await arrangeAll(owner, [host], null, 3);
      await owner.sums(mine, [new Int32Array(10), new Int32Array(10)]);
      await rejects(host.sums(theirs[0]!, 3), { code: 'MALFORMED_MESSAGE' }, name);
      for (const each of [mine, ...theirs, owner, alice, bob]) each.close();
      equal(highestPolynomial(), before, 'polynomials are given back');
    }
    const { alice, chA, chB } = await hePair();
    const owner = await BucketOwner.setup([{ channel: chA, he: alice }], 10, seededRng(1));
    await chB.fork('arrangement 0').send(BucketSamples, { seed: new Uint8Array(16) });
    await rejects(owner.arranged(1), { code: 'UNEXPECTED_MESSAGE' });
  });

  it('asks for a vector when the one before it is on its way', async () => {
    const { alice, bob, chA, chB } = await hePair();
    const columns = randomColumns(10, [2], 'lazy');
    const [owner, host] = await Promise.all([
      BucketOwner.setup([{ channel: chA, he: alice }], 10, seededRng(1)),
      BucketHost.setup(chB, bob, hintKernel, columns, seededRng(2)),
    ]);
    const { mine, theirs } = await arrangeAll(owner, [host], null, 5);
    const sent = (): number => chA.stats.messagesSent;
    const before = sent();
    let taken = 0;
    function* vectors(): Generator<Int32Array> {
      for (; taken < 5; taken++) {
        equal(sent(), before + taken);
        yield new Int32Array(10);
      }
    }
    await Promise.all([owner.sums(mine, vectors()), host.sums(theirs[0]!, 5)]);
    equal(taken, 5);
  });

  it('sends what it sent before: a pinned transcript', async () => {
    const { frames, taps } = transcript();
    const columns = randomColumns(3000, [6, 3], 'pinned');
    await runBuckets(columns, [randomVector(3000, 12, 'pinned')], 'pinned', taps);
    const digest = createHash('sha256');
    for (const { from, label, type, bytes } of frames) {
      digest.update(`${from} ${label} ${type} ${bytes.length}\n`).update(bytes);
    }
    equal(digest.digest('hex'), '6516ea86aecda090dbf6b99d9159e9e3bd33ddd29be10d7f1728d35f9c0e7284');
  });
});

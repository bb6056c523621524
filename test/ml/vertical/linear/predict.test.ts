import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { HeCiphertext, HeRingAnswer } from '../../../../proto/gen/he.ts';
import { ReleasedTarget } from '../../../../proto/gen/linear.ts';
import { OpenedShare } from '../../../../proto/gen/sharing.ts';
import { type Matrix, matrix, takeRows } from '../../../../src/ml/data/matrix.ts';
import { applyWhitening } from '../../../../src/ml/data/whiten.ts';
import { RowOutOfRangeError } from '../../../../src/ml/vertical/linear/design.ts';
import { predictionLeakage } from '../../../../src/ml/vertical/linear/leakage.ts';
import type { Channel } from '../../../../src/protocols/channel.ts';
import { matrixLayout } from '../../../../src/protocols/he/matrix-layout.ts';
import { CIPHERTEXT_BYTES, RING_ANSWER_BYTES } from '../../../../src/protocols/he/parameters.ts';
import { declaredLedger } from '../../../support/declared-ledger.ts';
import { predictInMemory } from '../../../support/prediction-run.ts';
import { tamper } from '../../../support/tamper.ts';
import {
  DEFAULTS,
  joined,
  openedWeights,
  PARTIES,
  type SplitTable,
  syntheticTable,
  trainInMemory,
  type VerticalRun,
} from '../../../support/vertical-run.ts';

/** The scores of exact arithmetic on the weights that the parties' shares stand for. */
function exactScores(run: VerticalRun, rows: Pick<SplitTable, 'guest' | 'host'>): Float64Array {
  const v = openedWeights(run);
  const z = new Float64Array(rows.guest.rows);
  for (const [p, part] of [run.guest, run.host].entries()) {
    const U = applyWhitening(part.whitening, p === 0 ? rows.guest : rows.host);
    for (let i = 0; i < U.rows; i++) {
      for (let j = 0; j < U.columns; j++) z[i]! += U.values[i * U.columns + j]! * v[p]![j]!;
    }
  }
  return z;
}

/** Rows that were not in training, some of them far out. */
function newRows({ guest, host }: SplitTable): SplitTable {
  const pick = (X: Matrix): Matrix =>
    takeRows(
      X,
      Uint32Array.from({ length: 40 }, (_, i) => i),
    );
  const [a, b] = [pick(guest), pick(host)];
  const stretched = (X: Matrix): Matrix =>
    matrix(
      X.values.map((x, at) => (at % 7 === 0 ? 1.7 * x + 3 : x)),
      X.rows,
      X.columns,
    );
  return { guest: stretched(a), host: stretched(b), labels: new Float64Array() };
}

describe('joint prediction', () => {
  for (const [algorithm, solver, intercept] of [
    ['logistic_regression', 'auto', true],
    ['logistic_regression', 'sgd', false],
    ['linear_regression', 'auto', true],
    ['linear_regression', 'sgd', true],
  ] as const) {
    const isLinear = algorithm === 'linear_regression';
    const name = `${algorithm}, ${solver}, ${intercept ? 'with' : 'without'} intercept`;

    it(`gives the scores of the shared weights to open_bits: ${name}`, async () => {
      const table = syntheticTable(150, 3, 2, isLinear ? 'regression' : 'binary');
      const parameters = {
        ...DEFAULTS,
        ...{ solver, use_intercept: intercept, epochs: 5, batch_size: 50, learning_rate: 0.1 },
        ...{ loss: isLinear ? ('mse' as const) : ('logloss' as const) },
        ...{ model_release: 'split' as const },
      };
      const run = await trainInMemory(table, algorithm, parameters);
      const rows = newRows(table);
      const exact = exactScores(run, rows);
      const target = run.guest.target ?? { centre: 0, exponent: 0 };
      for (const openBits of [6, 14]) {
        const { scores } = await predictInMemory(run, rows, { algorithm, openBits });
        for (const each of scores) deepEqual(each, scores[0], 'both receivers learn the same');
        scores[0]!.forEach((score, i) => {
          const off = isLinear
            ? (score - target.centre) / 2 ** target.exponent - exact[i]!
            : Math.log(score / (1 - score)) - exact[i]!;
          // One unit of rounding, and 2^-13 of features by weights.
          const room = 2 ** -openBits + 5 * 2 ** -11;
          ok(Math.abs(off) < room, `row ${i} at ${openBits} bits is off by ${off}`);
        });
      }
    });
  }

  describe('by one model', () => {
    const table = syntheticTable(150, 3, 2, 'regression');
    const rows = newRows(table);
    let run: VerticalRun;
    before(async () => {
      const parameters = { ...DEFAULTS, epochs: 8, loss: 'mse' } as const;
      run = await trainInMemory(table, 'linear_regression', parameters);
    });

    for (const receivers of [['guest'], ['host'], ['guest', 'host'], ['host', 'guest']]) {
      it(`tells ${receivers.join(' and ')} alone, and records what is declared`, async () => {
        const statement = predictionLeakage({
          algorithm: 'linear_regression',
          alignment: 'row_order',
          engine: 'ecdh',
          counted: false,
          rows: 40,
          keys: 40,
          toFeatureHolder: receivers.includes('host'),
        });
        const ledgers = [0, 1].map(() => declaredLedger(statement, receivers));
        const { scores, frames } = await predictInMemory(run, rows, {
          algorithm: 'linear_regression',
          receivers,
          ledgers: [ledgers[0]!, ledgers[1]!],
        });
        PARTIES.forEach((party, p) => {
          equal(scores[p] !== null, receivers.includes(party), party);
          if (scores[p]) ok(Math.abs(scores[p]![0]! - 50) < 60, 'in the label’s unit');
        });
        const entries = ledgers.map(({ recorded }) => recorded);
        deepEqual(entries[0], entries[1]);
        const opened = new Map(entries[0]!.map((each) => [each.class, each]));
        deepEqual(
          [...opened.keys()],
          statement.opened.map(({ name: declared }) => declared),
        );
        deepEqual(opened.get('prediction_scores'), {
          class: 'prediction_scores',
          to: receivers,
          elements: 40,
        });
        // A party's share goes to the other one only where that is a receiver.
        const shares = frames.filter(({ type }) => type.endsWith('OpenedShare'));
        deepEqual(shares.map(({ from }) => PARTIES[1 - from]).toSorted(), receivers.toSorted());
        const units = frames.filter(({ type }) => type.endsWith('ReleasedTarget'));
        equal(units.length, receivers.includes('host') ? 1 : 0);
      });
    }

    it('opens nothing that the contract does not declare', async () => {
      const statement = predictionLeakage({
        algorithm: 'linear_regression',
        alignment: 'row_order',
        engine: 'ecdh',
        counted: false,
        rows: 39, // one fewer than there are
        keys: 40,
        toFeatureHolder: false,
      });
      const ledger = declaredLedger(statement, ['guest']);
      let shares = 0;
      const attempt = predictInMemory(run, rows, {
        algorithm: 'linear_regression',
        receivers: ['guest'],
        ledgers: [ledger, ledger],
        onFrame: ({ type }) => {
          shares += Number(type.endsWith('OpenedShare'));
        },
      });
      await rejects(attempt, { code: 'NOT_DECLARED' });
      equal(shares, 0);
    });

    it('costs what its header says, linear in the rows', async () => {
      const sizes = [100, 900].map((n) => repeated(rows, n));
      const [small, large] = await Promise.all(
        sizes.map((each) =>
          predictInMemory(run, each, { algorithm: 'linear_regression', receivers: ['host'] }),
        ),
      );
      const parts = (n: number, p: 0 | 1): readonly [columns: number, rows: number] => {
        const { columnBlocks, rowBlocks } = matrixLayout(n, [4, 2][p]!);
        return [columnBlocks, rowBlocks];
      };
      const bytes = (n: number): readonly [number, number] => {
        const [[cA, rA], [cH, rH]] = [parts(n, 0), parts(n, 1)];
        return [
          cH * CIPHERTEXT_BYTES + rA * RING_ANSWER_BYTES + 128 * Math.ceil(n / 8) + 8 * n,
          cA * CIPHERTEXT_BYTES + rH * RING_ANSWER_BYTES + 8 * n,
        ];
      };
      for (const p of [0, 1] as const) {
        const counted = large!.bytesSent[p]! - small!.bytesSent[p]!;
        const declared = bytes(900)[p]! - bytes(100)[p]!;
        ok(
          Math.abs(counted - declared) < 64,
          `${PARTIES[p]}: ${counted} bytes more, declared ${declared}`,
        );
      }
      equal(large!.scores[0], null);
      equal(large!.scores[1]!.length, 900);
    });

    it('names row and column that lie too far out, before anything is sent', async () => {
      const far = { ...rows, host: matrix(rows.host.values.slice(), 40, 2) };
      far.host.values[2 * 17 + 1]! += 1e6;
      let frames = 0;
      const abort = new AbortController();
      const attempt = predictInMemory(run, far, {
        algorithm: 'linear_regression',
        signal: abort.signal,
        onFrame: ({ from }) => {
          frames += from; // the host is 1
        },
      });
      await rejects(attempt, (error) => {
        ok(error instanceof RowOutOfRangeError);
        deepEqual([error.row, error.column], [17, 1]);
        return true;
      });
      equal(frames, 0);
      abort.abort();
    });

    describe('rejects', () => {
      const honest = { algorithm: 'linear_regression', receivers: ['host'] } as const;
      const attempt = (tamperFirst: (ch: Channel) => Channel): Promise<unknown> => {
        const abort = new AbortController();
        const running = predictInMemory(run, rows, {
          ...honest,
          tamperFirst,
          signal: abort.signal,
        });
        return running.finally(() => abort.abort());
      };
      const cases: Record<string, (ch: Channel) => Channel> = {
        'a short share': (ch) =>
          tamper(ch, OpenedShare, ({ share }) => ({ share: share.subarray(8) })),
        'a long share': (ch) =>
          tamper(ch, OpenedShare, ({ share }) => ({ share: Buffer.concat([share, share]) })),
        'a unit too large': (ch) => tamper(ch, ReleasedTarget, () => ({ exponent: 513 })),
        'a unit too small': (ch) => tamper(ch, ReleasedTarget, () => ({ exponent: -513 })),
        'a short answer': (ch) =>
          tamper(ch, HeRingAnswer, (answer) => ({ ...answer, c1: answer.c1.subarray(1) })),
        'a short ciphertext': (ch) =>
          tamper(ch, HeCiphertext, (ct) => ({ ...ct, c0: ct.c0.subarray(1) })),
      };
      for (const [name, tamperFirst] of Object.entries(cases)) {
        it(name, () => rejects(attempt(tamperFirst), { code: 'MALFORMED_MESSAGE' }));
      }

      it('nothing that is well formed', () => attempt((ch) => ch));
    });

    it('of no rows needs no message', async () => {
      const none = repeated(rows, 0);
      const { scores, frames } = await predictInMemory(run, none, {
        algorithm: 'linear_regression',
      });
      deepEqual(scores, [new Float64Array(), new Float64Array()]);
      equal(frames.length, 0);
    });

    it('is the same by a released model, which has shares too', async () => {
      const split = await trainInMemory(table, 'linear_regression', {
        ...DEFAULTS,
        ...{ epochs: 8, loss: 'mse', model_release: 'split' },
      });
      const [one, other] = await Promise.all(
        [run, split].map((each) =>
          predictInMemory(each, rows, { algorithm: 'linear_regression', openBits: 10 }),
        ),
      );
      const unit = 2 ** run.guest.target!.exponent;
      one!.scores[0]!.forEach((score, i) => {
        const off = Math.abs(score - other!.scores[0]![i]!) / unit;
        ok(off <= 2 ** -10 + 2 ** -16, `row ${i} is off by ${off}`);
      });
    });

    it('is that of the released weights, as far as these are rounded', async () => {
      const { scores } = await predictInMemory(run, rows, { algorithm: 'linear_regression' });
      const { weights, intercept } = run.model!;
      const X = joined(rows);
      const parts = [run.guest, run.host];
      const scales = parts.flatMap(({ whitening }) => [...whitening.scaler.scale]);
      const means = parts.flatMap(({ whitening }) => [...whitening.scaler.mean]);
      const unit = 2 ** run.guest.target!.exponent;
      scores[0]!.forEach((score, i) => {
        let alone = intercept;
        let room = 3; // of the score, of the intercept, and of the products
        weights.forEach((weight, j) => {
          const x = X.values[i * weights.length + j]!;
          alone += weight * x;
          room += 2 * Math.abs((x - means[j]!) / scales[j]!); // units are up to twice the deviation
        });
        const off = (score - alone) / unit;
        ok(Math.abs(off) < room * 2 ** -10, `row ${i} is off by ${off}, room ${room * 2 ** -10}`);
      });
    });
  });
});

/** The rows again and again. */
function repeated({ guest, host, labels }: SplitTable, n: number): SplitTable {
  const order = Uint32Array.from({ length: n }, (_, i) => i % guest.rows);
  return { guest: takeRows(guest, order), host: takeRows(host, order), labels };
}
